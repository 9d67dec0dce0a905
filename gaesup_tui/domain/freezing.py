"""Which freeze windows are in force for what, what they keep from happening, and how glass is
broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.steps import Analyse, AwaitTrain, Bake, Compare, Pause
from gaesup_tui.domain.window_views import until_words
from gaesup_tui.domain.windows import FreezeWindow, next_change, span_at
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
    """That windows began and ended, so that everybody sees it and timers are put off by them."""
    there = {(each.scope, each.name): each for each in in_force(world, now)}
    told = {(each.scope, each.name) for each in world.calendar.open}
    ended = (ev.WindowEnded(scope=s, name=n) for s, n in sorted(told - there.keys()))
    began = (
        ev.WindowBegan(scope=each.scope, name=each.name, since=each.since, ends=each.ends)
        for name, each in sorted(there.items())
        if name not in told
    )
    return [*ended, *began]


Forward = cmd.Deploy | cmd.Promote | cmd.Retry | cmd.Resume


def break_glass(
    world: World, command: Forward, key: str, now: float, *also: FreezeWindow
) -> list[ev.Event]:
    """The glass a command breaks, to be recorded with it; empty when no window is in its way.

    Args:
        also: windows that come with the command and are not in force yet.

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
            deployment=key, window=window.name, until=window.until, why=why, one_step=one_step
        )
    ]
