"""What guards remember between looks: since when each is broken, and what the base once did.

In memory only. A new life of the engine begins to count anew, so a guard acts later then, never
without its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.telemetry import Delta

LONGEST_GAP_S = 3.0
"""After so long unseen nobody knows whether it held without a break."""


@dataclass(slots=True)
class _Kept:
    """Of the present rollout of one deployment."""

    rollout: str
    seen_at: float
    since: dict[int, float] = field(default_factory=dict)
    base: Delta | None = None


class GuardMemory:
    """Told of every look; asked with every look."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def _of(self, rollout: Rollout, at: float) -> _Kept:
        kept = self._kept.get(rollout.deployment)
        if kept is None or kept.rollout != rollout.id:
            kept = self._kept[rollout.deployment] = _Kept(rollout.id, at)
        return kept

    def since(self, rollout: Rollout, broken: Iterable[int], at: float) -> Mapping[int, float]:
        """Since when each of the ``broken`` guards is, as seen at ``at``: what is not broken now,
        and everything after a gap or a step back in time, begins anew."""
        kept = self._of(rollout, at)
        unbroken = 0 <= at - kept.seen_at <= LONGEST_GAP_S
        before = kept.since if unbroken else {}
        kept.since = {number: before.get(number, at) for number in broken}
        kept.seen_at = at
        return kept.since

    def base(self, rollout: Rollout, delta: Delta | None, at: float) -> Delta | None:
        """The largest sample of the base there was: it is asked for when traffic left it."""
        kept = self._of(rollout, at)
        if delta and (kept.base is None or delta.requests >= kept.base.requests):
            kept.base = delta
        return kept.base

    def known(self, rollout: Rollout) -> Mapping[int, float]:
        """As last seen; empty when it was not looked at."""
        kept = self._kept.get(rollout.deployment)
        return kept.since if kept and kept.rollout == rollout.id else {}
