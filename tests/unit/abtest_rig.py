"""A deployment in an A/B test, told as a story: users come, some convert, time passes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.observation import Counters, DeploymentSeen
from gaesup_tui.domain.rollout import ENGINE, Rollout
from gaesup_tui.domain.rollout_rules import Look, decide_look
from gaesup_tui.domain.strategy_spec import StrategySpec

from .story import KEY, Story, revision

V41, V42 = revision("v41").id, revision("v42").id


class ABStory(Story):
    """``v41`` is stable and ``v42`` has its share of the users."""

    def __init__(self, **spec: Any) -> None:
        self.boot = "one"
        self.users: dict[str, tuple[int, int]] | None = {V41: (0, 0), V42: (0, 0)}
        """By revision, those who came and those of them who converted; None: nobody counts."""
        super().__init__()
        self.stable("v41")
        self.begin(spec)
        self.settle()

    def begin(self, spec: dict[str, Any], **more: Any) -> None:
        """``v42`` is deployed in an A/B test."""
        asked = {
            "deployment": KEY,
            "revision": revision("v42"),
            "strategy": "abTest",
            "spec": StrategySpec.model_validate({"ab_test": spec}),
            "conversion": {"method": "POST", "path": "/orders"},
        }
        self.ask(cmd.Deploy.model_validate(asked | more))

    @property
    def rollout(self) -> Rollout:
        assert self.deployment.rollout is not None
        return self.deployment.rollout

    def come(self, base: tuple[int, int], candidate: tuple[int, int]) -> list[ev.Event]:
        """So many users, and converted users, are counted of each arm."""
        self.users = {V41: base, V42: candidate}
        return self.settle()

    def seen(self) -> DeploymentSeen:
        seen, users = super().seen(), self.users
        if users is None:
            return seen
        revisions = {
            name: replace(there, counters=Counters(users=came, converted_users=converted))
            for name, there in seen.revisions.items()
            for came, converted in (users[name],)
        }
        return replace(seen, revisions=revisions)

    def look(self, seen: DeploymentSeen | None = None) -> list[ev.Event]:
        if self.deployment.active is None:
            return []
        look = Look(seen or self.seen(), self.windows, self.verdict, boot=self.boot)
        events = decide_look(self.deployment, look, self.now, frozen=self.world.frozen(KEY))
        return self.record(events, ENGINE)
