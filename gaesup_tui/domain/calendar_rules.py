"""What follows from commands about policies and freeze windows."""

from __future__ import annotations

from collections.abc import Iterable

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.errors import Invalid, Refused
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.windows import check, next_span
from gaesup_tui.domain.world import World

MOST_WINDOWS = 100


def taken(world: World, policy: Policy | None) -> list[ev.Event]:
    """That an environment asks for something else from now on; empty when it does not.

    Raises:
        Invalid: one of its windows is none.
    """
    if policy is None or world.calendar.policy(policy.environment) == policy:
        return []
    if world.calendar.policy(policy.environment) is None and not asks(policy):
        return []
    names = [window.name for window in policy.windows]
    if len(names) > MOST_WINDOWS or len(set(names)) < len(names):
        raise Invalid(
            f"freezeWindows of {policy.environment}: two have the same name, or too many",
            hint=f"give each its own name, {MOST_WINDOWS} at most",
        )
    for window in policy.windows:
        check(window)
    return [ev.PolicyTaken(policy=policy)]


def asks(policy: Policy) -> bool:
    """Whether it asks for anything at all."""
    return bool(policy.windows) or policy.two_persons


def take_policies(world: World, policies: Iterable[Policy]) -> list[ev.Event]:
    """Raises:
    Refused: nothing would change.
    Invalid: one of the windows is none.
    """
    events = [event for policy in policies for event in taken(world, policy)]
    if not events:
        raise Refused("the engine has all of this already", hint="`gaesup window list` shows it")
    return events


def add_window(world: World, command: cmd.AddWindow, now: float) -> list[ev.Event]:
    """The scope is known to exist.

    Raises:
        Invalid: it is no window, is over already, or has no reason.
        Refused: a file has one of that name.
    """
    check(command.window)
    _need_reason(command.why)
    name = command.window.name
    if not name.strip() or name != printable_line(name, 60):
        raise Invalid("name: a window needs a short name", hint="`gaesup window add launch …`")
    if next_span(command.window, now) is None:
        raise Invalid(f"until: {command.window.ends} is over", hint="write a later moment")
    for policy in world.calendar.policies:
        if any(window.name == name for window in policy.windows):
            raise Refused(
                f"window add {name}: {policy.environment} has a window of that name in its file",
                hint="give this one another name",
            )
    for added in world.calendar.added:
        if added.window.name == name and added.scope != command.scope:
            raise Refused(
                f"window add {name}: {added.scope or 'everything'} has a window of that name",
                hint=f"give this one another name, or `gaesup window remove {name}` first",
            )
    if len(world.calendar.added) >= MOST_WINDOWS:
        raise Refused(f"there are {MOST_WINDOWS} windows already", hint="remove some")
    return [ev.WindowAdded(scope=command.scope, window=command.window, why=command.why)]


def remove_window(world: World, command: cmd.RemoveWindow) -> list[ev.Event]:
    """Raises:
    Invalid: there is no reason.
    Refused: no such window was added by hand.
    """
    _need_reason(command.why)
    found = [each for each in world.calendar.added if each.window.name == command.name]
    if found:
        return [
            ev.WindowRemoved(scope=each.scope, name=command.name, why=command.why) for each in found
        ]
    for policy in world.calendar.policies:
        if any(window.name == command.name for window in policy.windows):
            raise Refused(
                f"window {command.name} is in the file {policy.source or 'of a deploy'}",
                hint="take it out there, then `gaesup window apply`",
            )
    names = ", ".join(each.window.name for each in world.calendar.added) or "none"
    shown = printable_line(command.name, 60)
    raise Refused(f"no window {shown!r} was added", hint=f"added by hand: {names}")


def _need_reason(why: str) -> None:
    if not why.strip():
        raise Invalid("a freeze window needs a reason", hint="give one with --reason")
