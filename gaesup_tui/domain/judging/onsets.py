"""When harm may begin: most of it is there from the first request, the rest pays for later.

Every tick gets a share of the money for harm that begins with it. The shares sum to 1 for ever,
also in a hold without a known end.
"""

from __future__ import annotations

FROM_START = 0.8
"""Share of the money on harm that was there from the start."""
_BEYOND = 0.1
"""Of the rest, the share kept for onsets beyond the planned end."""


def mass(tick: int, planned: int) -> float:
    """The money on an onset at ``tick`` (from 0), of ``planned`` ticks."""
    late = 1 - FROM_START
    if tick < planned:
        return (1 - _BEYOND) * late / planned
    over = tick - planned
    return _BEYOND * late / ((over + 1) * (over + 2))


def unspent(ticks: int, planned: int) -> float:
    """Money not yet placed after ``ticks`` ticks."""
    late = 1 - FROM_START
    if ticks < planned:
        return late * ((1 - _BEYOND) * (1 - ticks / planned) + _BEYOND)
    return late * _BEYOND / (ticks - planned + 1)
