"""A fresh copy of the base beside a canary: as many replicas as the candidate, started when it is.

A base that has run for weeks differs from a candidate by more than its code: warm caches, grown
memory. The copy differs by the code alone, so the judge compares the candidate with it. Both get
the same share; the base keeps the rest, until it has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.revision import Revision

if TYPE_CHECKING:
    from gaesup_tui.domain.rollout import Rollout


def copy_of_base(rollout: Rollout) -> Revision | None:
    """The copy as a revision of its own; None when the rollout has none. Its id is the base's with
    a mark: a backend knows nothing of copies."""
    base = rollout.base
    if not rollout.spec.fresh_baseline or base is None:
        return None
    version, _, digest = base.id.rpartition("-")
    return base.model_copy(update={"id": f"{version[:59]}+copy-{digest}"})


def copy_share(rollout: Rollout) -> int:
    """Its percent of the traffic; none on the way back."""
    if rollout.phase != "forward" or copy_of_base(rollout) is None:
        return 0
    return min(rollout.weight_percent, 100 - rollout.weight_percent)


def copy_replicas(rollout: Rollout) -> int:
    """Its replicas: the candidate's, while the rollout goes forward. It stays through the bake, so
    that a step back finds it warm."""
    return rollout.candidate_replicas if rollout.phase == "forward" else 0


def copies_missing(rollout: Rollout, seen: DeploymentSeen) -> int:
    """Of its replicas, how many are not ready."""
    copy = copy_of_base(rollout)
    if copy is None:
        return 0
    there = seen.revision(copy.id)
    return max(0, copy_replicas(rollout) - (there.ready if there else 0))


def compared_with(rollout: Rollout) -> Revision | None:
    """What the candidate is judged against: the copy, else the base."""
    return copy_of_base(rollout) or rollout.base
