"""The console: composes the frame, the pages and the tasks behind them."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from textual import events, messages
from textual.app import App, ComposeResult
from textual.binding import BindingsMap
from textual.containers import Vertical

from gaesup_tui.console import leaving, roots
from gaesup_tui.console.desk import Desk, shown_key
from gaesup_tui.console.frame import Foot, Strip, TabLine, Truth
from gaesup_tui.console.keymap import load_keymap
from gaesup_tui.console.keys import BURST_S, BurstGuard, bindings, first_keys
from gaesup_tui.console.link import Link
from gaesup_tui.console.mishaps import MOST, Mishaps
from gaesup_tui.console.options import Options, parse
from gaesup_tui.console.outbox import Outbox
from gaesup_tui.console.remote import Engine
from gaesup_tui.console.replica import Replica
from gaesup_tui.console.stack import Stack
from gaesup_tui.console.starting import starter
from gaesup_tui.console.times import Times
from gaesup_tui.domain.errors import GaesupError
from gaesup_widgets.frames import FrameDiff
from gaesup_widgets.symbols import ASCII, UNICODE
from gaesup_widgets.theme import install

if TYPE_CHECKING:
    from gaesup_tui.console.router import Router
    from gaesup_widgets.command_line import CommandLine
    from gaesup_widgets.grid import Grid

_LAG_EVERY_S = 2.0
_SLOW_LINE_S = 0.5
"""A line slower than this gets one tick a second."""
_ANSWER_WITHIN_S = 3.0
"""How long leaving waits for commands that were not answered yet."""


class Console(FrameDiff, App[int]):
    """One terminal's view of one engine."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: $background; }
    #pages { height: 1fr; width: 1fr; }
    Page { height: 1fr; width: 1fr; }
    CommandPalette { background: $background; }
    Confirm, StopDialog { background: transparent; }
    CommandPalette SearchIcon { display: none; }
    """

    def __init__(self, options: Options) -> None:
        super().__init__(ansi_color=options.theme in ("ansi", "mono"))
        self.animation_level = "none"
        self.options = options
        self.title = "gaesup"
        # Before anything is styled: a change of theme later styles all of it again.
        install(self, f"gaesup-{options.theme}")
        self.stylesheet.set_variables(self.get_css_variables())
        keymap, self._keymap_problems = load_keymap(options.keymap)
        # All of them: Textual's own ctrl+q and ctrl+c belong to terminals and habits.
        self._bindings = BindingsMap(bindings(keymap))
        replica, engine = Replica(), _engine_of(options)
        self.desk = Desk(
            options,
            engine,
            replica,
            Link(engine, replica, starter(options)),
            Outbox(engine),
            Times(),
            ASCII if options.ascii_symbols else UNICODE,
            first_keys(keymap),
        )
        self.plain_text = options.ascii_symbols
        self.truth, self.tab_line = Truth(self.desk), TabLine()
        self.strip, self.foot = Strip(self.desk), Foot(self.desk)
        self._pages = Vertical(id="pages")
        self.stack = Stack(
            self._pages,
            {tab: partial(roots.first_page, tab, self.desk) for tab in roots.TABS},
        )
        self._router: Router | None = None
        self._mishaps = Mishaps()
        self._guard = BurstGuard()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lag_asked_at: float | None = None
        self._last_lag_ask = 0.0
        self._is_leaving = False

    def compose(self) -> ComposeResult:
        yield self.truth
        yield self.tab_line
        yield self._pages
        yield self.strip
        yield self.foot

    def on_mount(self) -> None:
        # The frame is painted before anything is asked of the engine, and before the pages are
        # even loaded.
        self.call_after_refresh(self._begin)

    @property
    def router(self) -> Router:
        """Finds what does an action."""
        if self._router is None:
            from gaesup_tui.console.router import Router

            self._router = Router(self)
        return self._router

    def _begin(self) -> None:
        # Modules and widgets stay: looking through them for garbage would hold up keys.
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        leaving.watch_signals(self.leave)
        if not self.stack.tab:  # else a key was faster
            self.stack.go("1")
        self.router.show_keys()
        for problem in self._keymap_problems:
            self.foot.say(problem, "warn")
        self.start(self.desk.link.run(), "link")
        self.start(self._tick_for_ever(), "tick")

    def start(self, work: Coroutine[object, object, None], name: str) -> None:
        """Run ``work`` as long as the console lives: no screen that closes takes it along."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Ticks ----------------------------------------------------------------------------------

    async def _tick_for_ever(self) -> None:
        """Take over what changed: at once when it is the first, then in the rhythm of ticks."""
        changed = self.desk.link.changed
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await changed.wait()
            changed.clear()
            if leaving.input_is_gone():
                self.leave(128 + signal.SIGHUP)
                return
            if not self._line_is_busy():
                try:
                    self._tick()
                except Exception as error:
                    self._handle_exception(error)
            await asyncio.sleep(self._tick_s())

    def _tick(self) -> None:
        diff = self.desk.replica.take()
        with self.batch_update():
            self.stack.page.show(diff)
            if diff.clock or diff.engine or diff.deployments:
                self.truth.show()
                self.strip.show()
                self.router.show_keys()
                self.show_tabs()
                self.foot.hush(only_old=True)
            self.router.watch(diff)
        self._ask_line()

    def _tick_s(self) -> float:
        lag_s = self.truth.line_lag_s
        is_slow = lag_s is not None and lag_s > _SLOW_LINE_S
        return max(self.options.tick_s, 1.0 if is_slow else 0.0)

    def _line_is_busy(self) -> bool:
        """Whether the terminal has not taken yet what was written: more would only queue, and a
        full queue stops the loop."""
        writer = getattr(self._driver, "_writer_thread", None)
        return writer is not None and writer._queue.qsize() > 0

    def show_tabs(self) -> None:
        """Bring line 2 up to date."""
        from gaesup_tui.console.needs import needs

        desk = self.desk
        waiting = None
        if desk.replica.engine is not None:
            waiting = len(needs(desk.deployments(), desk.replica.engine, desk.now()))
        page = self.stack.page
        hides = "" if page.searches else page.filter_text
        self.tab_line.show(self.stack.tab, self.stack.path, waiting, hides)

    # The line to the terminal ---------------------------------------------------------------

    def _ask_line(self) -> None:
        now = time.monotonic()
        if self._driver is None or now - self._last_lag_ask < _LAG_EVERY_S or self.is_headless:
            return
        self._last_lag_ask = now
        if self._lag_asked_at is None:
            self._lag_asked_at = now
            # Any terminal that knows synchronized output answers at once: that is the lag.
            self.write("\x1b[?2026$p")
        elif self.truth.line_lag_s is not None:
            # It answered before and does not now: the wait is the lag so far.
            self.truth.line_lag_s = now - self._lag_asked_at

    def on_terminal_supports_synchronized_output(
        self, message: messages.TerminalSupportsSynchronizedOutput
    ) -> None:
        if self._lag_asked_at is not None:
            self.truth.line_lag_s = time.monotonic() - self._lag_asked_at
            self._lag_asked_at = None

    # Keys -----------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded and not self._admits(event):
            return
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """A key that nobody took and nothing is bound to says so, or one wonders what it did."""
        known = event.key in self.screen.active_bindings
        if event.is_printable and not known and len(self.screen_stack) == 1:
            shown = shown_key(self.desk.keys.get("help", "question_mark"))
            self.foot.say(f"{event.character} does nothing here: {shown} shows the keys", "dim")

    def _admits(self, event: events.Key) -> bool:
        """Whether a key may act, or be typed where the focus is."""
        if self.router.lines.takes(event):
            return False
        if self.is_typing():
            return True
        if self._guard.admits(event.key, event.time):
            self.foot.hush()
            self.router.lines.expect(event.key)
            return True
        if not self._guard.is_told:
            self._guard.is_told = True
            # Later, or the first keys of the burst would talk over it.
            self.set_timer(2 * BURST_S, self._tell_of_burst)
        return False

    def _tell_of_burst(self) -> None:
        self._guard.is_told = False
        self.foot.say("too many keys at once: dropped, as pasted text would be", "warn")

    def is_typing(self) -> bool:
        """Whether keys are text now."""
        # By name: an Input is loaded when the first is needed, not to ask this.
        kinds = type(self.focused).__mro__ if self.focused is not None else ()
        return any(kind.__name__ in ("Input", "TextArea") for kind in kinds)

    def write(self, sequence: str) -> None:
        """Send a control sequence to the terminal: a bell, a copy, a question."""
        if sequence and self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "stop_key":
            return not self.is_typing()
        return True

    def action_act(self, action_id: str) -> None:
        self.router.act(action_id)

    def action_stop_key(self) -> None:
        self.router.act("stop")

    def action_emergency(self) -> None:
        self.router.act("stop")

    def on_grid_selected(self, event: Grid.Selected) -> None:
        self.router.act("open")

    def on_timeline_selected(self) -> None:
        self.router.act("open")

    def on_grid_highlighted(self, event: Grid.Highlighted) -> None:
        if self.stack.tab:
            self.stack.page.point()
            self.router.show_keys()

    def on_grid_marks_changed(self, event: Grid.MarksChanged) -> None:
        count = len(event.keys)
        self.foot.say(f"{count} marked: y copies their names, w watches them" if count else "")

    def on_command_line_changed(self, event: CommandLine.Changed) -> None:
        self.router.lines.changed(event.line, event.text)

    def on_command_line_submitted(self, event: CommandLine.Submitted) -> None:
        self.router.lines.submitted(event.line, event.text)

    def on_command_line_closed(self, event: CommandLine.Closed) -> None:
        self.router.lines.closed(event.line)

    def _handle_exception(self, error: Exception) -> None:
        # In a test it is a failure; in front of a person the stop key must go on working.
        if self.is_headless or self._mishaps.count >= MOST:
            super()._handle_exception(error)
            return
        self.foot.say(self._mishaps.note(error), "bad")

    # Leaving --------------------------------------------------------------------------------

    def leave(self, code: int = 0) -> None:
        """End, with the terminal restored if there still is one."""
        if self._is_leaving:
            return
        self._is_leaving = True
        if code:
            leaving.be_gone_within(code)
        self.exit(code)

    async def on_unmount(self) -> None:
        await self.desk.outbox.settle(0.0 if self.return_code else _ANSWER_WITHIN_S)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _engine_of(options: Options) -> Engine:
    return Engine(options.socket, read_only=options.read_only, is_elsewhere=options.is_elsewhere)


def run(arguments: Sequence[str] | Options = ()) -> int:
    """Run the console until it is left; returns the exit code."""
    try:
        options = arguments if isinstance(arguments, Options) else parse(arguments)
    except GaesupError as error:
        print(f"gaesup: {error}", file=sys.stderr)
        return 2
    if not (sys.__stdin__ and sys.__stdin__.isatty() and sys.stdout.isatty()):
        print(
            "gaesup: the console needs a terminal: use gaesup status, or gaesup watch --plain",
            file=sys.stderr,
        )
        return 2
    console = Console(options)
    code = console.run(mouse=options.mouse)
    for sending in console.desk.outbox.pending:
        print(
            f"gaesup: {sending.title}: the engine has not answered; whether it was done is not "
            "known: see gaesup status",
            file=sys.stderr,
        )
    return code or 0
