"""``engine.yaml``: what the owner of this machine's engine asks of it. No file asks for nothing."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.text import parse_duration, printable_line
from gaesup_tui.service.positions import Document, Located, parse

KEEP_HISTORY = "keepHistory"
FOREVER = "forever"
LEAST_KEEP_S = 3600.0
MAX_FILE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the file says, or what holds without one."""

    keep_history_s: float | None = None
    """How long events stay in the journal at least; None: for ever."""


def load(path: Path) -> EngineSettings:
    """Reads ``engine.yaml``.

    Raises:
        Invalid: it cannot be read, or something in it is wrong; begins with file and line.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise Invalid(f"{path} is larger than 64 KiB", hint="it holds one line for a setting")
        document = parse(path.read_text(encoding="utf-8"))
        return _settings(document)
    except FileNotFoundError:
        return EngineSettings()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read: {error}", hint="mend it, or move it away") from None
    except Located as error:
        raise Invalid(f"{path}:{error.line}: {error.message}", hint=error.hint) from None


def _settings(document: Document) -> EngineSettings:
    data = document.data
    if not isinstance(data, Mapping):
        raise Located(1, "this is not a list of settings", f"write `{KEEP_HISTORY}: 400d`")
    for name in data:
        if name != KEEP_HISTORY:
            near = difflib.get_close_matches(str(name), [KEEP_HISTORY], 1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {KEEP_HISTORY}"
            raise Located(
                document.line((name,)), f"{printable_line(str(name), 80)}: no such setting", hint
            )
    if KEEP_HISTORY not in data:
        return EngineSettings()
    return EngineSettings(_kept(data[KEEP_HISTORY], document.line((KEEP_HISTORY,))))


def _kept(value: object, line: int) -> float | None:
    hint = f"write how long, 400d or 90d, or {FOREVER}"
    if value == FOREVER:
        return None
    try:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not a duration")
        kept_s = parse_duration(value)
    except ValueError as error:
        message = printable_line(str(error).partition(": ")[0], 100)
        raise Located(line, f"{KEEP_HISTORY}: {message}", hint) from None
    if kept_s < LEAST_KEEP_S:
        shown = printable_line(str(value), 40)
        raise Located(line, f"{KEEP_HISTORY}: {shown} is less than an hour", hint)
    return kept_s
