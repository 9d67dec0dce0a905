"""Dialogs that cannot be passed by accident, the command line, the log view, the small widgets."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widget import Widget
from textual.widgets import Input

from gaesup_widgets.command_line import CommandLine
from gaesup_widgets.confirm import Confirm, Question
from gaesup_widgets.footer import KeyFooter, KeyHint
from gaesup_widgets.grid import Grid
from gaesup_widgets.help import Help
from gaesup_widgets.log_view import LogLine, LogView
from gaesup_widgets.paint import Lines
from gaesup_widgets.sparkline import Sparkline
from gaesup_widgets.status_line import Field, StatusLine
from gaesup_widgets.theme import THEMES, install, level_styles, wants_no_color
from gaesup_widgets.timeline import Step, Timeline
from gaesup_widgets.traffic_bar import Traffic, TrafficBar


class Stage(App[None]):
    """An app with some widgets on it."""

    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        self.widgets = widgets
        self.heard: list[object] = []

    def compose(self) -> ComposeResult:
        yield from self.widgets

    def on_command_line_submitted(self, message: CommandLine.Submitted) -> None:
        self.heard.append(message.text)

    def on_command_line_closed(self, message: CommandLine.Closed) -> None:
        self.heard.append("closed")

    def on_timeline_selected(self, message: Timeline.Selected) -> None:
        self.heard.append(message.index)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def pass_by(self, seconds: float) -> None:
        self.now_s += seconds


class Asked:
    """A dialog on a stage, a clock to turn, and what came of it."""

    def __init__(self, **options: object) -> None:
        self.clock = Clock()
        self.confirmed: list[str] = []
        self.results: list[str | None] = []
        lines = [("Now", "v41 75 %"), ("Then", "v41 50 %")]
        question = Question("Promote cart", lines, "y", "promote", "p", **options)  # type: ignore[arg-type]
        self.dialog = Confirm(question, self.confirmed.append, clock=self.clock)
        self.app = Stage()

    def open(self) -> None:
        self.app.push_screen(self.dialog, self.results.append)

    @property
    def text(self) -> str:
        return "\n".join(lines.text for lines in self.dialog.query(Lines))


async def test_confirming_asks_the_engine_and_its_answer_closes() -> None:
    asked = Asked()
    async with asked.app.run_test() as pilot:
        asked.open()
        await pilot.pause()
        asked.clock.pass_by(1)
        await pilot.press("y")
        assert asked.confirmed == [""]
        asked.clock.pass_by(1)
        await pilot.press("y")
        assert asked.confirmed == [""]
        asked.dialog.set_busy("asked for 50 %")
        assert "asked for 50 %" in asked.text
        assert asked.results == []
        asked.dialog.show_result("promoted: 50 % seen after 0.2 s", ok=True)
        await pilot.pause()
        assert asked.results == ["promoted: 50 % seen after 0.2 s"]


async def test_a_refusal_stays_and_can_be_tried_again() -> None:
    asked = Asked()
    async with asked.app.run_test() as pilot:
        asked.open()
        await pilot.pause()
        asked.clock.pass_by(1)
        await pilot.press("y")
        asked.dialog.show_result("refused: kim paused it 2 s ago", ok=False)
        assert "kim paused it" in asked.text
        asked.clock.pass_by(1)
        await pilot.press("y")
        assert len(asked.confirmed) == 2


async def test_a_long_answer_is_read_in_full() -> None:
    asked = Asked()
    async with asked.app.run_test(size=(80, 24)) as pilot:
        asked.open()
        await pilot.pause()
        asked.dialog.show_result(f"it moved: {'because ' * 15}and this is the end", ok=False)
        await pilot.pause()
        assert "and this is the end" in asked.text
        assert max(len(line) for line in asked.text.splitlines()) <= 78


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_no_other_key_confirms(key: str) -> None:
    asked = Asked()
    async with asked.app.run_test() as pilot:
        asked.open()
        await pilot.pause()
        asked.clock.pass_by(1)
        await pilot.press("p", "p", key)
        assert asked.confirmed == []
        assert asked.results == [None]


async def test_words_typed_beside_the_line_neither_confirm_nor_close() -> None:
    asked = Asked(reason="optional")
    async with asked.app.run_test() as pilot:
        asked.open()
        await pilot.pause()
        asked.clock.pass_by(1)
        await pilot.press(*"busy day")
        assert asked.confirmed == []
        assert asked.results == []


async def test_a_held_key_does_not_confirm() -> None:
    asked = Asked()
    async with asked.app.run_test() as pilot:
        asked.open()
        await pilot.pause()
        for _ in range(40):
            asked.clock.pass_by(0.03)
            await pilot.press("y")
        assert asked.confirmed == []
        assert "Too soon" in asked.text
        asked.clock.pass_by(0.31)
        await pilot.press("y")
        assert asked.confirmed == [""]


async def test_pasted_text_does_not_confirm() -> None:
    asked = Asked()
    async with asked.app.run_test() as pilot:
        asked.open()
        await pilot.pause()
        asked.clock.pass_by(1)
        asked.app.post_message(events.Paste("y"))
        await pilot.pause()
        assert asked.confirmed == []


async def test_a_moved_state_is_shown_and_must_be_read() -> None:
    asked = Asked()
    async with asked.app.run_test() as pilot:
        asked.open()
        await pilot.pause()
        asked.clock.pass_by(1)
        asked.dialog.update_lines([("Now", "v41 100 %")], "It was aborted by lee meanwhile.")
        assert "v41 100 %" in asked.text
        await pilot.press("y")
        assert asked.confirmed == []


async def test_a_required_reason_is_asked_for_and_handed_on() -> None:
    asked = Asked(reason="required")
    async with asked.app.run_test() as pilot:
        asked.open()
        await pilot.pause()
        asked.clock.pass_by(1)
        await pilot.press("enter", "y")
        asked.clock.pass_by(1)
        await pilot.press("y")
        assert "reason is needed" in asked.text
        await pilot.press("shift+tab", *"y no", "enter")
        assert asked.confirmed == []
        asked.clock.pass_by(1)
        await pilot.press("y")
        assert asked.confirmed == ["y no"]


async def test_a_name_must_be_typed_and_not_pasted() -> None:
    asked = Asked(typed_name="cart")
    async with asked.app.run_test() as pilot:
        asked.open()
        await pilot.pause()
        await pilot.press("tab")
        asked.app.post_message(events.Paste("cart"))
        await pilot.press("enter")
        asked.clock.pass_by(1)
        await pilot.press("y")
        assert asked.confirmed == []
        assert "Type cart first" in asked.text
        await pilot.press("tab", *"cart", "enter")
        asked.clock.pass_by(1)
        await pilot.press("y")
        assert asked.confirmed == [""]


@pytest.mark.parametrize("key", ["p", "enter", "escape", "space"])
def test_a_key_that_opens_or_moves_cannot_be_the_confirming_one(key: str) -> None:
    with pytest.raises(ValueError, match="choose another key"):
        Question("Promote cart", [], key, "promote", "p")


def complete(text: str) -> list[str]:
    commands = ["promote ", "pause ", "abort "]
    return [command for command in commands if command.startswith(text)]


async def test_the_command_line_completes_recalls_and_submits() -> None:
    line = CommandLine(complete, history=["stop"])
    app = Stage(line)
    async with app.run_test() as pilot:
        assert not line.is_open
        line.open()
        await pilot.press("p", "tab")
        assert line.text == "promote "
        await pilot.press("tab")
        assert line.text == "pause "
        await pilot.press("shift+tab", *"cart", "enter")
        assert app.heard == ["promote cart"]
        assert not line.is_open
        line.open()
        await pilot.press("a", "tab")
        assert line.text == "abort "
        await pilot.press("up")
        assert line.text == "promote cart"
        await pilot.press("up")
        assert line.text == "stop"
        await pilot.press("down", "down")
        assert line.text == "abort "
        await pilot.press("escape")
        assert app.heard[-1] == "closed"
        assert not app.query_one(Input).cursor_blink


async def test_a_log_follows_until_a_person_stops_it() -> None:
    log = LogView()
    app = Stage(log)
    async with app.run_test(size=(60, 11)) as pilot:
        log.focus()
        log.append(LogLine(f"line {n}") for n in range(100))
        await pilot.pause()
        assert "line 99" in log.text
        await pilot.press("k")
        assert not log.is_following
        top = log.text.splitlines()[0]
        assert top == "line 94"
        log.append(LogLine(f"line {n}") for n in range(100, 110))
        log.action_scroll_by(0)
        assert log.text.splitlines()[0] == top
        assert "paused, 6 below, 110 lines" in log.text
        await pilot.press("G")
        assert "line 109" in log.text
        assert "following" in log.text


async def test_a_log_moves_by_half_a_page_so_that_lines_are_painted_twice() -> None:
    log = LogView(interval_s=0)
    app = Stage(log)
    async with app.run_test(size=(60, 11)):
        tops = set()
        for n in range(40):
            log.append([LogLine(f"line {n}")])
            assert f"line {n}" in log.text
            tops.add(log.text.splitlines()[0])
        assert len(tops) <= 8


async def test_a_log_search_goes_from_match_to_match() -> None:
    log = LogView()
    app = Stage(log)
    async with app.run_test(size=(60, 11)) as pilot:
        log.focus()
        log.append(LogLine("error" if n % 20 == 0 else "fine") for n in range(100))
        assert log.search("error") == 5
        assert not log.is_following
        await pilot.press("n")
        assert log.text.splitlines()[0] == "error"
        await pilot.press("N")
        assert "error" in log.text
        assert log.search("absent") == 0


async def test_a_flood_of_log_lines_is_counted_and_painted_once() -> None:
    log = LogView(capacity=1000, interval_s=60)
    app = Stage(log)
    async with app.run_test(size=(60, 11)):
        log.append([LogLine("first")])
        for _ in range(50):
            log.append((LogLine("x") for _ in range(100)), n_lost=1)
        assert "first" in log.text
        log.action_follow()
        assert "dropped" in log.text
        assert log.buffer.dropped >= 4000


async def test_a_timeline_keeps_the_chosen_step_in_sight() -> None:
    timeline = Timeline()
    app = Stage(timeline)
    async with app.run_test(size=(40, 5)) as pilot:
        steps = [Step(f"step {n}", "done" if n < 9 else "planned", 1) for n in range(20)]
        timeline.show(steps)
        assert "step 8" in timeline.text
        timeline.focus()
        await pilot.press("j", "enter")
        assert app.heard == [9]
        timeline.show(steps)
        assert timeline.selected == 9


async def test_equal_data_refreshes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spark, bar, footer = Sparkline("errors"), TrafficBar(), KeyFooter()
    line = StatusLine([Field("scope"), Field("age", 6)])
    app = Stage(spark, bar, footer, line)
    async with app.run_test(size=(80, 10)) as pilot:

        def show(seen_percent: float) -> None:
            spark.show([1.0, None, seen_percent])
            bar.show(Traffic("v41", "v42", 25, seen_percent))
            footer.show([KeyHint("p", "Promote", reason="still analysing")])
            line.set_field("age", f"{seen_percent}s")

        show(25.0)
        await pilot.pause()
        refreshed: list[Widget] = []
        refresh = Widget.refresh

        def record(self: Widget, *regions: object, **options: object) -> Widget:
            refreshed.append(self)
            return refresh(self, *regions, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(Widget, "refresh", record)
        show(25.0)
        assert refreshed == []
        show(26.4)
        assert {type(widget).__name__ for widget in refreshed} == {
            "Sparkline",
            "TrafficBar",
            "FieldView",
        }
        assert footer.reason("p") == "still analysing"
        assert line.text("age") == "26.4s"


async def test_help_lists_the_same_keys_and_goes_back() -> None:
    app = Stage()
    async with app.run_test(size=(80, 12)) as pilot:
        hints = [KeyHint("p", "Promote", reason="still analysing"), KeyHint("q", "Back")]
        app.push_screen(Help([("Rollout", hints)]))
        await pilot.pause()
        grid = app.screen.query_one(Grid)
        text = [grid.render_line(y).text.strip() for y in range(3)]
        assert text[0].startswith("─ Rollout")
        assert "Promote (not now: still analysing)" in text[1]
        await pilot.press("q")
        assert not isinstance(app.screen, Help)


async def test_help_says_in_full_what_a_narrow_row_cannot_and_how_to_leave() -> None:
    app = Stage()
    async with app.run_test(size=(40, 12)) as pilot:
        why = "not before the judge has looked at it for two minutes"
        app.push_screen(Help([("Rollout", [KeyHint("p", "Promote", reason=why)])]))
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        shown = [strip.text.strip() for strip in strips]
        assert shown[1].endswith("…")
        assert " ".join(shown[-3:-1]) == f"Promote (not now: {why})"
        assert shown[-1] == "j k move   Esc, q or ? go back"


@pytest.mark.parametrize("name", [theme.name for theme in THEMES])
async def test_every_theme_gives_every_style(name: str) -> None:
    log = LogView()
    app = Stage(log)
    async with app.run_test(size=(40, 5)) as pilot:
        install(app, name)
        await pilot.pause()
        styles = level_styles(app.theme_variables)
        assert set(styles) >= {"ok", "warn", "bad", "dim", "accent", "strong", "heading", "cursor"}
        if name == "gaesup-mono":
            assert all(style.color is None for style in styles.values())
        log.append([LogLine("bad", "error")])
        assert "bad" in log.text


def test_no_colour_is_asked_for_by_variable_or_terminal() -> None:
    assert wants_no_color({"NO_COLOR": ""})
    assert wants_no_color({"TERM": "dumb"})
    assert not wants_no_color({"TERM": "xterm-256color"})
