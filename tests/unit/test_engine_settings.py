"""``engine.yaml``: no file asks for nothing; a wrong one is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.service.engine_settings import load


@pytest.mark.parametrize(
    ("text", "kept_s"),
    [
        (None, None),
        ("# nothing yet\n{}\n", None),
        ("keepHistory: 90d\n", 90 * 86_400.0),
        ("keepHistory: forever\n", None),
    ],
)
def test_it_says_how_long_events_are_kept(
    tmp_path: Path, text: str | None, kept_s: float | None
) -> None:
    path = tmp_path / "engine.yaml"
    if text is not None:
        path.write_text(text)
    assert load(path).keep_history_s == kept_s


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("keepHistory: soon\n", 1, "'soon' is not a duration", "400d"),
        ("# kept\nkeepHistory: 12\n", 2, "12 is not a duration", "400d"),
        ("keepHistory: 5m\n", 1, "5m is less than an hour", "forever"),
        ("\nkeephistory: 90d\n", 2, "no such setting", "did you mean keepHistory?"),
        ("- 90d\n", 1, "not a list of settings", "keepHistory: 400d"),
        ("keepHistory: [\n", 2, "this is not YAML", ""),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, message: str, hint: str
) -> None:
    path = tmp_path / "engine.yaml"
    path.write_text(text)
    with pytest.raises(Invalid) as told:
        load(path)
    assert told.value.message.startswith(f"{path}:{line}: ")
    assert message in told.value.message
    assert hint in told.value.hint


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "engine.yaml"
    path.write_bytes(b"keepHistory: \xff")
    with pytest.raises(Invalid, match="cannot be read"):
        load(path)
