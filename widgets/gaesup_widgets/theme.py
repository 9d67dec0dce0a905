"""Themes, and the few named styles that everything here is drawn in.

A style name is a meaning: `ok`, `warn`, `bad`, `dim`, `accent`, `strong`, `heading`, `cursor`,
`mark`. What it looks like follows from the theme of the app. Four themes are ours:

- `gaesup-dark`, `gaesup-light`: true colour.
- `gaesup-ansi`: the terminal's own sixteen colours and background; half the bytes of a repaint.
- `gaesup-mono`: no colour at all, only bold, dim, underline and reverse (`NO_COLOR`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from rich.style import Style
from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

ThemeName = Literal["gaesup-dark", "gaesup-light", "gaesup-ansi", "gaesup-mono"]

_MONO = "gaesup-without-colour"
_SOURCES = ("foreground", "success", "warning", "error", "accent", "primary", "background", _MONO)

# The cursor is drawn in reverse wherever the terminal owns the colours: right on any background.
_ANSI_VARIABLES = {
    **BUILTIN_THEMES["ansi-dark"].variables,
    "block-cursor-foreground": "ansi_black",
    "block-cursor-background": "ansi_white",
    "input-cursor-text-style": "reverse",
    "input-cursor-background": "ansi_default",
    "input-cursor-foreground": "ansi_default",
    "input-selection-background": "ansi_blue",
    "border": "ansi_default",
    "border-blurred": "ansi_default",
}


def _own(name: ThemeName, colours: str, ground: str, **options: Any) -> Theme:
    """A theme from its colours (primary secondary success warning error accent) and grounds
    (foreground background panel)."""
    primary, secondary, success, warning, error, accent = colours.split()
    foreground, background, panel = ground.split()
    return Theme(
        name=name,
        primary=primary,
        secondary=secondary,
        success=success,
        warning=warning,
        error=error,
        accent=accent,
        foreground=foreground,
        background=background,
        surface=background,
        panel=panel,
        boost=panel,
        **options,
    )


_PLAIN = "ansi_default ansi_default ansi_default"
_SIXTEEN = "ansi_blue ansi_cyan ansi_green ansi_yellow ansi_red ansi_cyan"

THEMES: tuple[Theme, ...] = (
    _own(
        "gaesup-dark",
        "#5fafd7 #87afaf #87d787 #ffd75f #ff8787 #87d7ff",
        "#d0d0d0 #121212 #1c1c1c",
        dark=True,
    ),
    _own(
        "gaesup-light",
        "#005f87 #4e4e4e #005f00 #875f00 #af0000 #005faf",
        "#1c1c1c #ffffff #eeeeee",
        dark=False,
    ),
    _own("gaesup-ansi", _SIXTEEN, _PLAIN, ansi=True, variables=_ANSI_VARIABLES),
    _own(
        "gaesup-mono",
        f"{_PLAIN} {_PLAIN}",
        _PLAIN,
        ansi=True,
        variables={**_ANSI_VARIABLES, _MONO: "yes"},
    ),
)


def wants_no_color(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the person asked for no colour, or the terminal has none."""
    return "NO_COLOR" in environ or environ.get("TERM") in ("dumb", "vt100", "vt220")


def install(app: App[Any], name: str) -> None:
    """Register our themes with `app` and switch to `name` (ours or one of Textual's).

    For `gaesup-mono` under `NO_COLOR` also construct the app with `ansi_color=True`: Textual
    chooses its filter for that variable before any theme is known, and would send greys.
    """
    for theme in THEMES:
        app.register_theme(theme)
    app.theme = name


def level_styles(variables: Mapping[str, str]) -> Mapping[str, Style]:
    """The named styles under a theme, from `App.theme_variables`.

    The styles are partial: they are laid over the colours of the widget they appear in.
    """
    return _level_styles(tuple(variables.get(name, "") for name in _SOURCES))


@lru_cache(8)
def _level_styles(sources: tuple[str, ...]) -> Mapping[str, Style]:
    theme = dict(zip(_SOURCES, sources, strict=True))
    if theme[_MONO]:
        return {
            "ok": Style(),
            "warn": Style(bold=True),
            "bad": Style(bold=True, underline=True),
            "dim": Style(dim=True),
            "accent": Style(bold=True),
            "strong": Style(bold=True),
            "heading": Style(bold=True),
            "cursor": Style(reverse=True),
            "mark": Style(bold=True),
        }
    return {
        "ok": _foreground(theme["success"]),
        "warn": _foreground(theme["warning"]),
        "bad": _foreground(theme["error"]) + Style(bold=True),
        "dim": Style(dim=True),
        "accent": _foreground(theme["accent"]),
        "strong": Style(bold=True),
        "heading": _foreground(theme["primary"]) + Style(bold=True),
        "cursor": _cursor(theme["primary"], theme["background"]),
        "mark": _foreground(theme["accent"]) + Style(bold=True),
    }


def _foreground(colour: str) -> Style:
    try:
        return Style.from_color(Color.parse(colour).rich_color)
    except ColorParseError:
        return Style()


def _cursor(primary: str, background: str) -> Style:
    try:
        bar, behind = Color.parse(primary), Color.parse(background)
    except ColorParseError:
        return Style(reverse=True)
    if bar.ansi is not None or behind.ansi is not None:
        return Style(reverse=True)
    return Style.from_color(None, behind.blend(bar, 0.35).rich_color)
