"""Only differing cells are sent, and what was sent makes the screen that was meant."""

from __future__ import annotations

from itertools import chain

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.segment import Segment

from gaesup_widgets.frame_shift import Shift, find_shift
from gaesup_widgets.frames import CellPair, Frame, cells_of, changed_runs
from gaesup_widgets.plain import PLAIN

WIDTH, HEIGHT = 24, 3
WORDS = st.sampled_from(["a", "b", " ", "-", "日", "é", "x" * 9])
STYLES = st.sampled_from(["", "1", "31", "38;2;1;2;3;48;2;9;9;9"])


def cells(pieces: list[tuple[str, str]]) -> list[CellPair]:
    made: list[CellPair] = []
    for text, sgr in pieces:
        for char in text:
            made.append((char, sgr))
            if char == "日":
                made.append(("", sgr))
    made = made[:WIDTH]
    if made and made[-1][0] == "日":
        made[-1] = (" ", made[-1][1])
    return made + [(" ", "")] * (WIDTH - len(made))


LINES = st.lists(st.tuples(WORDS, STYLES), max_size=WIDTH).map(cells)


def screen_of(sent: str) -> pyte.Screen:
    screen = terminal(HEIGHT)
    pyte.Stream(screen).feed(sent)
    return screen


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.tuples(st.integers(0, HEIGHT - 1), LINES), max_size=12))
def test_updates_in_any_order_make_the_screen_that_was_meant(
    updates: list[tuple[int, list[CellPair]]],
) -> None:
    frame = Frame()
    frame.fit(WIDTH, HEIGHT)
    small = "".join(frame.write([(y, 0, line)]) for y, line in updates)
    last = dict(updates)
    fresh = Frame()
    fresh.fit(WIDTH, HEIGHT)
    whole = fresh.write((y, 0, line) for y, line in last.items())
    one, other = screen_of(small), screen_of(whole)
    assert one.display == other.display
    for y in last:
        assert [one.buffer[y][x] for x in range(WIDTH)] == [
            other.buffer[y][x] for x in range(WIDTH)
        ]


def test_the_same_line_again_sends_nothing() -> None:
    frame = Frame()
    frame.fit(WIDTH, HEIGHT)
    line = cells([("b", "31"), ("日", "")])
    assert frame.write([(0, 0, line)])
    assert frame.write([(0, 0, line)]) == ""


def test_only_the_cells_that_differ_are_sent() -> None:
    frame = Frame()
    frame.fit(WIDTH, HEIGHT)
    frame.write([(1, 0, cells([("a" * 20, "")]))])
    assert frame.write([(1, 0, cells([("a" * 19 + "b", "")]))]) == "\x1b[2;20Hb"


def test_a_wide_character_is_never_cut_in_two() -> None:
    old = cells([("日", ""), ("a", "")])
    new = cells([("日", "31"), ("a", "")])
    assert changed_runs(old, new) == [(0, 2)]


def test_another_size_or_forgetting_sends_all_again() -> None:
    frame = Frame()
    frame.fit(WIDTH, HEIGHT)
    line = cells([("a", "")])
    frame.write([(0, 0, line)])
    frame.forget()
    frame.fit(WIDTH, HEIGHT)
    assert frame.write([(0, 0, line)])
    frame.fit(WIDTH, HEIGHT + 1)
    assert frame.write([(0, 0, line)])


def test_an_update_outside_the_screen_is_left_out() -> None:
    frame = Frame()
    frame.fit(WIDTH, HEIGHT)
    assert frame.write([(HEIGHT, 0, cells([("a", "")]))]) == ""
    assert frame.write([(0, WIDTH, cells([("a", "")]))]) == ""


def terminal(height: int) -> pyte.Screen:
    """An empty terminal. The emulator keeps no line that was never written, and a line that is to
    move to the place of another then leaves that other one standing: so each is there."""
    screen = pyte.Screen(WIDTH, height)
    for y in range(height):
        screen.buffer[y]
    return screen


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(LINES, min_size=12, max_size=12),
    st.integers(0, 11),
    st.integers(0, 11),
    st.integers(-5, 5),
    LINES,
)
def test_scrolled_lines_arrive_where_they_belong(
    lines: list[list[CellPair]], first: int, last: int, by: int, fresh: list[CellPair]
) -> None:
    frame = Frame()
    frame.fit(WIDTH, 12)
    sent = frame.write((y, 0, line) for y, line in enumerate(lines))
    wanted = list(lines)
    for y in range(first, last + 1):
        wanted[y] = lines[y - by] if 0 <= y - by < 12 else fresh
    sent += frame.write((y, 0, line) for y, line in enumerate(wanted) if line != lines[y])
    screen = terminal(12)
    pyte.Stream(screen).feed(sent)
    whole = Frame()
    whole.fit(WIDTH, 12)
    other = terminal(12)
    pyte.Stream(other).feed(whole.write((y, 0, line) for y, line in enumerate(wanted)))
    assert screen.display == other.display
    assert all(screen.buffer[y][x] == other.buffer[y][x] for y in range(12) for x in range(WIDTH))


def test_scrolling_by_a_line_sends_little_more_than_the_new_line() -> None:
    frame = Frame()
    frame.fit(WIDTH, 12)
    lines = [cells([(f"line number {n}", "")]) for n in range(13)]
    frame.write((y, 0, line) for y, line in enumerate(lines[:12]))
    sent = frame.write((y, 0, line) for y, line in enumerate(lines[1:]))
    assert sent.startswith("\x1b[1;12r\x1b[1;1H\x1b[1M\x1b[r")
    assert "line number 12" in sent
    assert len(sent) < 70


def test_repeated_lines_do_not_tell_a_scroll() -> None:
    assert find_shift(["a", "a", "a", "a"], {0: "b", 1: "b", 2: "b"}) is None
    assert find_shift(["a", "b", "c", "d"], {0: "a", 1: "b", 2: "c"}) is None
    assert find_shift(list("abcdef"), dict(enumerate("bcdefg"))) == Shift(0, 5, -1)
    assert find_shift(list("abcdef"), dict(enumerate("zabcde"))) == Shift(0, 5, 1)


BARS = st.text("▁▂▃▄▅▆▇█ ", min_size=1, max_size=3)


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(BARS, min_size=14, max_size=24),
    st.lists(st.lists(BARS, min_size=1, max_size=3), min_size=1, max_size=4),
    WORDS,
)
def test_a_sliding_chart_arrives_as_it_is(
    bars: list[str], more: list[list[str]], label: str
) -> None:
    frame = Frame()
    frame.fit(WIDTH, 1)
    sent, line = "", []
    for n in range(len(more) + 1):
        chart = "".join([*bars, *chain(*more[:n])])[-16:]
        line = cells([(label[:3], "31"), (chart, ""), (str(n), "1")])
        sent += frame.write([(0, 0, line)])
    screen = pyte.Screen(WIDTH, 1)
    pyte.Stream(screen).feed(sent)
    shown = [screen.buffer[0][x].data for x in range(WIDTH)]
    assert shown == [text for text, _ in line]


def test_a_sliding_chart_sends_its_newest_bar() -> None:
    frame = Frame()
    frame.fit(WIDTH, 1)
    frame.write([(0, 0, cells([("err ", ""), ("▁▂▃▄▅▆▇█▁▂▃▄▅▆▇█", "31"), (" 1", "")]))])
    sent = frame.write([(0, 0, cells([("err ", ""), ("▂▃▄▅▆▇█▁▂▃▄▅▆▇█▃", "31"), (" 1", "")]))])
    assert sent == "\x1b[1;5H\x1b[1P\x1b[1;20H\x1b[1@\x1b[1;20H\x1b[31m▃\x1b[0m"


def test_plain_text_is_ascii_cell_for_cell_and_leaves_names_alone() -> None:
    line = [Segment("┌─ v41→v42 × 2 … 장바구니 ≈ █░ ─┐")]
    fancy = cells_of(line, ColorSystem.TRUECOLOR)
    plain = cells_of(line, ColorSystem.TRUECOLOR, plain=True)
    assert len(plain) == len(fancy)
    assert "".join(text for text, _ in plain) == "+- v41>v42 x 2 ~ 장바구니 = #. -+"


def test_every_character_of_the_plain_table_is_one_cell_wide() -> None:
    assert all(cell_len(chr(fancy)) == 1 and plain.isascii() for fancy, plain in PLAIN.items())
