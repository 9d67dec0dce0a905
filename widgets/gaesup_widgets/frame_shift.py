"""Finds what only moved (lines up or down, the bars of a chart to the left), so that the terminal
can move it itself. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

# Moving lines costs two dozen bytes and writes the freed ones anew: not worth it for fewer.
_LEAST_LINES = 3
# The same for cells that slide along their line.
_LEAST_CELLS = 14
# A chart that is drawn seldom has got several samples since.
_MOST_SAMPLES = 4


class Shift(NamedTuple):
    """The lines `first`..`last` (inclusive) move by `by`: up when negative."""

    first: int
    last: int
    by: int


def find_shift(old: Sequence[Hashable], new: Mapping[int, Hashable]) -> Shift | None:
    """The one move that brings most of the changed lines to their place, if there is one.

    Args:
        old: What each line of the screen shows.
        new: What the lines written to are to show, by number.
    """
    changed = [y for y, line in new.items() if old[y] != line]
    if len(changed) < _LEAST_LINES:
        return None
    places: dict[Hashable, int] = {}
    repeated: set[Hashable] = set()
    for y in range(min(changed), max(changed) + 1):
        if old[y] in places:
            repeated.add(old[y])
        places[old[y]] = y
    # A line that is there twice (a blank one) says nothing about where it went.
    votes = Counter(
        y - places[new[y]] for y in changed if new[y] in places and new[y] not in repeated
    )
    if not votes:
        return None
    by, n_lines = votes.most_common(1)[0]
    if n_lines < _LEAST_LINES or by == 0:
        return None
    moved = [y for y in changed if places.get(new[y]) == y - by and new[y] not in repeated]
    first, last = min(moved), max(moved)
    if by < 0:
        return Shift(first, last - by, by)
    return Shift(first - by, last, by)


class Slide(NamedTuple):
    """The cells from `start` on move left by `by`, up to `end`, the first that is a new one."""

    start: int
    end: int
    by: int


def find_slide(old: Sequence[Hashable], new: Sequence[Hashable]) -> Slide | None:
    """The move to the left that brings the first cells that changed to their place."""
    start = next((at for at, (a, b) in enumerate(zip(old, new, strict=True)) if a != b), len(old))
    for by in range(1, _MOST_SAMPLES + 1):
        end = start
        while end + by < len(old) and new[end] == old[end + by]:
            end += 1
        if end - start >= _LEAST_CELLS:
            return Slide(start, end, by)
    return None
