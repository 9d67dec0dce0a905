"""From inputs to decisions on a draft: commands, what is seen, and the passing of time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.command_rules import decide_command
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import GaesupError, Moved
from gaesup_tui.domain.events import Recorded, StepCompleted
from gaesup_tui.domain.freezing import decide_windows, next_window_change, standing_in
from gaesup_tui.domain.global_rollback import decide_rollbacks, rollbacks_due
from gaesup_tui.domain.queueing import begin_queued
from gaesup_tui.domain.rollout import ENGINE
from gaesup_tui.domain.rollout_rules import Look, decide_look, decide_time, due
from gaesup_tui.domain.sentences import sentence
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.train_back import WAY_BACK
from gaesup_tui.domain.train_rules import decide_trains, trains_due
from gaesup_tui.domain.verifying import decide_verification, to_verify
from gaesup_tui.domain.world import World
from gaesup_tui.engine.draft import Draft, Order, leads_back, rolls_back

log = logging.getLogger("gaesup.engine.decisions")

Eyes = Callable[[Deployment, float], Look | None]
"""What is seen of a deployment now; None while nothing fresh is."""

MOST_TURNS = 1000
"""More decisions about trains never follow at once."""
MOST_ROUNDS = 64
"""More decisions than this never follow from one look: the longest plans wait somewhere."""


def urgent(command: cmd.Command) -> bool:
    """Whether it is a way to safety, which waits for nothing: not for other commands, and not for
    a journal that cannot be written."""
    return isinstance(command, cmd.ALWAYS_ALLOWED)


def decide_order(draft: Draft, order: Order, now: float, recent: Sequence[Recorded]) -> None:
    """Decides on a command; a refusal is kept beside the draft."""
    safe = urgent(order.command)
    try:
        events = decide_command(draft.world, order.command, order.by, now)
    except Moved as refusal:
        since = [*recent, *(entry.recorded for entry in draft.entries)]
        draft.refusals.append((order, _overtaken(refusal, draft.world, order.command, since, now)))
    except GaesupError as refusal:
        draft.refusals.append((order, refusal))
    except Exception as fault:
        log.exception("deciding on %s failed", order.command.action)
        draft.refusals.append((order, _our_fault(order.command, fault)))
    else:
        draft.record(events, order.by, now, safe=safe, order=order)


def _our_fault(command: cmd.Command, fault: Exception) -> GaesupError:
    return GaesupError(
        f"{command.action} failed inside the engine: {type(fault).__name__}: {fault}",
        hint="nothing was changed; `gaesup engine logs` has the details, please report them",
    )


def _overtaken(
    refusal: Moved, world: World, command: cmd.Command, recent: Iterable[Recorded], now: float
) -> Moved:
    """The refusal, with who did what since the person looked."""
    expected = getattr(command, "expect_seq", None) or 0
    key = getattr(command, "deployment", "")
    since = [each for each in recent if each.seq > expected and each.deployment == key]
    if not since or key not in world.deployments:
        return refusal  # of a train: it says itself what moved
    # What a person did comes before what followed from it.
    acts = [each for each in since if not isinstance(each.event, StepCompleted)]
    last = ([each for each in acts if each.by.name != ENGINE.name] or since)[-1]
    what, _ = sentence(last.event, world.deployments[key].rollout)
    when = duration(max(0.0, now - last.at))
    more = len(since) - 1
    others = f", and {more} more {'change' if more == 1 else 'changes'}" if more else ""
    return Moved(
        f"{key} moved since you looked: {last.by.name}: {what}, {when} ago{others}",
        hint=refusal.hint,
    )


def decide_times(draft: Draft, keys: Iterable[str], eyes: Eyes, now: float, *, away: bool) -> None:
    """Deadlines and expiries that have come. They only lead back, so they act in any case."""
    for key in sorted(keys):
        state = draft.world.deployments[key]
        when = due(state)
        if when is None or when > now:
            continue
        try:
            look = eyes(state, now)
            seen = look.seen if look else None
            frozen = draft.world.frozen(key) or standing_in(draft.world, state, now) is not None
            events = decide_time(state, now, frozen=frozen, seen=seen)
        except Exception:  # as in ``decide_looks``: the others' deadlines go on
            log.exception("deciding on the deadlines of %s failed", key)
            continue
        if events and (not away or leads_back(events)):
            draft.record(events, ENGINE, now, safe=leads_back(events))


def decide_looks(draft: Draft, keys: Iterable[str], eyes: Eyes, now: float, *, away: bool) -> None:
    """All that follows from what is seen; ``away``: only what leads back, since nothing else may
    happen unrecorded."""
    for key in sorted(keys):
        try:
            for _ in range(MOST_ROUNDS):
                if not _look_once(draft, key, eyes, now, away=away):
                    break
        except Exception:  # a fault in one deployment's rules must not end the others'
            log.exception("deciding about %s failed", key)


def _look_once(draft: Draft, key: str, eyes: Eyes, now: float, *, away: bool) -> bool:
    state = draft.world.deployments.get(key)
    if state is None:
        return False
    look = eyes(state, now)
    if look is None:
        return False
    if state.active is None:
        events = decide_verification(state, look.seen, look.lately, now)
        if events and not away:
            draft.record(events, ENGINE, now, safe=False)
        return False  # nothing follows from it
    world = draft.world
    events = decide_look(
        state,
        look,
        now,
        frozen=world.frozen(key),
        back_only=world.back_only(key),
        windowed=standing_in(world, state, now) is not None,
    )
    returns = state.active.phase == "back" or rolls_back(state.active)
    safe = returns or leads_back(events)
    if not events or (away and not safe):
        return False
    draft.record(events, ENGINE, now, safe=safe)
    return True


def decide_calendar(draft: Draft, now: float, *, safe: bool = False) -> None:
    """Freeze windows that began and ended meanwhile: before all else, since timers are put off."""
    try:
        if events := decide_windows(draft.world, now):
            draft.record(events, ENGINE, now, safe=safe)
    except Exception:  # a window that cannot be read must not hold up a way to safety
        log.exception("deciding on freeze windows failed")


def decide_turns(draft: Draft, now: float, *, away: bool) -> None:
    """The turns of global rollbacks that have come. Each leads one group on, so they end. Then
    those of release trains; ``away``: only of those on their way back."""
    try:
        while events := decide_rollbacks(draft.world, now):
            draft.record(events, ENGINE, now, safe=True)
    except Exception:  # nor a turn that cannot be decided on
        log.exception("deciding on the turns of a global rollback failed")
    _decide_trains(draft, now, away=away)


def _decide_trains(draft: Draft, now: float, *, away: bool) -> None:
    try:
        for _ in range(MOST_TURNS):
            events = decide_trains(draft.world, now, back_only=away)
            safe = all(isinstance(event, WAY_BACK) for event in events)
            if not events or (away and not safe):
                return
            draft.record(events, ENGINE, now, safe=safe)
        log.error("the trains do not come to rest")
    except Exception:  # units that move without a train must not stand still for it
        log.exception("deciding about the trains failed")


def needs_looks(state: Deployment, now: float) -> bool:
    """Whether something follows from looking at it: a rollout that moves, or a way back that is
    not verified yet."""
    return state.active is not None or to_verify(state, now) is not None


def decide_queues(draft: Draft, now: float) -> None:
    """The rollouts of what is queued where nothing moves any more."""
    for key in sorted(draft.world.queued):
        try:
            if events := begin_queued(draft.world, key, now):
                draft.record(events, ENGINE, now, safe=False)
        except Exception:  # one that cannot begin must not keep the others waiting
            log.exception("beginning what is queued for %s failed", key)


def next_due(world: World, keys: Iterable[str], now: float) -> float | None:
    """The next moment after ``now`` at which time changes something."""
    whens = [
        rollbacks_due(world),
        trains_due(world),
        next_window_change(world, now),
        *(due(world.deployments[key]) for key in keys),
    ]
    return min((when for when in whens if when is not None and when > now), default=None)
