"""The command line, the log view, the timeline, the small widgets and their colours."""

from __future__ import annotations

import pytest
from textual.widget import Widget
from textual.widgets import Input

from gaesup_widgets.command_line import CommandLine
from gaesup_widgets.footer import KeyFooter, KeyHint
from gaesup_widgets.log_view import LogLine, LogView
from gaesup_widgets.sparkline import Sparkline
from gaesup_widgets.status_line import Field, StatusLine
from gaesup_widgets.theme import THEMES, install, level_styles, wants_no_color
from gaesup_widgets.timeline import Step, Timeline
from gaesup_widgets.traffic_bar import Traffic, TrafficBar

from .widget_stage import Stage


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
