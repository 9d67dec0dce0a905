"""The views everybody is shown, kept ready as JSON; only what changed is made anew."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from gaesup_tui.domain.attending import overtime
from gaesup_tui.domain.deleting import has_left
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.freezing import window_for
from gaesup_tui.domain.locks import lock_of
from gaesup_tui.domain.sight import numbers
from gaesup_tui.domain.viewing import deployment_view
from gaesup_tui.domain.views import DeploymentView, Numbers
from gaesup_tui.domain.world import Stop
from gaesup_tui.engine.engine import Engine
from gaesup_tui.service.server.engine_view import engine_view
from gaesup_tui.service.server.rows import status_row
from gaesup_tui.service.server.sights import (
    answer_of,
    mark,
    problem_of,
    seen_at,
    sight_of,
    traffic_of,
    verdict_of,
)
from gaesup_tui.service.server.speeds import Speeds
from gaesup_tui.service.server.turns import Turns
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
    row: bytes | None = None
    """Its light row without its numbers, as JSON; made when first asked for."""


_LIVE = ("numbers", "by_revision", "seen_at")


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed in the views: JSON of each, and what is gone."""

    rev: int
    engine: bytes | None
    deployments: dict[str, bytes]
    gone: tuple[str, ...] = ()


class Views:
    """``refresh`` it whenever something may have changed; everything else reads."""

    def __init__(self, engine: Engine, speeds: Speeds, boot: str) -> None:
        self._engine = engine
        self._speeds = speeds
        self._boot = boot
        self._entries: dict[str, _Entry] = {}
        self._gone: dict[str, int] = {}
        """What was deleted and has left, and in which ``rev``."""
        self._engine_mark: Hashable = None
        self._engine_json = b"{}"
        self._engine_rev = 0
        self._measured_at = 0.0
        self._refreshed: tuple[float, int] = (0.0, -1)
        self.rev = 0
        """Grows with every refresh that found a change."""

    def fresh(self, now: float) -> bool:
        """Whether a ``refresh`` would find nothing: nothing happened, and nothing grew old."""
        at, changes = self._refreshed
        return changes == self._engine.changes and 0 <= now - at < 1.0

    @property
    def behind(self) -> int:
        """How many deployments were decided about since their views were made."""
        deployments, entries = self._engine.world.deployments, self._entries
        return sum(key in entries and entries[key].state is not s for key, s in deployments.items())

    async def refresh(self, now: float, tell: Callable[[Changed | None], None]) -> float:
        """Makes anew what changed and tells it, in slices: what brings a thousand rollouts back
        must not wait until that is drawn. Returns the seconds it took, without others' turns."""
        self._refreshed = (now, self._engine.changes)
        changed: dict[str, bytes] = {}
        turns = Turns()
        gone: list[str] = []
        for key in tuple(self._engine.world.deployments):
            if self._left(key):
                if self._entries.pop(key, None):
                    gone.append(key)
            elif self._renew(key, now):
                changed[key] = self._whole(self._entries[key])
            if turns.over:
                tell(self._counted(None, changed))
                changed = {}
                await turns.pause()
        tell(self._counted(self._renew_engine(now), changed, gone))
        return turns.took_s

    def _left(self, key: str) -> bool:
        """Whether it was deleted and nothing of it is seen any more: then nobody is shown it."""
        state = self._engine.world.deployments[key]
        return state.deleted is not None and has_left(state, self._engine.observer.seen(state))

    def renew(self, key: str, now: float) -> Changed | None:
        """One deployment at once, with its numbers; None when it did not change."""
        if self._left(key):
            return None
        changed = {key: self._whole(self._entries[key])} if self._renew(key, now) else {}
        self._take_numbers(self._entries[key])
        return self._counted(None, changed)

    def _counted(
        self, engine: bytes | None, changed: dict[str, bytes], gone: Sequence[str] = ()
    ) -> Changed | None:
        if not engine and not changed and not gone:
            return None
        self.rev += 1
        self._gone |= dict.fromkeys(gone, self.rev)
        return Changed(self.rev, engine, changed, tuple(gone))

    def _renew(self, key: str, now: float) -> bool:
        engine, entry = self._engine, self._entries.get(key)
        state = engine.world.deployments[key]
        stops = engine.world.stops
        seen = engine.observer.seen(state)
        verdict, answer = verdict_of(engine, state), answer_of(engine, state)
        what: Hashable = (
            mark(seen, verdict, answer, now),
            problem_of(engine, state, seen),
            engine.observer.endpoint(state.backend),
            lock_of(state, now) is None,
            tuple(name for name, _ in engine.observer.brewing(state)),
            window_for(engine.world, key, now),
            state.active is not None and overtime(state.active, now),
        )
        if entry and entry.state is state and entry.stops == stops and entry.mark == what:
            return False
        # Numbers are measured each second, not with every word that changes.
        traffic = None if entry else traffic_of(engine, state)
        sight = sight_of(engine, self._speeds, state, verdict, traffic, answer)
        view = deployment_view(engine.world, state, sight, now)
        if entry:
            view["numbers"] = entry.view["numbers"]
            view["by_revision"] = entry.view["by_revision"]
        words = encode({name: part for name, part in view.items() if name not in _LIVE})
        live = encode({name: part for name, part in view.items() if name in _LIVE})
        self._entries[key] = _Entry(state, stops, what, view, words, self.rev + 1, live)
        return True

    def _renew_engine(self, now: float) -> bytes | None:
        view = engine_view(self._engine, self._boot, now)
        seen = {name: at is not None and now - at < 3.0 for name, at in view["backends"].items()}
        what = encode({**view, "at": 0, "backends": seen})
        self._engine_json = encode(view)
        if what == self._engine_mark:
            return None
        self._engine_mark, self._engine_rev = what, self.rev + 1
        return self._engine_json

    @staticmethod
    def _whole(entry: _Entry) -> bytes:
        return entry.words[:-1] + b"," + entry.live[1:]

    def since(self, rev: int) -> Changed:
        """What changed after ``rev`` of this boot."""
        engine = self._engine_json if self._engine_rev > rev else None
        changed = {k: self._whole(e) for k, e in self._entries.items() if e.rev > rev}
        gone = (k for k, at in self._gone.items() if at > rev and k not in self._entries)
        return Changed(self.rev, engine, changed, tuple(gone))

    async def measure(self, now: float, *, older_than_s: float = 0.0) -> None:
        """Takes over the numbers of this moment, in slices; not if those it has are younger."""
        if 0 <= now - self._measured_at < older_than_s:
            return
        self._measured_at = now
        turns = Turns()
        for entry in tuple(self._entries.values()):
            self._take_numbers(entry)
            if turns.over:
                await turns.pause()

    def telemetry(self, now: float) -> bytes:
        """``views.Telemetry`` from the numbers last taken over, as JSON."""
        rows: dict[str, list[float | None]] = {}
        revisions: dict[str, dict[str, list[float | None]]] = {}
        for key, entry in self._entries.items():
            view = entry.view
            rows[key] = _row(view["numbers"], view["ready"], view["replicas"])
            if entry.state.active:
                sides = {r["id"]: r for r in view["revisions"]}
                revisions[key] = {
                    name: _row(each, sides[name]["ready"], sides[name]["wanted"])
                    for name, each in view["by_revision"].items()
                    if name in sides
                }
        return encode({"at": now, "rows": rows, "revisions": revisions})

    def _take_numbers(self, entry: _Entry) -> None:
        traffic, view = traffic_of(self._engine, entry.state), entry.view
        view["numbers"] = numbers(traffic.total)
        view["by_revision"] = {name: numbers(window) for name, window in traffic.windows.items()}
        view["seen_at"] = seen_at(self._engine, entry.state)
        entry.live = encode({name: part for name, part in view.items() if name in _LIVE})

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
        rows = b",".join(_row_json(self._entries[key]) for key in keys if key in self._entries)
        return b'{"seq":%d,"engine":%s,"deployments":[%s]}' % (seq, self._engine_json, rows)

    @property
    def keys(self) -> list[str]:
        return sorted(self._entries)


def _row_json(entry: _Entry) -> bytes:
    if entry.row is None:
        row = {k: v for k, v in status_row(entry.view).items() if k not in _LIVE}
        entry.row = encode(row)
    live = encode({"numbers": entry.view["numbers"], "seen_at": entry.view["seen_at"]})
    return entry.row[:-1] + b"," + live[1:]


def _row(values: Numbers, ready: int | None, wanted: int) -> list[float | None]:
    return [
        values["rps"],
        values["error_ratio"],
        values["p50_s"],
        values["p95_s"],
        ready,
        wanted,
    ]
