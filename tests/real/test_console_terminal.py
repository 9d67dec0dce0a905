"""The console in a real terminal: hang-ups, frozen readers, pasted text, colours."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.console_fixture import FakeEngine
from tests.console_world import CannedWorld

from .terminal import Person

pytestmark = pytest.mark.real

_PROGRAM = "import sys; from gaesup_tui.console.app import run; sys.exit(run(sys.argv[1:]))"
_COLOUR = re.compile(rb"\x1b\[(?:[\d;]*;)?(?:3[0-7]|4[0-7]|38;|48;|9[0-7])[\d;]*m")


class Recorder(Person):
    """A person who also keeps every byte that came."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> None:
        self.raw = b""
        super().__init__(command, environment, cwd, (100, 30))
        feed = self._stream.feed

        def keep(data: bytes) -> None:
            self.raw += data
            feed(data)

        self._stream.feed = keep  # type: ignore[method-assign]


@contextmanager
def engine_on(socket: Path, rows: int = 8, changes_per_s: float = 0.0) -> Iterator[FakeEngine]:
    """A canned engine in a thread of its own."""
    engine = FakeEngine(CannedWorld.of(rows))
    loop = asyncio.new_event_loop()
    ready, end = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with engine.serving(socket):
            load = asyncio.create_task(engine.run_load(changes_per_s, 4)) if changes_per_s else None
            ready.set()
            await end.wait()
            if load is not None:
                load.cancel()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(5)
    try:
        yield engine
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()


@contextmanager
def console_on(
    folder: Path, *flags: str, prefix: Sequence[str] = (), **env: str
) -> Iterator[Recorder]:
    """The console, as a process in a terminal."""
    words = [sys.executable, "-c", _PROGRAM, "--socket", str(folder / "e.sock")]
    command = [*prefix, *words, "--keys", str(folder / "keys.yaml"), *flags]
    environment = {
        **os.environ,
        "GAESUP_HOME": str(folder / "home"),
        "PYTHONPATH": os.getcwd(),
        **env,
    }
    someone = Recorder(command, environment, folder)
    try:
        yield someone
    finally:
        someone.close()


def until(true: Callable[[], object], what: str, deadline_s: float = 10.0) -> None:
    """Wait for something that is not on the screen."""
    give_up = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < give_up, f"{what} did not come"
        time.sleep(0.02)


def test_a_lost_connection_ends_the_console_and_nothing_else(tmp_path: Path) -> None:
    with engine_on(tmp_path / "e.sock") as engine, console_on(tmp_path) as console:
        console.sees("waits for you", "engine ok")
        assert console.hang_up() == 128 + signal.SIGHUP
        until(lambda: engine.streams == 0, "the end of the stream")
        assert engine.commands == []


def test_the_end_of_input_ends_the_console_also_without_a_signal(tmp_path: Path) -> None:
    with (
        engine_on(tmp_path / "e.sock") as engine,
        console_on(tmp_path, prefix=["setsid", "-w"]) as console,
    ):
        console.sees("waits for you", "engine ok")
        # The leader of the terminal's session ends with it; the console is not told.
        console.hang_up()
        until(lambda: engine.streams == 0, "the end of the console")


def test_a_terminated_console_gives_the_terminal_back(tmp_path: Path) -> None:
    with engine_on(tmp_path / "e.sock"), console_on(tmp_path) as console:
        console.sees("waits for you")
        console.process.send_signal(signal.SIGTERM)
        assert console.leaves() == 128 + signal.SIGTERM
        assert b"\x1b[?1049l" in console.raw
        assert b"\x1b[?25h" in console.raw[console.raw.rindex(b"\x1b[?1049l") :]


def test_leaving_by_key_asks_nothing(tmp_path: Path) -> None:
    with engine_on(tmp_path / "e.sock"), console_on(tmp_path) as console:
        console.sees("waits for you")
        console.press("q")
        assert console.leaves() == 0


def test_the_stop_works_on_a_terminal_that_nobody_reads(tmp_path: Path) -> None:
    """A reader frozen for 15 s under load: the loop goes on, the stop goes out."""
    with (
        engine_on(tmp_path / "e.sock", rows=60, changes_per_s=20) as engine,
        console_on(tmp_path) as console,
    ):
        console.sees("waits for you", "engine ok")
        console.press("2")
        console.sees("VERSION")
        hellos = engine.hellos
        time.sleep(15.0)  # the freeze itself
        assert engine.hellos >= hellos + 2, "the loop stood still"
        console.press("!")
        time.sleep(0.8)  # the dead time of a dialog that cannot be seen
        console.press("S")
        until(lambda: engine.commands, "the stop", 2.0)
        assert engine.commands[0][1]["action"] == "stop"
        console.sees("all at their stable revision")


def test_pasted_text_does_nothing(tmp_path: Path) -> None:
    with engine_on(tmp_path / "e.sock") as engine, console_on(tmp_path) as console:
        console.sees("waits for you")
        console.press("\x1b[200~xyxy!SSq\x1b[201~")
        console.press("2")
        console.sees("VERSION")
        assert engine.commands == []


def test_no_color_sends_no_colour_and_keeps_the_words(tmp_path: Path) -> None:
    with engine_on(tmp_path / "e.sock"), console_on(tmp_path, NO_COLOR="1") as console:
        console.sees("waits for you")
        console.press("2")
        console.sees("▲ degraded")
        console.press("q")
        console.sees("Needs you")
        assert _COLOUR.search(console.raw) is None


def test_an_engine_that_comes_later_is_found(tmp_path: Path) -> None:
    with console_on(tmp_path, "--no-autostart") as console:
        console.sees("engine lost", "waiting for the engine")
        with engine_on(tmp_path / "e.sock"):
            console.sees("engine ok", "waits for you")
        console.sees("engine lost", "waits for you")


def test_a_console_without_a_terminal_says_what_to_use(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], input="", capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "gaesup status" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_typed_before_the_console_is_there_counts(tmp_path: Path) -> None:
    with engine_on(tmp_path / "e.sock"), console_on(tmp_path) as console:
        console.press("2")
        console.sees("VERSION", "漢字サービス"[:1])
