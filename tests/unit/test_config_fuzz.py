"""Whatever a file holds, the answer is a configuration or one error at a line."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gaesup_tui.cli.init import TEMPLATE
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.text import printable_line
from gaesup_tui.service import project

LINES = TEMPLATE.splitlines()


def answer(text: str) -> str | None:
    """The error, None when it is valid; anything else that is raised fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gaesup.yaml"
        path.write_bytes(text.encode("utf-8", "replace"))
        try:
            project.load(path)
        except Invalid as error:
            return str(error)
    return None


def check(text: str) -> None:
    said = answer(text)
    if said is not None:
        assert "gaesup.yaml" in said
        assert said == printable_line(said), repr(said)
        assert len(said) < 1500


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text(text: str) -> None:
    check(text)


VALUES = st.sampled_from(
    ["", "~", "true", "1e9", "-1", "[]", "{}", "!!binary x", "*a", "&a b", "2026-01-01", "1:30"]
)


@given(st.integers(0, len(LINES) - 1), VALUES)
@settings(max_examples=150, deadline=None)
def test_a_valid_file_with_another_value_somewhere(number: int, value: str) -> None:
    name, colon, _ = LINES[number].partition(":")
    check("\n".join([*LINES[:number], f"{name}{colon} {value}", *LINES[number + 1 :]]))


@given(st.integers(0, len(LINES)), st.integers(0, len(LINES)))
@settings(max_examples=100, deadline=None)
def test_a_valid_file_with_lines_missing(first: int, last: int) -> None:
    check("\n".join([*LINES[:first], *LINES[last:]]))
