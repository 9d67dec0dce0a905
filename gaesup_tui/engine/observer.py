"""Watches every backend and tells what is seen, how old it is, and what follows for a rollout."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.gradual import is_gradual
from gaesup_tui.domain.guards import brewing, broken
from gaesup_tui.domain.look import Look, SmokeResult
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.engine.guard_memory import GuardMemory
from gaesup_tui.engine.judge import Judge
from gaesup_tui.engine.points import Point
from gaesup_tui.engine.ports import Backend, Clock
from gaesup_tui.engine.sight import STALE_S, Sight

log = logging.getLogger("gaesup.engine.observer")

LOST_S = 10.0
"""After this long without an observation a backend counts as not answering."""
_RETRY_S = (0.5, 1.0, 2.0, 5.0)


class Observer:
    """``watch`` each backend in a task; read what is seen through the deployment it belongs to."""

    def __init__(
        self,
        backends: Mapping[str, Backend],
        clock: Clock,
        judge: Judge,
        on_seen: Callable[[str], None],
    ) -> None:
        self._backends = backends
        self._clock = clock
        self._judge = judge
        self._on_seen = on_seen
        self._sights = {name: Sight() for name in backends}
        self._smokes: dict[str, SmokeResult] = {}
        self._memory = GuardMemory()
        self._brewing: dict[str, tuple[tuple[str, str], ...]] = {}

    async def watch(self, name: str) -> None:
        """Makes one backend reachable and watches it until cancelled."""
        backend, sight = self._backends[name], self._sights[name]
        started, failures = False, 0
        while True:
            try:
                if not started:
                    await backend.start()
                    started = True
                async for observation in backend.observations():
                    failures = 0
                    if sight.take(observation, self._clock.now()):
                        self._on_seen(name)
                sight.error = "its observations ended"
            except GaesupError as error:
                if sight.error is None:
                    log.warning("the %s backend is not seen: %s", name, error)
                sight.error = str(error)
            except Exception as fault:  # whatever a backend throws, the others go on
                log.exception("watching the %s backend failed", name)
                sight.error = f"{type(fault).__name__}: {fault}"
            await self._clock.sleep(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
            failures += 1

    def sight(self, backend: str) -> Sight | None:
        """All that is seen of one backend."""
        return self._sights.get(backend)

    def age(self, backend: str) -> float | None:
        """Seconds since it was last seen; None when it never was."""
        sight = self._sights.get(backend)
        return sight.age(self._clock.now()) if sight else None

    def stale(self, backend: str) -> bool:
        """Whether what is shown of it is old."""
        age = self.age(backend)
        return age is None or age > STALE_S

    def error(self, backend: str) -> str | None:
        """Why a backend is not seen, in its own words."""
        sight = self._sights.get(backend)
        return sight.error if sight else f"no backend is called {backend}"

    def endpoint(self, backend: str) -> str:
        """Where its traffic enters; empty while not known."""
        sight = self._sights.get(backend)
        return sight.observation.endpoint if sight and sight.observation else ""

    def seen(self, state: Deployment) -> DeploymentSeen | None:
        """As last seen; None when its backend was not seen for ``LOST_S``."""
        age = self.age(state.backend)
        sight = self._sights.get(state.backend)
        return sight.seen(state.key) if sight and age is not None and age <= LOST_S else None

    def window(
        self, state: Deployment, revision: str, seconds: float, since: float = 0.0
    ) -> Window | None:
        """What a revision did in the last ``seconds``, but not before ``since``."""
        sight = self._sights.get(state.backend)
        return (
            sight.window(state.key, revision, self._clock.now(), seconds, since) if sight else None
        )

    def total(self, state: Deployment, seconds: float) -> Window | None:
        """What all its revisions together did in the last ``seconds``."""
        sight = self._sights.get(state.backend)
        return sight.total(state.key, self._clock.now(), seconds) if sight else None

    def points(self, state: Deployment, revision: str = "") -> tuple[Point | None, ...]:
        """The last 120 seconds of a revision, or with none named of the whole deployment; oldest
        first, None for gaps."""
        sight = self._sights.get(state.backend)
        return sight.points(state.key, revision, self._clock.now()) if sight else ()

    def look(self, state: Deployment, now: float) -> Look | None:
        """What to decide its rollout from; None while nothing fresh is seen."""
        sight = self._sights.get(state.backend)
        if sight is None:
            return None
        rollout = state.active
        if rollout is None:
            return sight.verifying(state, now)
        verdict = self._judge.decision(rollout, now)
        returns = rollout.phase == "back" and not is_gradual(rollout)
        look = sight.look(state, now, verdict, self._smokes.get(state.key))
        if look and rollout.index == len(rollout.plan) - 1:
            look = replace(look, said=self._judge.verdict(rollout, now))
        if look is None or returns:  # no guard holds up a way back
            return look
        return self._remembered(rollout, look, sight.placed_at, now)

    def _remembered(self, rollout: Rollout, look: Look, at: float, now: float) -> Look:
        """The look, with what guards know from earlier ones."""
        guards = rollout.spec.guards
        compared = {
            seconds: replace(each, base_before=self._memory.base(rollout, each.base_before, at))
            for seconds, each in look.compared.items()
        }
        found: dict[int, str] = {}
        if any(guard.hold_s for guard in guards):
            found = broken(rollout, look.seen, look.windows, now, compared)
        lasting = {number for number in found if guards[number].hold_s}
        since = self._memory.since(rollout, lasting, at) if lasting or compared else {}
        self._brewing[rollout.deployment] = tuple(brewing(rollout, found, since))
        return replace(look, compared=compared, since=since)

    def brewing(self, state: Deployment) -> tuple[tuple[str, str], ...]:
        """Guards that are broken but not for long enough yet: name and sentence."""
        forward = state.active and state.active.phase == "forward"
        return self._brewing.get(state.key, ()) if forward else ()

    def verdict(self, state: Deployment) -> Verdict | None:
        """What the judge says now, in full; None when nobody asks it."""
        return self._judge.verdict(state.active, self._clock.now()) if state.active else None

    def smoke(self, key: str, result: SmokeResult) -> None:
        """Keeps the result of a smoke test for the looks to come."""
        self._smokes[key] = result

    def strangers(self, states: Iterable[Deployment]) -> dict[str, tuple[str, ...]]:
        """Per backend the deployments that are not among ``states``."""
        known = {(state.backend, state.key) for state in states}
        found: dict[str, tuple[str, ...]] = {}
        for name, sight in self._sights.items():
            if sight.observation is None:
                continue
            strange = [key for key in sight.observation.deployments if (name, key) not in known]
            if strange:
                found[name] = tuple(sorted(strange))
        return found
