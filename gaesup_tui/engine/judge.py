"""What the engine asks of a judge; ``bench`` is the one that works."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.judged_record import Record
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.engine.sight import Sight


class Judge(Protocol):
    """Decides about candidates from what is seen of both sides."""

    def seen(self, sight: Sight, states: Iterable[Deployment]) -> None:
        """A backend was observed anew; ``states`` are the deployments on it."""

    def decision(self, rollout: Rollout, now: float) -> Verdict | None:
        """The verdict to act on; asked with every look at the world, so it must be cheap."""

    def verdict(self, rollout: Rollout, now: float) -> Verdict | None:
        """The verdict to show, with everything behind it, also when the comparison is over; None
        when there was nothing to compare."""

    def record(self, rollout: str) -> Record | None:
        """What a replay needs of a rollout; None when nothing was recorded. Reads the disk.

        Raises:
            ValueError: it is damaged or of another version.
            OSError: it cannot be read.
        """

    def close(self) -> None:
        """The engine ends: what is unwritten is written."""
