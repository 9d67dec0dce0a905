"""Which unit needs which: a circle among them, and the order in which to take them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Needs = Mapping[str, Sequence[str]]
"""Name to the names it needs."""


def circle(needs: Needs) -> tuple[str, ...]:
    """Names that need each other, the first again at the end; empty when there is no circle."""
    safe: set[str] = set()
    for start in needs:
        if found := _circle_from(start, needs, safe):
            return found
    return ()


def _circle_from(start: str, needs: Needs, safe: set[str]) -> tuple[str, ...]:
    """Walks without recursion: a chain may be as long as a file."""
    path: dict[str, None] = {}
    ways = [iter((start,))]
    while ways:
        name = next(ways[-1], None)
        if name is None:
            ways.pop()
            if path:
                safe.add(path.popitem()[0])
        elif name in path:
            names = list(path)
            return (*names[names.index(name) :], name)
        elif name not in safe:
            path[name] = None
            ways.append(iter(needs.get(name, ())))
    return ()


def dependents_first(needs: Needs) -> tuple[tuple[str, ...], ...]:
    """The names in groups: whatever needs a name is in a group before it. Names in a circle come
    together, since none of them is first. Needs that are not names of ``needs`` do not count."""
    needed_by: dict[str, set[str]] = {name: set() for name in needs}
    for name, others in needs.items():
        for other in others:
            if other in needed_by and other != name:
                needed_by[other].add(name)
    groups: list[tuple[str, ...]] = []
    while needed_by:
        free = [name for name, by in needed_by.items() if not by] or _first_circle(needed_by)
        groups.append(tuple(sorted(free)))
        for name in free:
            del needed_by[name]
        for by in needed_by.values():
            by.difference_update(free)
    return tuple(groups)


def _first_circle(needed_by: Mapping[str, set[str]]) -> list[str]:
    """When everything is needed by something: a circle that nothing outside it needs. Who has the
    fewest above it has only its own circle there."""
    smallest = min((_above(name, needed_by) for name in needed_by), key=len)
    return sorted(smallest)


def _above(name: str, needed_by: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = [name]
    while ahead:
        for by in needed_by[ahead.pop()] - found:
            found.add(by)
            ahead.append(by)
    return found
