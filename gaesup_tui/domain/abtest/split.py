"""Whether users came in the shares they should have. A broken split voids every comparison.

A Bayes factor against the planned share, valid at every look: M. Lindon and A. Malek, Anytime-Valid
Inference for Multinomial Count Data, NeurIPS 2022. Its rival is a beta around the planned share,
so wide that it expects to be off by about ``1 / (2 sqrt(PRIOR_USERS))``: 1.6 points at a half.
"""

from __future__ import annotations

import math

from gaesup_tui.domain.abtest.counts import Split

PRIOR_USERS = 1000.0
BROKEN = 1000.0
"""Evidence a whole split shows less than once in as many tests, however often it is looked at."""


def against(split: Split, share: float) -> float:
    """Log of the evidence that the candidate's share of users is not ``share``."""
    a, b = PRIOR_USERS * share, PRIOR_USERS * (1 - share)
    new, old = split.candidate.users, split.base.users
    return (
        _log_beta(a + new, b + old)
        - _log_beta(a, b)
        - new * math.log(share)
        - old * math.log(1 - share)
    )


def evidence(split: Split, share: float) -> float:
    """How far that has come, 0…1."""
    return min(1.0, max(0.0, against(split, share) / math.log(BROKEN)))


def broken(split: Split, share: float) -> bool:
    """Whether nothing may be concluded from it."""
    return evidence(split, share) >= 1


def _log_beta(x: float, y: float) -> float:
    return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)
