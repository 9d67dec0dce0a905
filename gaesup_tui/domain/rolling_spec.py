"""What a person writes about rolling updates in ``gaesup.yaml``."""

from __future__ import annotations

from pydantic import model_validator

from gaesup_tui.domain.amounts import Amount, is_none
from gaesup_tui.domain.model import Duration, Spec


class RollingSpec(Spec):
    """Replica by replica, as Kubernetes does it."""

    max_surge: Amount = 1
    """How many replicas more there may be meanwhile: a number, or a percent, rounded up."""
    max_unavailable: Amount = 1
    """How many fewer may be ready meanwhile: a number, or a percent, rounded down. With a surge
    at least one stays ready."""
    min_ready: Duration = 0.0
    """How long each new replica must have been ready before it counts as ready."""
    bake: Duration = 60.0
    """How long the old revision stays warm after all traffic is on the new one."""
    progress_deadline: Duration = 60.0
    """How long a replica may take to be ready before the rollout is given up."""

    @model_validator(mode="after")
    def _something_may_move(self) -> RollingSpec:
        if is_none(self.max_surge) and is_none(self.max_unavailable):
            raise ValueError(
                "maxSurge and maxUnavailable are both 0, so no replica could ever be replaced: "
                "let one of them be 1 or more"
            )
        return self
