"""Which observations count, and when they were made in the engine's time."""

from __future__ import annotations

from gaesup_tui.domain.observation import Observation

_SET_BACK_AFTER = 3
_DRIFT_S = 0.001
"""By how much the two clocks may drift apart from one observation to the next."""


class Arrival:
    """Orders the observations of one backend.

    An observation that is not newer than the last one is a repeat or came late, and is left out.
    Several of them in a row mean the backend's clock was set back: then they count again.
    """

    def __init__(self) -> None:
        self._last_at: float | None = None
        self._boot = ""
        self._behind_s = 0.0
        self._older = 0

    def place(self, observation: Observation, now: float) -> float | None:
        """When it was made, in engine time; None when it is to be left out.

        The backend's clock is not ours: the shortest delay seen lately is taken as none.
        """
        lag = now - observation.at
        if observation.boot != self._boot or self._last_at is None:
            self._boot, self._behind_s = observation.boot, lag
        elif observation.at <= self._last_at:
            self._older += 1
            if self._older < _SET_BACK_AFTER or observation.at == self._last_at:
                return None
            self._behind_s = lag
        self._older = 0
        self._last_at = observation.at
        self._behind_s = min(self._behind_s + _DRIFT_S, lag)
        return observation.at + self._behind_s
