"""Dialogs that cannot be passed by accident, and the help."""

from __future__ import annotations

import pytest
from textual import events

from gaesup_widgets.confirm import Confirm, Question
from gaesup_widgets.footer import KeyHint
from gaesup_widgets.grid import Grid
from gaesup_widgets.help import Help
from gaesup_widgets.paint import Lines

from .widget_stage import Stage


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
