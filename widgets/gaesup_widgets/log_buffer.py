"""The lines a log view holds: bounded, filtered by level, searchable. Pure.

Lines are numbered from 0 as they come and keep their number when older ones are dropped, so a
reader who stopped at a line stays there.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Literal, NamedTuple

from gaesup_widgets.cells import printable

Level = Literal["debug", "info", "warn", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warn", "error")


class LogLine(NamedTuple):
    """One line of a log."""

    text: str
    level: Level = "info"


class LogBuffer:
    """The newest `capacity` lines at or above a level.

    Lines longer than `max_chars` are cut and say by how much. `dropped` counts the lines that
    are gone: pushed out by newer ones, or reported lost by whoever delivers.
    """

    def __init__(self, capacity: int = 10_000, max_chars: int = 4_000) -> None:
        self.capacity = capacity
        self.dropped = 0
        self._max_chars = max_chars
        self._all: list[LogLine] = []
        self._shown: list[LogLine] = []
        self._first = 0
        self._least: Level = "debug"

    @property
    def first(self) -> int:
        """Number of the oldest line shown."""
        return self._first

    @property
    def end(self) -> int:
        """Number the next line will get."""
        return self._first + len(self._shown)

    def __getitem__(self, number: int) -> LogLine:
        return self._shown[number - self._first]

    def add(self, lines: Iterable[LogLine]) -> None:
        """Take `lines` in; what does not fit any more is dropped, oldest first."""
        fresh = [LogLine(self._tidy(line.text), line.level) for line in lines]
        self._all += fresh
        self._shown += filter(self._is_shown, fresh)
        excess = len(self._all) - self.capacity
        # Deleting from the front moves all that stays: done rarely, in one go.
        if excess > self.capacity // 8:
            gone = self._all[:excess]
            del self._all[:excess]
            hidden = sum(1 for line in gone if self._is_shown(line))
            del self._shown[:hidden]
            self._first += hidden
            self.dropped += excess

    def note_lost(self, n_lines: int) -> None:
        """Count lines that never arrived."""
        self.dropped += n_lines

    def set_least_level(self, level: Level) -> None:
        """Show only lines of `level` and worse; the numbering starts anew."""
        self._least = level
        self._shown = list(filter(self._is_shown, self._all))
        self._first = 0

    def find(self, needle: str, start: int, step: Literal[1, -1]) -> int | None:
        """Number of the next line with `needle` from `start` on, going round at the end.

        Upper case matters only when `needle` has any.
        """
        n_lines = len(self._shown)
        if not needle or not n_lines:
            return None
        begin = (start - self._first) % n_lines
        for by in range(n_lines):
            at = (begin + step * by) % n_lines
            if self.matches(self._shown[at], needle):
                return self._first + at
        return None

    def count(self, needle: str) -> int:
        """How many lines have `needle`."""
        return sum(1 for line in self._shown if self.matches(line, needle)) if needle else 0

    def window(self, top: int, height: int) -> list[tuple[int, LogLine]]:
        """The lines numbered `top` and following, at most `height`."""
        top = max(top, self._first)
        lines = islice(self._shown, top - self._first, top - self._first + height)
        return list(enumerate(lines, top))

    @staticmethod
    def matches(line: LogLine, needle: str) -> bool:
        """Whether `line` has `needle` (smart case)."""
        return needle in (line.text if needle != needle.lower() else line.text.lower())

    def _is_shown(self, line: LogLine) -> bool:
        return LEVELS.index(line.level) >= LEVELS.index(self._least)

    def _tidy(self, text: str) -> str:
        excess = len(text) - self._max_chars
        if excess > 0:
            text = f"{text[: self._max_chars]} [{excess} more characters cut]"
        return printable(text.rstrip("\r\n"))
