"""What each widget writes to a real terminal when little changes.

Over a slow line bytes are time: 400 of them are 25 ms at 128 kbit/s. Each test starts the small
app at the end of this file in a pseudo-terminal of 120x40, lets it paint, presses a key that makes
one change, and counts what comes out until the terminal is quiet.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator

import pyte
import pytest
from textual.app import App, ComposeResult
from textual.widget import Widget

from gaesup_widgets.cells import Cell
from gaesup_widgets.command_line import CommandLine
from gaesup_widgets.confirm import Confirm, Question
from gaesup_widgets.evidence import Evidence, EvidenceTable
from gaesup_widgets.footer import KeyFooter, KeyHint
from gaesup_widgets.frames import FrameDiff
from gaesup_widgets.grid import Column, Grid, Row
from gaesup_widgets.log_view import LogLine, LogView
from gaesup_widgets.sparkline import Sparkline
from gaesup_widgets.status_line import Field, StatusLine
from gaesup_widgets.theme import install, wants_no_color
from gaesup_widgets.timeline import Step, Timeline
from gaesup_widgets.traffic_bar import Traffic, TrafficBar

WIDTH, HEIGHT = 120, 40
QUIET_S, DEADLINE_S = 0.25, 15.0


class Terminal:
    """The app in a pseudo-terminal; counts what it writes."""

    def __init__(self, subject: str, theme: str) -> None:
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        environ = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        environ |= {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "TEXTUAL_ANIMATIONS": "none",
        }
        self.process = subprocess.Popen(
            [sys.executable, __file__, subject, theme],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environ,
        )
        os.close(slave)
        self.received = bytearray()
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def cells(self) -> list[list[object]]:
        """Every cell with its looks; of a blank only the ground can be seen."""
        lines = [[self._screen.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]
        return [
            [(" ", cell.bg, cell.reverse) if cell.data == " " else cell for cell in line]
            for line in lines
        ]

    @property
    def text(self) -> str:
        """What a person sees."""
        return "\n".join(self._screen.display)

    def read_until(self, wanted: str) -> int:
        """Bytes written until `wanted` is on the screen and the terminal is quiet."""
        written, deadline = 0, time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            if select.select([self.master], [], [], QUIET_S)[0]:
                try:
                    data = os.read(self.master, 65536)
                except OSError:
                    raise AssertionError(f"the app ended, showing:\n{self.text}") from None
                written += len(data)
                self.received += data
                self._stream.feed(data)
            elif wanted in self.text:
                return written
        raise AssertionError(f"{wanted!r} did not appear in:\n{self.text}")

    def press(self, key: str, wanted: str) -> int:
        """Press `key` and return the bytes written until `wanted` is there."""
        os.write(self.master, key.encode())
        return self.read_until(wanted)

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size and wait until the app has painted for it."""
        self._screen.resize(height, width)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)
        self.read_until("ready")

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def start() -> Iterator[Callable[..., Terminal]]:
    """Starts the app on a subject; ends every one that was started."""
    started: list[Terminal] = []

    def begin(subject: str, theme: str = "gaesup-dark") -> Terminal:
        terminal = Terminal(subject, theme)
        started.append(terminal)
        terminal.read_until("ready")
        return terminal

    yield begin
    for terminal in started:
        terminal.close()


# One key, `x`, makes the change; what must be on the screen then, and the bytes it may cost
# (about half as many again as it did when this was written).
BUDGETS = {
    "grid": ("changed", 120),
    "sparkline": ("..49  25", 180),
    "traffic": ("seen 74.0", 120),
    "timeline": ("4m31", 100),
    "evidence": ("0.47%", 120),
    "status": ("12:00:01", 90),
    "footer": ("Resume", 220),
    "log line": ("line 0030", 330),
    "log burst": ("line 9999", 4_000),
    "dialog": ("Promote cart", 2_400),
    "command": (":prox", 120),
}


@pytest.mark.real
@pytest.mark.parametrize("subject", BUDGETS)
def test_a_small_change_costs_few_bytes(start: Callable[..., Terminal], subject: str) -> None:
    wanted, most = BUDGETS[subject]
    written = start(subject).press("x", wanted)
    print(f"{subject}: {written} bytes")
    assert 0 < written <= most


@pytest.mark.real
def test_sixteen_colours_cost_less(start: Callable[..., Terminal]) -> None:
    in_truecolour = start("grid").press("x", "changed")
    with_sixteen = start("grid", "gaesup-ansi").press("x", "changed")
    print(f"truecolour {in_truecolour}, ansi {with_sixteen} bytes")
    assert with_sixteen < 0.8 * in_truecolour


@pytest.mark.real
def test_the_same_data_again_writes_nothing(start: Callable[..., Terminal]) -> None:
    terminal = start("grid")
    assert terminal.press("x", "changed") > 0
    assert terminal.press("x", "changed") == 0


@pytest.mark.real
def test_a_row_out_of_sight_writes_nothing(start: Callable[..., Terminal]) -> None:
    assert start("grid").press("z", "ready") == 0


@pytest.mark.real
def test_scrolling_by_a_line_paints_little(start: Callable[..., Terminal]) -> None:
    terminal = start("grid")
    terminal.press("j" * 37, "▌unit-0037")
    written = terminal.press("j", "▌unit-0038")
    print(f"scroll: {written} bytes")
    assert written <= 700


@pytest.mark.real
@pytest.mark.parametrize(
    ("subject", "keys"),
    [
        ("grid", [("j" * 50, "▌unit-0050"), ("x", "unit-0020"), ("kkk", "▌unit-0047")]),
        ("grid", [("G", "▌unit-0999"), ("k" * 60, "▌unit-0939"), ("g", "▌unit-0000")]),
        ("dialog", [("j" * 9, "▌unit-0009"), ("x", "Promote cart"), ("\r", "unit-0021  ")]),
        ("log burst", [("x", "line 9999")]),
        ("sparkline", [("x", "..49  25")]),
    ],
)
def test_what_is_shown_is_what_a_full_repaint_shows(
    start: Callable[..., Terminal], subject: str, keys: list[tuple[str, str]]
) -> None:
    terminal = start(subject)
    for key, wanted in keys:
        terminal.press(key, wanted)
    shown = terminal.cells
    assert terminal.press("R", "ready") > 1_000
    assert terminal.cells == shown


@pytest.mark.real
def test_a_resized_terminal_is_painted_anew(start: Callable[..., Terminal]) -> None:
    terminal = start("grid")
    terminal.resize(90, 30)
    terminal.press("j", "▌unit-0001")
    terminal.resize(WIDTH, HEIGHT)
    shown = terminal.cells
    terminal.press("R", "ready")
    assert terminal.cells == shown


@pytest.mark.real
def test_without_colour_no_colour_is_sent(start: Callable[..., Terminal]) -> None:
    terminal = start("grid", "gaesup-mono")
    terminal.press("x", "changed")
    terminal.press("j", "▌unit-0001")
    sent = re.findall(rb"\x1b\[([0-9;]*)m", bytes(terminal.received))
    assert sent
    colourless = {b"", b"0", b"1", b"2", b"4", b"7", b"39", b"49"}
    assert {code for codes in sent for code in codes.split(b";")} <= colourless


@pytest.mark.real
def test_moving_the_cursor_paints_two_lines(start: Callable[..., Terminal]) -> None:
    written = start("grid").press("j", "▌unit-0001")
    print(f"cursor: {written} bytes")
    assert written <= 800


# The app under test ---------------------------------------------------------------------------

COLUMNS = (
    Column("unit", "UNIT", 12, weight=1),
    Column("env", "ENVIRONMENT", 12),
    Column("version", "VERSION", 8),
    Column("status", "STATUS", 12),
    Column("rps", "REQ/S", 8, align="right"),
    Column("err", "ERRORS", 8, align="right"),
    Column("p95", "P95", 8, align="right"),
)


def grid_row(number: int, status: str = "serving", level: str = "ok") -> Row:
    return Row(
        f"unit-{number:04}",
        {
            "unit": f"unit-{number:04}",
            "env": "production",
            "version": "v41",
            "status": Cell(status, level),
            "rps": "310/s",
            "err": Cell("0.4 %", "warn"),
            "p95": "88ms",
        },
    )


class Subject(FrameDiff, App[None]):
    """One widget, and the key `x` that changes it a little."""

    CSS = "#ready { height: 1; } Grid, LogView, Timeline { height: 1fr; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, subject: str, theme: str) -> None:
        super().__init__(ansi_color=True if wants_no_color() else None)
        install(self, theme)
        self.subject = subject
        self.rows = [grid_row(number) for number in range(1000)]

    def compose(self) -> ComposeResult:
        yield self.make()
        yield StatusLine([Field("what"), Field("clock", 8)], id="ready")

    def make(self) -> Widget:
        match self.subject:
            case "sparkline":
                return Sparkline("errors")
            case "traffic":
                return TrafficBar()
            case "timeline":
                return Timeline()
            case "evidence":
                return EvidenceTable()
            case "footer":
                return KeyFooter()
            case "log line" | "log burst":
                return LogView()
            case "command":
                return CommandLine(lambda text: [f"{text}mote cart@production"])
        return Grid(COLUMNS)

    def on_mount(self) -> None:
        self.query_one(StatusLine).set_field("what", "ready")
        self.query_one(StatusLine).set_field("clock", "12:00:00")
        self.call_after_refresh(self.fill)

    def fill(self) -> None:
        widget = self.query_one("*")
        match widget:
            case Grid():
                widget.set_rows(self.rows)
                widget.focus()
            case LogView():
                widget.append(LogLine(f"line {number:04} GET /cart 200") for number in range(30))
            case CommandLine():
                widget.open("pro")  # where `x` is a letter
            case _:
                self.change("before")

    def key_x(self) -> None:
        self.change("after")

    def key_upper_r(self) -> None:
        self.redraw()

    def key_z(self) -> None:
        self.rows[900] = grid_row(900, "changed", "bad")
        self.query_one(Grid).set_rows(list(self.rows))

    def change(self, when: str) -> None:
        is_after = when == "after"
        match self.subject:
            case "grid":
                self.rows[20] = grid_row(20, "changed", "bad")
                self.query_one(Grid).set_rows(list(self.rows))
            case "sparkline":
                values = [float(number % 50) for number in range(120)]
                self.query_one(Sparkline).show([*values, 25.0] if is_after else values)
            case "traffic":
                seen = 26.0 if is_after else 25.4
                self.query_one(TrafficBar).show(Traffic("v41", "v42", 25.0, seen))
            case "timeline":
                steps = [Step(f"step {at}", "done", 3.0) for at in range(6)]
                waits = Step("wait for you", "waiting", 271.0 if is_after else 270.0)
                self.query_one(Timeline).show([*steps, waits])
            case "evidence":
                value = "0.47%" if is_after else "0.46%"
                metric = Evidence("errors", "0.40%", value, 0.06, -0.1, 0.2, 0.5, "+0.50pt")
                self.query_one(EvidenceTable).show("v41", "v42", [metric])
            case "footer":
                pause = KeyHint("u", "Resume" if is_after else "Pause")
                hints = [KeyHint("p", "Promote"), pause, KeyHint("x", "Abort", is_danger=True)]
                self.query_one(KeyFooter).show([*hints, KeyHint("!", "STOP", is_pinned=True)])
            case "status":
                self.query_one(StatusLine).set_field("clock", "12:00:01")
            case "log line":
                self.query_one(LogView).append([LogLine("line 0030 GET /cart 500", "error")])
            case "log burst":
                lines = [LogLine(f"line {number:04} GET /cart 200") for number in range(10_000)]
                for start_at in range(0, len(lines), 100):
                    self.query_one(LogView).append(lines[start_at : start_at + 100])
            case "dialog":
                question = Question(
                    "Promote cart", [("Now", "v41 75 %")], "y", "promote", "p", reason="optional"
                )
                self.push_screen(Confirm(question, lambda reason: None))


if __name__ == "__main__":
    Subject(*sys.argv[1:]).run()
