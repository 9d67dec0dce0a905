"""Which freeze windows are in force for what, what they keep from happening, and how glass is
broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.policy import OpenWindow
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.steps import Analyse, AwaitTrain, Bake, Compare, Pause
from gaesup_tui.domain.window_views import until_words
from gaesup_tui.domain.windows import FreezeWindow, next_change, span_at, spans_between
from gaesup_tui.domain.world import World, in_scope


class InForce(NamedTuple):
    """A window that is in force."""

    scope: str
    """Empty for everything, else an environment or a deployment."""
    name: str
    since: float
    until: float
    ends: str
    """As it was written, and on whose clock: ``Mon 08:00 UTC``."""

    @property
    def words(self) -> str:
        """``freeze window weekend until Mon 08:00 UTC``."""
        return f"freeze window {self.name} until {self.ends}"


def windows_of(world: World) -> Iterator[tuple[str, FreezeWindow]]:
    """Every window there is, with its scope."""
    for policy in world.calendar.policies:
        for window in policy.windows:
            yield policy.environment, window
    for added in world.calendar.added:
        yield added.scope, added.window


def in_force(world: World, now: float) -> list[InForce]:
    """Every window in force."""
    found = []
    for scope, window in windows_of(world):
        if span := span_at(window, int(now)):
            found.append(_in_force(scope, window, span))
    return found


def _in_force(scope: str, window: FreezeWindow, span: tuple[float, float]) -> InForce:
    return InForce(scope, window.name, *span, until_words(window.ends, window.timezone))


def window_for(world: World, key: str, now: float) -> InForce | None:
    """The window in force for a deployment; of several the one that ends last."""
    if not (world.calendar.policies or world.calendar.added):
        return None
    covering = (each for each in in_force(world, now) if in_scope(key, each.scope))
    return max(covering, key=lambda each: each.until, default=None)


def standing_in(world: World, state: Deployment, now: float) -> InForce | None:
    """The window its rollout stands still in; None when it moves: none is in force, it leads to
    safety, or somebody broke the glass for it."""
    rollout = state.active
    if rollout is None or rollout.phase == "back" or rollout.spec.strategy == "rollback":
        return None
    window = window_for(world, state.key, now)
    glass = rollout.glass
    if window is None or glass is None or glass.until <= now:
        return window
    at_gate = isinstance(rollout.step, Pause | Analyse | Compare | AwaitTrain | Bake)
    return window if glass.one_step and at_gate else None


def next_window_change(world: World, now: float) -> float | None:
    """When the next window begins or ends."""
    return next_change((window for _, window in windows_of(world)), now)


def decide_windows(world: World, now: float) -> list[ev.Event]:
    """That windows began and ended, in the order in which they did, so that everybody sees it and
    timers are put off by them: also by what passed since the last event of all, unseen."""
    there = {(each.scope, each.name): each for each in in_force(world, now)}
    told = {(each.scope, each.name): each for each in world.calendar.open}
    moments: list[tuple[float, ev.Event]] = []
    for each in told.values():
        key = (each.scope, each.name)
        if key not in there or _is_another(world, there[key], each):
            until = _end_of(world, each, now)
            moments.append((now if until is None else until, _ended(*key, until)))
    for missed in _missed(world, now):
        moments += [
            (missed.since, _began(missed)),
            (missed.until, _ended(*missed[:2], missed.until)),
        ]
    for key, new in there.items():
        if key not in told or _is_another(world, new, told[key]):
            moments.append((new.since, _began(new)))
    # Of the same moment, what ends is over before the next begins.
    moments.sort(key=lambda each: (each[0], isinstance(each[1], ev.WindowBegan)))
    return [event for _, event in moments]


def _is_another(world: World, here: InForce, told: OpenWindow) -> bool:
    """Whether the window in force is that of a later week than the one that was told of."""
    return here.since != told.since and here.since > world.at


def _end_of(world: World, told: OpenWindow, now: float) -> float | None:
    """When a window that is open ended; None: it was taken away, and ends now."""
    for scope, window in windows_of(world):
        if (scope, window.name) == (told.scope, told.name):
            span = span_at(window, int(told.since))
            if span and span[1] <= now:
                return span[1]
    return None


def _missed(world: World, now: float) -> Iterator[InForce]:
    """Windows that ended since the last event, and that nobody was told of."""
    told = {(each.scope, each.name): each.since for each in world.calendar.open}
    for scope, window in windows_of(world):
        for span in spans_between(window, world.at, now):
            if span[0] > told.get((scope, window.name), 0.0):
                yield InForce(scope, window.name, *span, window.ends)


def _began(window: InForce) -> ev.Event:
    return ev.WindowBegan(
        scope=window.scope, name=window.name, since=window.since, ends=window.ends
    )


def _ended(scope: str, name: str, until: float | None) -> ev.Event:
    return ev.WindowEnded(scope=scope, name=name, until=until)


Forward = cmd.Deploy | cmd.Promote | cmd.Retry | cmd.Resume


def break_glass(
    world: World,
    command: Forward,
    key: str,
    now: float,
    *also: FreezeWindow,
    who: Actor | None = None,
) -> list[ev.Event]:
    """The glass a command breaks, to be recorded with it; empty when no window is in its way.

    Args:
        also: windows that come with the command and are not in force yet.
        who: who gave the command, where it takes effect later; None: who is asking now.

    Raises:
        Refused: a window is in its way and no glass is broken.
    """
    state = world.deployments.get(key)
    rollout = state.active if state else None
    if isinstance(command, cmd.Resume) and rollout and rollout.spec.strategy == "rollback":
        return []
    window = window_for(world, key, now)
    for each in also:
        if (span := span_at(each, int(now))) and (window is None or span[1] > window.until):
            window = _in_force(key, each, span)
    if window is None:
        return []
    why = command.break_glass.strip()
    if not why:
        raise Refused(
            f"{command.action} {key}: {window.words}: nothing goes forward",
            hint="abort, rollback and stop act; `--break-glass REASON` goes on all the same",
        )
    one_step = isinstance(command, cmd.Promote) and not command.full
    return [
        ev.GlassBroken(
            deployment=key,
            window=window.name,
            until=window.until,
            why=why,
            one_step=one_step,
            who=who,
        )
    ]
