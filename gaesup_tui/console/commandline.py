"""What is typed after ``:``. Pure: from text to what it asks for.

Commands that are actions of the console become that action, with its question; movement is done;
every other command of ``gaesup`` is run as the program it is, and its output shown.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gaesup_tui.domain.actions import ACTIONS
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.text import parse_duration

_DECISIONS = frozenset(
    (
        *("promote", "abort", "pause", "resume", "retry", "rollback", "scale", "extend"),
        *("step-back", "hold", "lock", "unlock", "ignore", "ack", "unqueue", "delete"),
    )
)
_GO = {"now": "now", "deployments": "deployments", "activity": "activity", "help": "help"}
_PLAIN = {"q": "quit", "quit": "quit", "stop": "stop"}
_PROGRAMS = [
    "status",
    "deploy",
    "history",
    "ab",
    "judge",
    "validate",
    "doctor",
    "info",
    "load",
    "init",
    "engine",
    "demo",
    "completion",
    "global-rollback",
    "train",
    "window",
    "strategies",
]
_NEVER = {"console": "this is the console", "watch": "press w on the deployment"}
_WITHOUT_END = {"-f", "--follow"}
_FLAGS: dict[str, dict[str, str | None]] = {
    "promote": {"--full": None},
    "abort": {"--gradual": None},
    "ignore": {"--check": "check"},
    "retry": {"--from": "start"},
    "rollback": {"--version": "version"},
    "scale": {"--replicas": "replicas"},
    "extend": {"--by": "by"},
    "lock": {"--for": "for"},
}


_CHOICES = {
    "--from": ("failed", "start"),
    "--check": (
        *("judge", "smoke", "analysis", "errorRatio", "p95", "memory", "healthFailures"),
        *("restarts", "noData", "trafficDrop", "conversionDrop"),
    ),
}
"""What stands behind a flag; of checks those that are not written as an expression."""


@dataclass(frozen=True, slots=True)
class Deed:
    """An action on a deployment, with the command's own fields."""

    action_id: str
    deployment: str
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Go:
    """A movement: ``now``, ``quit``, ``stop`` …"""

    where: str


@dataclass(frozen=True, slots=True)
class Open:
    """A page of a deployment: ``logs``, ``timeline`` or ``open``."""

    page: str
    deployment: str


@dataclass(frozen=True, slots=True)
class Run:
    """A command of the program, with its words; ``mutating`` asks first."""

    words: Sequence[str]
    mutating: bool


Asked = Deed | Go | Open | Run


def words() -> list[str]:
    """Every first word there is."""
    found = [*_DECISIONS, *_GO, *_PLAIN, *_PROGRAMS, "logs", "release", "unhold"]
    return sorted(set(found))


def understand(text: str, keys: Sequence[str], current: str | None) -> Asked:
    """What ``text`` asks for. ``keys`` are the deployments there are, ``current`` the one under
    the cursor, which is meant when a command names none.

    Raises:
        Invalid: it is not understood; the message says what would be.
    """
    try:
        given = shlex.split(text)
    except ValueError as error:
        raise Invalid(f"{text!r}: {error}", hint="close the quotation mark") from None
    if not given:
        raise Invalid("nothing was typed", hint="type a command, Tab completes")
    first, rest = given[0], given[1:]
    if first in _NEVER:
        raise Invalid(f"{first}: {_NEVER[first]}")
    if first in _GO and not rest:
        return Go(_GO[first])
    if first in _PLAIN and not rest:
        return Go(_PLAIN[first])
    if first in _DECISIONS:
        return _decision(first, rest, keys, current)
    if first == "unhold" or (first == "release" and rest and not rest[0].startswith("-")):
        return Deed("unhold", resolve(_names(rest)[:1], keys, current))
    if first == "release":
        return Go("release")
    if first == "ab" and not _flags(rest):
        return Open("ab", resolve(_names(rest), keys, current))
    if first in ("logs", "history") and not _flags(rest) - _WITHOUT_END:
        page = "logs" if first == "logs" else "timeline"
        if page == "timeline" and not rest:
            return Go("activity")
        return Open(page, resolve(_names(rest), keys, current))
    if first in _PROGRAMS or first in ("logs", "history", "stop"):
        return Run(tuple(given), mutating=_is_mutating(given))
    near = difflib.get_close_matches(first, words(), 1)
    hint = f"did you mean {near[0]}?" if near else "Tab goes through those there are"
    raise Invalid(f"there is no command {first!r}", hint=hint)


def _is_mutating(given: Sequence[str]) -> bool:
    if given[0] == "train":
        return list(given[1:2]) not in (["status"], ["list"])
    if list(given[:2]) == ["window", "list"]:
        return False
    mutating = {action.command.split()[0] for action in ACTIONS if action.mutating}
    return given[0] in mutating | {"load", "demo", "init"} or list(given[:2]) in (
        ["engine", "stop"],
        ["engine", "start"],
    )


def _names(rest: Sequence[str]) -> list[str]:
    return [word for word in rest if not word.startswith("-")]


def _flags(rest: Sequence[str]) -> set[str]:
    return {word for word in rest if word.startswith("-")}


def _decision(first: str, rest: Sequence[str], keys: Sequence[str], current: str | None) -> Deed:
    known = _FLAGS.get(first, {})
    names: list[str] = []
    more: dict[str, Any] = {}
    action_id = first.replace("-", "_")
    queue = list(rest)
    while queue:
        word, _, value = queue.pop(0).partition("=")
        if word == "--full" and first == "promote":
            action_id = "promote_full"
        elif word == "--gradual" and first == "abort":
            action_id = "abort_gradual"
        elif word in ("-e", "--environment"):
            names = [f"{name}@{value or _next(queue, word)}" for name in names]
        elif word in known:
            more[str(known[word])] = value or _next(queue, word)
        elif word.startswith("-") and not word[1:].isdigit():
            raise Invalid(f"{first}: there is no flag {word}", hint=_usage(first))
        elif first == "scale" and word.lstrip("+-").isdigit():
            more["replicas"] = word
        else:
            names.append(word)
    if first == "retry" and more.get("start") == "failed":
        action_id, more = "retry_failed", {}
    if first == "scale" and "replicas" not in more:
        raise Invalid("scale: how many replicas?", hint="scale cart@production --replicas 4")
    if first == "extend":
        more = {"by_s": _by(more.get("by"))}
    if "for" in more:
        more = {"for_s": _time(more["for"], "--for")}
    return Deed(action_id, resolve(names, keys, current), more)


def _by(text: str | None) -> float:
    if text is None:
        raise Invalid("extend: by how long?", hint="extend cart@production --by 30m")
    return _time(text, "--by")


def _time(text: str, flag: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Invalid(f"{flag}: {error}") from None


def _next(queue: list[str], flag: str) -> str:
    if not queue:
        raise Invalid(f"{flag} needs a value")
    return queue.pop(0)


def _usage(first: str) -> str:
    return next((a.command for a in ACTIONS if a.command.split()[:1] == [first]), first)


def resolve(names: Sequence[str], keys: Sequence[str], current: str | None) -> str:
    """The deployment that ``cart`` or ``cart@production`` names.

    Raises:
        Invalid: none or several do.
    """
    if len(names) > 1:
        raise Invalid(f"one deployment at a time: {' '.join(names)}")
    if not names:
        if current is None:
            raise Invalid("no deployment is under the cursor", hint="name one: cart@production")
        return current
    name = names[0]
    if name in keys:
        return name
    found = [key for key in keys if key.partition("@")[0] == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise Invalid(f"{name} is in several environments", hint=" or ".join(sorted(found)))
    raise Invalid(f"there is no deployment {name}", hint="2 shows all there are")


def replicas(text: str, now: int) -> int:
    """``4``, ``+1`` or ``-1`` as a number of replicas.

    Raises:
        Invalid: it is none of them.
    """
    if not text.lstrip("+-").isdigit():
        raise Invalid(f"{text!r} is no number of replicas", hint="write 4, +1 or -1")
    return max(0, now + int(text)) if text[0] in "+-" else int(text)


def complete(text: str, keys: Iterable[str], versions: Iterable[str]) -> list[str]:
    """What ``text`` may become: a command, a deployment, a version."""
    before, _, last = text.rpartition(" ")
    if not before.strip():
        return [f"{word} " for word in words() if word.startswith(last)]
    flag = before.split()[-1]
    if flag == "--version":
        candidates: Iterable[str] = versions
    elif flag in _CHOICES:
        candidates = _CHOICES[flag]
    elif flag.startswith("-") and _FLAGS.get(before.split()[0], {}).get(flag):
        candidates = ()  # its value is nobody's name
    elif last.startswith("-"):
        candidates = (f for f in _FLAGS.get(before.split()[0], {"--version": None}))
    else:
        candidates = keys
    return [f"{before} {word}" for word in candidates if word.startswith(last)][:50]
