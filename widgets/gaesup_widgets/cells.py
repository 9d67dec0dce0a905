"""Text measured in terminal cells: cleaning, fitting, and numbers for people.

Widths come from `rich.cells`, as Textual's own do, so that what we count is what it paints.
A value nobody measured is `None` and shows as `–`: never as 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from rich.cells import cell_len, set_cell_size

NO_DATA = "–"
Align = Literal["left", "right"]

# Terminals disagree on the width of a character followed by one of these.
_VARIATION_SELECTORS = {0xFE0E: None, 0xFE0F: None}


class Cell(NamedTuple):
    """A piece of text and the name of its style (see `theme.level_styles`)."""

    text: str
    style: str = ""


Value = str | Cell | Sequence[Cell]
"""What a grid cell may hold: text, text with a style, or several such pieces in a row."""


def runs_of(value: Value) -> Sequence[Cell]:
    """`value` as a sequence of cells."""
    if isinstance(value, str):
        return (Cell(value),)
    if isinstance(value, Cell):
        return (value,)
    return value


def printable(text: str) -> str:
    """`text` without anything a terminal could act on or measure differently.

    Control, format, surrogate, private and unassigned characters become `·`; tabs, line ends
    and exotic spaces become a space; variation selectors vanish.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_VARIATION_SELECTORS)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else "·" for c in text)


def width_of(text: str) -> int:
    """Cells that `printable(text)` takes."""
    return cell_len(printable(text))


def split_at(text: str, width: int) -> tuple[str, str]:
    """`text` in two: what `width` cells hold, at least one character, and the rest."""
    used = 0
    for number, char in enumerate(text):
        used += width_of(char)
        if used > width and number:
            return text[:number], text[number:]
    return text, ""


def truncate(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` cells; what is cut is announced by `ellipsis`."""
    text = printable(text)
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    kept = width - cell_len(ellipsis)
    if kept < 0:
        return set_cell_size(text, width)
    return set_cell_size(text, kept).rstrip() + ellipsis


def fit(text: str, width: int, align: Align = "left", ellipsis: str = "…") -> str:
    """`text` in exactly `width` cells: cut or padded with spaces."""
    text = truncate(text, width, ellipsis)
    padding = " " * (max(width, 0) - cell_len(text))
    return padding + text if align == "right" else text + padding


def fit_runs(
    runs: Sequence[Cell], width: int, align: Align = "left", ellipsis: str = "…"
) -> list[Cell]:
    """Several styled pieces in exactly `width` cells; padding carries no style."""
    fitted: list[Cell] = []
    left = max(width, 0)
    for number, (text, style) in enumerate(runs):
        text = printable(text)
        size = cell_len(text)
        if size > left:
            if left == 0 and fitted and any(cell.text.strip() for cell in runs[number:]):
                # The cut falls between two pieces: the one before tells of it.
                last = fitted.pop()
                fitted.append(Cell(_told(last.text, ellipsis), last.style))
                left = cell_len(last.text) - cell_len(fitted[-1].text)
                break
            text = truncate(text, left, ellipsis)
            size = cell_len(text)
            fitted.append(Cell(text, style))
            left -= size
            break
        fitted.append(Cell(text, style))
        left -= size
    if left:
        padding = Cell(" " * left)
        fitted = [padding, *fitted] if align == "right" else [*fitted, padding]
    return fitted


def _told(text: str, ellipsis: str) -> str:
    """`text` with its end replaced by `ellipsis`, in at most as many cells."""
    return set_cell_size(text, max(0, cell_len(text) - cell_len(ellipsis))).rstrip() + ellipsis


def _missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def age(seconds: float | None) -> str:
    """How long ago, in at most five cells: `42s`, `4m31`, `26m`, `5h12`, `12d`."""
    if seconds is None or not math.isfinite(seconds):
        return NO_DATA
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 100:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m{whole % 60:02}"
    if minutes < 100:
        return f"{minutes}m"
    if hours < 48:
        return f"{hours}h{minutes % 60:02}"
    return f"{days}d"


def duration(seconds: float | None) -> str:
    """How long something takes: `0.3 s`, `60 s`, `10 m`, `5 h`."""
    if seconds is None or not math.isfinite(seconds):
        return NO_DATA
    seconds = max(0.0, seconds)
    if 0 < seconds < 0.05:
        return "<0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if seconds < 180:
        return f"{seconds:.0f} s"
    if seconds < 3 * 3600:
        return f"{seconds / 60:.0f} m"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} d"


def millis(milliseconds: float | None) -> str:
    """A latency: `0.8ms`, `88ms`, `1.20s`."""
    if milliseconds is None or not math.isfinite(milliseconds):
        return NO_DATA
    if milliseconds < 9.95:
        return f"{milliseconds:.1f}ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f}ms"
    seconds = milliseconds / 1000
    return f"{seconds:.2f}s" if seconds < 9.995 else f"{seconds:.1f}s"


def percent(ratio: float | None, digits: int = 1) -> str:
    """A ratio (1.0 is all) as `0.4 %`; a little of something never shows as nothing."""
    if ratio is None or not math.isfinite(ratio):
        return NO_DATA
    value = ratio * 100
    least = 10.0**-digits
    if 0 < value < least / 2:
        return f"<{least:.{digits}f} %"
    if 100 - least / 2 <= value < 100:
        return f">{100 - least:.{digits}f} %"
    return f"{value:.{digits}f} %"


def short(number: float | None) -> str:
    """A count or rate in at most four cells: `0.4`, `310`, `1.2k`, `34M`."""
    if number is None or not math.isfinite(number):
        return NO_DATA
    size = abs(number)
    if size < 9.95:
        return f"{number:.1f}".removesuffix(".0")
    for unit in ("", "k", "M", "G"):
        if size < 9.95 and unit:
            return f"{number:.1f}{unit}"
        if size < 999.5:
            return f"{number:.0f}{unit}"
        number, size = number / 1000, size / 1000
    return f"{number:.0f}T"


def rate(per_second: float | None) -> str:
    """`310/s`, `1.2k/s`."""
    return NO_DATA if _missing(per_second) else f"{short(per_second)}/s"


def count(number: int | None) -> str:
    """A whole number with its thousands set apart: `18 240`."""
    return NO_DATA if number is None else f"{number:,}".replace(",", " ")


def size(n_bytes: float | None) -> str:
    """Memory or file size: `640 B`, `1.5 MiB`."""
    if n_bytes is None or not math.isfinite(n_bytes):
        return NO_DATA
    value, units = float(n_bytes), ["B", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1023.5 and len(units) > 1:
        value /= 1024
        units.pop(0)
    text = f"{value:.1f}" if units[0] != "B" and value < 9.95 else f"{value:.0f}"
    return f"{text} {units[0]}"
