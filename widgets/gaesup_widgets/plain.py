"""Typography in plain ASCII, cell for cell: frames, arrows, dashes, bars, for terminals and fonts
that have nothing else. Letters of people's languages stay: a name is not ours to change.
"""

from __future__ import annotations

_PLAIN = {
    "-": "─━═╌╍┄┅–—−▬",
    "|": "│┃║╎┆",
    "+": "┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬╭╮╰╯╴╶",
    ">": "→▶▸»›▌",
    "<": "←◀◂«‹↩↶",
    "^": "↑▲▴",
    "v": "↓▼▾",
    ".": "·•░",
    ":": "▒",
    "#": "█▓■",
    "=": "≈",
    "x": "×✖✗✘",
    "*": "●◆★",
    "o": "○◷",
    "~": "…",
    "'": "‘’",
    '"': "“”„",
}
PLAIN: dict[int, str] = {
    ord(fancy): plain for plain, all_fancy in _PLAIN.items() for fancy in all_fancy
}
"""For `str.translate`; every character it replaces is one cell wide, and so is what replaces it."""
