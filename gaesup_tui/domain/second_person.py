"""The two-person rule: where an environment asks for it, nothing goes forward on one word.

A rollout begins at a gate that somebody else than its starter has to pass, and each promotion
needs two people. People are told apart by what the kernel says. Ways back never ask for it.
"""

from __future__ import annotations

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.lock_views import APPROVED
from gaesup_tui.domain.locks import same_person
from gaesup_tui.domain.policy import Policy
from gaesup_tui.domain.rollout import Actor, Rollout
from gaesup_tui.domain.steps import Pause
from gaesup_tui.domain.world import World

EXPIRY_S = 1800.0
"""How long a rollout waits for the second person before it is given up."""


def asks_two(world: World, key: str, policy: Policy | None = None) -> bool:
    """Whether two people have to agree there; ``policy`` comes with the command at hand."""
    known = world.calendar.policy(key.partition("@")[2])
    return any(each is not None and each.two_persons for each in (known, policy))


def begins_at_gate(
    world: World, event: ev.RolloutCreated, policy: Policy | None = None
) -> ev.RolloutCreated:
    """The rollout, with a gate for the second person before its first step where one is asked
    for."""
    rollout = event.rollout
    if not asks_two(world, event.deployment, policy) or at_second_gate(rollout):
        return event
    plan = (Pause(expiry_s=EXPIRY_S, second=True), *rollout.plan)
    spec = rollout.spec.model_copy(update={"plan": plan})
    gated = rollout.model_copy(update={"spec": spec, "plan": plan})
    return event.model_copy(update={"rollout": gated})


def at_second_gate(rollout: Rollout) -> bool:
    """Whether it stands where somebody else than its starter has to let it begin."""
    return isinstance(rollout.step, Pause) and rollout.step.second


def agreed(rollout: Rollout, *, full: bool) -> list[Actor]:
    """Who agreed so far: to all that comes, or to the next step at least."""
    starter = [rollout.by] if at_second_gate(rollout) else []
    return starter + [a.by for a in rollout.approvals if a.full or not full]


def needs_another(world: World, state: Deployment, action: str, by: Actor | None) -> str | None:
    """Why ``by`` alone cannot promote; None when somebody else agreed, or the first word is
    free."""
    rollout = state.active
    if action not in ("promote", "promote_full") or rollout is None or by is None:
        return None
    if not _applies(world, state, rollout):
        return None
    known = agreed(rollout, full=action == "promote_full")
    if not known or any(not same_person(one, by) for one in known):
        return None
    did = "asked for it" if at_second_gate(rollout) and not rollout.approvals else "agreed already"
    return f"two persons have to agree here, and you {did}: another one has to promote it"


def _applies(world: World, state: Deployment, rollout: Rollout) -> bool:
    return asks_two(world, state.key) and rollout.spec.strategy != "rollback"


def first_word(world: World, state: Deployment, command: cmd.Promote) -> list[ev.Event] | None:
    """The approval of the first of two; None when the promotion may happen now. ``needs_another``
    was asked before."""
    rollout = state.active
    if rollout is None or not _applies(world, state, rollout):
        return None
    if agreed(rollout, full=command.full):
        return None
    index = rollout.index
    return [ev.ApprovalGiven(deployment=state.key, index=index, full=command.full, why=command.why)]


def approvers(world: World, state: Deployment, command: cmd.Promote, by: Actor) -> tuple[str, ...]:
    """Who agreed before ``by``, for the record; empty where one word is enough."""
    rollout = state.active
    if rollout is None or not _applies(world, state, rollout):
        return ()
    others = [a for a in agreed(rollout, full=command.full) if not same_person(a, by)]
    return tuple(dict.fromkeys(one.name for one in others))


def waits_for_second(rollout: Rollout) -> str:
    """What it waits for in words; empty when nobody agreed yet."""
    if rollout.approvals:
        names = ", ".join(dict.fromkeys(a.by.name for a in rollout.approvals))
        return f"approved by {names}, 1 of 2: waits for a second person"
    if at_second_gate(rollout):
        return f"asked for by {rollout.by.name}: waits for a second person"
    return ""


def approval_line(
    world: World, state: Deployment | None, action: str, key: str
) -> list[tuple[str, str]]:
    """What the dialog says of the rule; empty where one word is enough."""
    if not asks_two(world, key):
        return []
    if action in ("deploy", "retry", "retry_failed"):
        return [("Two", "it waits for a second person before anything begins")]
    rollout = state.active if state else None
    if state is None or rollout is None or action not in ("promote", "promote_full"):
        return []
    if not _applies(world, state, rollout):
        return []
    known = agreed(rollout, full=action == "promote_full")
    names = ", ".join(dict.fromkeys(one.name for one in known))
    return [("Two", f"2 of 2, with {names}" if known else f"{APPROVED}: nothing moves yet")]
