"""Text that comes together with the key that opens its line: on a slow line, or pasted."""

from __future__ import annotations

from textual import events

from tests.console_driver import Driver, console_on

NAMES = {":": "colon", "/": "slash", " ": "space", "-": "minus", "\r": "enter", "\x7f": "backspace"}


def comes_at_once(console: Driver, text: str) -> None:
    for char in text:
        console.console.post_message(events.Key(NAMES.get(char, char), char))


async def test_a_command_typed_in_one_go_is_in_its_line_and_presses_no_key() -> None:
    async with console_on() as console:
        comes_at_once(console, ":pause xl\x7f cart")
        await console.expects(":pause x cart")
        assert "Pause cart" not in console.screen_text
        assert "logs" not in console.screen_text.splitlines()[1]
        await console.press("escape")
        await console.expects_no(":pause")
        comes_at_once(console, "/catalog")
        await console.expects("/catalog")


async def test_the_emergency_key_is_no_text() -> None:
    async with console_on() as console:
        comes_at_once(console, ":pau")
        console.console.post_message(events.Key("f12", None))
        await console.expects("STOP", "S  stop")
