"""The shortest way from one look to another ends at the same look as the long one."""

from __future__ import annotations

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st

from gaesup_widgets.sgr import change, look_of

ATTRIBUTES = st.lists(st.sampled_from(["1", "3", "4", "7", "9"]), unique=True, max_size=3)
COLOURS = st.sampled_from(["", "31", "39", "38;5;200", "38;2;1;20;255", "97"])
GROUNDS = st.sampled_from(["", "44", "49", "48;5;7", "48;2;18;18;18", "107"])


@st.composite
def looks(draw: st.DrawFn) -> str:
    parts = [*sorted(draw(ATTRIBUTES)), draw(COLOURS), draw(GROUNDS)]
    return ";".join(part for part in parts if part)


def seen(sequence: str) -> object:
    screen = pyte.Screen(2, 1)
    pyte.Stream(screen).feed(sequence + "x")
    return screen.buffer[0][0]


@settings(deadline=None)
@given(looks(), looks())
def test_a_terminal_shows_the_same_by_either_way(before: str, after: str) -> None:
    start = f"\x1b[0;{before}m" if before else "\x1b[0m"
    long = f"\x1b[0;{after}m" if after else "\x1b[0m"
    assert seen(start + change(before, after)) == seen(long)
    assert len(change(before, after)) <= len(long)


def test_only_what_differs_is_sent() -> None:
    assert change("38;2;1;2;3;48;2;9;9;9", "38;2;4;5;6;48;2;9;9;9") == "\x1b[38;2;4;5;6m"
    assert change("31", "31") == ""
    assert change("1;31", "31") == "\x1b[0;31m"
    assert change("31", "") == "\x1b[0m"
    assert look_of("1;38;2;1;2;3;48;5;7").background == "48;5;7"
