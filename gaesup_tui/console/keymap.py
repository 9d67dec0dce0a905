"""The user's own keys: ``keys.yaml``, action id to one key or several.

A keymap never keeps the console from starting: what is wrong in it is said, and the default stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gaesup_tui.domain.actions import ACTIONS, BY_ID

_GRID_KEYS = frozenset(
    {"down", "j", "up", "k", "home", "g", "end", "G", "pagedown", "pageup", "right", "left"}
    | {"ctrl+f", "ctrl+d", "ctrl+u"}
)
"""Movement, which every list has first."""
_NAMES = {
    "!": "exclamation_mark",
    "?": "question_mark",
    "/": "slash",
    ":": "colon",
    "+": "plus",
    "-": "minus",
    "=": "equals_sign",
    " ": "space",
    "*": "asterisk",
    "#": "number_sign",
    "@": "at",
    "%": "percent_sign",
    "&": "ampersand",
    ".": "full_stop",
    ",": "comma",
    ";": "semicolon",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
}


def load_keymap(path: Path) -> tuple[dict[str, str], list[str]]:
    """The keymap in ``path`` and what is wrong with it, one line each; no file is no keymap."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError) as error:
        return {}, [f"{path}: cannot be read ({error}); default keys are used"]
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        return {}, [f"{where}: not YAML; default keys are used"]
    return read_keymap(value, str(path))


def read_keymap(value: object, where: str) -> tuple[dict[str, str], list[str]]:
    """A keymap from parsed YAML; entries that are wrong are left out and said."""
    if value is None:
        return {}, []
    if not isinstance(value, Mapping):
        return {}, [f"{where}: write one 'action: key' per line; default keys are used"]
    keymap: dict[str, str] = {}
    problems: list[str] = []
    for action_id, keys in value.items():
        listed = keys if isinstance(keys, list) else [keys]
        if action_id not in BY_ID:
            problems.append(f"{where}: {action_id}: there is no such action; see ? for their names")
        elif not all(isinstance(key, str | int) for key in listed):
            problems.append(f"{where}: {action_id}: write a key or a list of keys")
        else:
            keymap[str(action_id)] = ",".join(key_name(str(key)) for key in listed)
    for action_id, problem in _collisions(keymap):
        keymap.pop(action_id, None)
        problems.append(f"{where}: {problem}; its default stays")
    return keymap, problems


def key_name(key: str) -> str:
    """The name Textual has for a key: ``!`` is ``exclamation_mark``."""
    return _NAMES.get(key, key)


def _collisions(keymap: Mapping[str, str]) -> list[tuple[str, str]]:
    """Actions of ``keymap`` whose keys already do something else, and what."""
    owners: dict[str, list[str]] = {}
    for action in ACTIONS:
        for key in keymap.get(action.id, action.key).split(","):
            owners.setdefault(key, []).append(action.id)
    found = []
    for key, ids in owners.items():
        for action_id in ids:
            others = [other for other in ids if other != action_id]
            if action_id not in keymap:
                continue
            if key in _GRID_KEYS:
                found.append((action_id, f"{action_id}: {key} moves the cursor in every list"))
            elif others:
                found.append((action_id, f"{action_id}: {key} is the key of {others[0]} already"))
    return found
