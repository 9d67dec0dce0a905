"""The views everybody is shown, kept ready as JSON; only what changed is made anew."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.viewing import deployment_view, numbers
from gaesup_tui.domain.views import DeploymentView, Numbers
from gaesup_tui.domain.world import Stop
from gaesup_tui.engine.engine import Engine
from gaesup_tui.service.server.engine_view import engine_view
from gaesup_tui.service.server.rows import status_row
from gaesup_tui.service.server.sights import mark, sight_of
from gaesup_tui.service.server.speeds import Speeds
from gaesup_tui.service.server.wire import encode


@dataclass(slots=True)
class _Entry:
    """One deployment's view and what it was made from."""

    state: Deployment
    stops: tuple[Stop, ...]
    mark: Hashable
    view: DeploymentView
    words: bytes
    """The view without its numbers, as JSON."""
    rev: int
    """When it last changed."""
    live: bytes = b"{}"
    """Its numbers, as JSON."""


_LIVE = ("numbers", "by_revision", "seen_at")


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed in the views: JSON of each, and what is gone."""

    rev: int
    engine: bytes | None
    deployments: dict[str, bytes]
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.engine or self.deployments or self.gone)


class Views:
    """``refresh`` it whenever something may have changed; everything else reads."""

    def __init__(self, engine: Engine, speeds: Speeds, boot: str) -> None:
        self._engine = engine
        self._speeds = speeds
        self._boot = boot
        self._entries: dict[str, _Entry] = {}
        self._engine_mark: Hashable = None
        self._engine_json = b"{}"
        self._engine_rev = 0
        self.rev = 0
        """Grows with every refresh that found a change."""

    def refresh(self, now: float) -> Changed:
        """Makes anew what changed and tells what that was."""
        rev = self.rev + 1
        changed = {
            key: self._whole(self._entries[key])
            for key, state in self._engine.world.deployments.items()
            if self._renew(key, state, now, rev)
        }
        engine = self._renew_engine(now, rev)
        found = Changed(rev, engine, changed)
        if found:
            self.rev = rev
        return found

    def _renew(self, key: str, state: Deployment, now: float, rev: int) -> bool:
        engine, entry = self._engine, self._entries.get(key)
        stops = engine.world.stops
        seen = engine.observer.seen(state)
        look = engine.look(key) if state.active else None
        what: Hashable = (
            mark(seen, look.verdict if look else None),
            engine.troubles(key),
            engine.observer.endpoint(state.backend),
        )
        if entry and entry.state is state and entry.stops == stops and entry.mark == what:
            return False
        view = deployment_view(engine.world, state, sight_of(engine, self._speeds, state), now)
        words = encode({name: part for name, part in view.items() if name not in _LIVE})
        live = encode({name: part for name, part in view.items() if name in _LIVE})
        self._entries[key] = _Entry(state, stops, what, view, words, rev, live)
        return True

    def _renew_engine(self, now: float, rev: int) -> bytes | None:
        view = engine_view(self._engine, self._boot, now)
        seen = {name: at is not None and now - at < 3.0 for name, at in view["backends"].items()}
        what = encode({**view, "at": 0, "backends": seen})
        self._engine_json = encode(view)
        if what == self._engine_mark:
            return None
        self._engine_mark, self._engine_rev = what, rev
        return self._engine_json

    @staticmethod
    def _whole(entry: _Entry) -> bytes:
        return entry.words[:-1] + b"," + entry.live[1:]

    def since(self, rev: int) -> Changed:
        """What changed after ``rev`` of this boot."""
        engine = self._engine_json if self._engine_rev > rev else None
        changed = {k: self._whole(e) for k, e in self._entries.items() if e.rev > rev}
        return Changed(self.rev, engine, changed)

    def telemetry(self, now: float) -> bytes:
        """The numbers of all deployments at this moment; the views get them too."""
        rows: dict[str, list[float | None]] = {}
        revisions: dict[str, dict[str, list[float | None]]] = {}
        for key, entry in self._entries.items():
            live = self._numbers(entry)
            entry.view.update(cast(Any, live))
            entry.live = encode(live)
            view = entry.view
            rows[key] = _row(live["numbers"], view["ready"], view["replicas"])
            if entry.state.active:
                sides = {r["id"]: r for r in view["revisions"]}
                revisions[key] = {
                    name: _row(each, sides[name]["ready"], sides[name]["wanted"])
                    for name, each in live["by_revision"].items()
                    if name in sides
                }
        return encode({"at": now, "rows": rows, "revisions": revisions})

    def _numbers(self, entry: _Entry) -> dict[str, Any]:
        sight = sight_of(self._engine, self._speeds, entry.state, look=False)
        return {
            "numbers": numbers(sight.total),
            "by_revision": {name: numbers(window) for name, window in sight.windows.items()},
            "seen_at": sight.seen_at,
        }

    def snapshot(self, seq: int, recent: bytes) -> bytes:
        """``views.Overview`` as JSON; ``recent`` is its part of that name."""
        deployments = b",".join(map(self._whole, self._entries.values()))
        return b'{"seq":%d,"rev":%d,"engine":%s,"deployments":[%s],"recent":%s}' % (
            seq,
            self.rev,
            self._engine_json,
            deployments,
            recent,
        )

    def status(self, seq: int, keys: Iterable[str]) -> bytes:
        """``views.StatusView`` of these deployments, as JSON."""
        rows = [status_row(self._entries[key].view) for key in keys if key in self._entries]
        return b'{"seq":%d,"engine":%s,"deployments":%s}' % (
            seq,
            self._engine_json,
            encode(rows),
        )

    @property
    def keys(self) -> list[str]:
        return sorted(self._entries)


def _row(values: Numbers, ready: int | None, wanted: int) -> list[float | None]:
    return [
        values["rps"],
        values["error_ratio"],
        values["p50_s"],
        values["p95_s"],
        ready,
        wanted,
    ]
