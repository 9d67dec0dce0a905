"""What commands print: plain lines, colour only on a terminal that wants it."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

from gaesup_tui.domain.text import printable_line

_STYLES = {"bad": "31", "warn": "33", "ok": "32", "dim": "2", "bold": "1"}


class Output:
    """Standard output, with text from outside made safe."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self.terminal = self._stream.isatty()
        self.colour = (
            self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        )

    @property
    def width(self) -> int:
        """Columns of the terminal; 0 when it is none, for "as wide as needed"."""
        return shutil.get_terminal_size().columns if self.terminal else 0

    def line(self, text: str = "", style: str = "") -> None:
        """One line, at once: what reads a pipe should not wait for a buffer."""
        self._stream.write(self.paint(printable_line(text), style) + "\n")
        self._stream.flush()

    def raw(self, text: str) -> None:
        """Text of our own making, as it is: JSON, scripts."""
        self._stream.write(text)
        self._stream.flush()

    def paint(self, text: str, style: str) -> str:
        """``text`` in a style, if colours are wanted."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and style else text

    def table(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str] = ()
    ) -> None:
        """Columns as wide as their widest cell; on a terminal the last is cut at its edge."""
        safe = [[printable_line(cell, 300) for cell in row] for row in (head, *rows)]
        widths = [max(map(cells, column)) for column in zip(*safe, strict=True)]
        for number, row in enumerate(safe):
            text = "  ".join(
                cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)
            )
            text = cut(text.rstrip(), self.width)
            style = "dim" if number == 0 else styles[number - 1] if styles else ""
            self._stream.write(self.paint(text, style) + "\n")
        self._stream.flush()


def cells(text: str) -> int:
    """Columns a terminal needs for ``text``."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns; 0 cuts nothing."""
    if not width or cells(text) <= width:
        return text
    kept = ""
    used = 0
    for char in text:
        used += cells(char)
        if used > width - 1:
            break
        kept += char
    return kept + "…"
