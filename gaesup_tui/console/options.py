"""How the console was started: its flags, and what follows from the environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

THEMES = ("dark", "light", "ansi", "mono")


@dataclass(frozen=True, slots=True)
class Options:
    """What a person chose when starting the console."""

    socket: Path
    """The engine's."""
    keymap: Path
    """Need not exist."""
    environment: str = ""
    """Show only this environment; empty: all."""
    read_only: bool = False
    low_bandwidth: bool = False
    """One tick a second, the terminal's own colours, no sparklines."""
    theme: str = "dark"
    ascii_symbols: bool = False
    mouse: bool = False
    """Off by default: then the terminal's own selection works."""
    autostart: bool = True
    is_elsewhere: bool = False
    """The socket was named: it may lead to another host's engine."""

    @property
    def tick_s(self) -> float:
        """How often the screen takes over what changed."""
        return 1.0 if self.low_bandwidth else 0.25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the console, for a parser that also knows commands."""
    add = parser.add_argument
    add("--read-only", action="store_true", help="change nothing from this console")
    add("--low-bandwidth", action="store_true", help="for slow lines: one tick a second")
    add("--theme", choices=THEMES, help="dark, light, the terminal's 16 colours, or none")
    add("--ascii", action="store_true", help="plain ASCII symbols")
    add("--mouse", action=argparse.BooleanOptionalAction, default=False, help="take the mouse")
    add("--no-autostart", action="store_true", help="do not start an engine when none answers")
    add("--environment", default="", metavar="NAME", help="show only this environment")
    add("--socket", type=Path, metavar="PATH", help="the engine's socket, as through ssh -L")
    add("--keys", type=Path, metavar="FILE", help="a keymap instead of keys.yaml")


def parse(arguments: Sequence[str]) -> Options:
    """The options of a command line.

    Raises:
        SystemExit: with code 2 and a message, when a flag is not known.
        Invalid: GAESUP_HOME is not usable.
    """
    parser = argparse.ArgumentParser(prog="gaesup", description="The console.")
    add_arguments(parser)
    return of(parser.parse_args(arguments))


def of(given: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Options:
    """The options of parsed flags.

    Raises:
        Invalid: GAESUP_HOME is not usable.
    """
    from gaesup_tui.service import places

    low_bandwidth = bool(given.low_bandwidth)
    socket: Path | None = given.socket
    keymap: Path | None = given.keys
    found = places.find(environ) if socket is None or keymap is None else None
    if found is not None:
        socket = socket or found.socket
        keymap = keymap or found.config / "keys.yaml"
    assert socket is not None  # places gave it
    assert keymap is not None
    return Options(
        socket=socket,
        keymap=keymap,
        environment=given.environment,
        read_only=bool(given.read_only),
        low_bandwidth=low_bandwidth,
        theme=_theme(given.theme, low_bandwidth, environ),
        ascii_symbols=bool(given.ascii) or not _speaks_unicode(environ),
        mouse=bool(given.mouse),
        autostart=not given.no_autostart and given.socket is None,
        is_elsewhere=given.socket is not None,
    )


def _theme(chosen: str | None, low_bandwidth: bool, environ: Mapping[str, str]) -> str:
    if "NO_COLOR" in environ or environ.get("TERM") in ("dumb", "vt100", "vt220"):
        return "mono"
    if chosen:
        return chosen
    true_colour = environ.get("COLORTERM", "") in ("truecolor", "24bit")
    # Sixteen colours halve the bytes of a repaint, and are right on any background.
    return "dark" if true_colour and not low_bandwidth else "ansi"


def _speaks_unicode(environ: Mapping[str, str]) -> bool:
    named = next((environ[n] for n in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(n)), "C.UTF-8")
    return "utf-8" in named.lower() or "utf8" in named.lower()
