"""Makes wishes true: compares them with what is seen and calls the backends until both agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.look import SmokeResult
from gaesup_tui.domain.revision import Revision
from gaesup_tui.engine.keeper import Keeper
from gaesup_tui.engine.observer import Observer
from gaesup_tui.engine.ports import Backend, Clock
from gaesup_tui.engine.smoke import SmokeTests


class Reconciler:
    """``wish`` on every change of a deployment, ``observed`` on every observation of a backend."""

    def __init__(
        self,
        backends: Mapping[str, Backend],
        clock: Clock,
        observer: Observer,
        here: Callable[[Revision], Revision],
        on_smoke: Callable[[str, SmokeResult], None],
    ) -> None:
        self._backends = backends
        self._clock = clock
        self._observer = observer
        self._here = here
        self._states: dict[str, Deployment] = {}
        self._keepers: dict[str, Keeper] = {}
        self._smokes = SmokeTests(clock, on_smoke)

    def wish(self, state: Deployment) -> None:
        """Takes a deployment as it is wished from now on, and acts at once."""
        self._states[state.key] = state
        backend = self._backends.get(state.backend)
        if backend is None:
            return
        if state.key not in self._keepers:
            self._keepers[state.key] = Keeper(state.key, backend, self._clock, self._here)
        self._update(state)
        self._smokes.want(state.key, state.active, backend)

    def observed(self, backend: str) -> None:
        """Looks again at all that runs there."""
        for state in self._states.values():
            if state.backend == backend:
                self._update(state)

    def _update(self, state: Deployment) -> None:
        sight = self._observer.sight(state.backend)
        observation = sight.observation if sight else None
        boot = observation.boot if observation else ""
        self._keepers[state.key].update(state, sight.seen(state.key) if sight else None, boot)

    def troubles(self, key: str) -> tuple[str, ...]:
        """Why a deployment is not yet as wished, as far as its backend said."""
        state, keeper = self._states.get(key), self._keepers.get(key)
        if keeper is not None:
            return keeper.troubles()
        if state is not None:
            return (f"no backend is called {state.backend}: install it or deploy elsewhere",)
        return ()

    def refusal(self, key: str, revision: str) -> str | None:
        """Why the backend will never run a revision; None while it may."""
        keeper = self._keepers.get(key)
        return keeper.refusal(revision) if keeper else None

    def strange_revisions(self) -> dict[str, tuple[str, ...]]:
        """Per deployment, revisions that run and that its journal cannot explain."""
        found = {key: keeper.unknown_revisions() for key, keeper in self._keepers.items()}
        return {key: revisions for key, revisions in found.items() if revisions}

    def close(self) -> None:
        """Ends all calls in flight. What runs keeps running."""
        self._smokes.close()
        for keeper in self._keepers.values():
            keeper.close()
