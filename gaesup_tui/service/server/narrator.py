"""Journaled events as sentences: remembers the rollout each one belongs to."""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.sentences import event_view
from gaesup_tui.domain.views import EventView
from gaesup_tui.domain.world import World


class Narrator:
    """Tells events in their order. ``world`` fills in what began before the first of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rollouts: dict[str, Rollout] = {}

    def tell(self, recorded: ev.Recorded) -> EventView:
        """The event as a person reads it."""
        key = recorded.deployment
        rollout = self._rollouts.get(key) or self._of_then(recorded)
        match recorded.event:
            case ev.RolloutCreated(rollout=created):
                self._rollouts[key] = created
            case ev.RetreatStarted(plan=plan) if rollout:
                self._rollouts[key] = rollout.model_copy(update={"plan": plan})
            case _ if rollout:
                self._rollouts[key] = rollout
        return event_view(recorded, rollout)

    def _of_then(self, recorded: ev.Recorded) -> Rollout | None:
        """The rollout an event of the past belongs to, with the plan it had then."""
        state = self._world.deployments.get(recorded.deployment)
        if state is None:
            return None
        known = [*state.past, *([state.rollout] if state.rollout else [])]
        for rollout in reversed(known):
            ended = rollout.finished_at
            if rollout.at <= recorded.at and (ended is None or recorded.at <= ended):
                before = rollout.cause_at is None or recorded.at < rollout.cause_at
                return rollout.model_copy(update={"plan": rollout.spec.plan}) if before else rollout
        return None
