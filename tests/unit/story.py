"""A deployment's story told in a test: commands, looks at a world that obeys, and time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.command_rules import decide_command
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.drops import Compared
from gaesup_tui.domain.freezing import decide_windows, standing_in
from gaesup_tui.domain.global_rollback import decide_rollbacks
from gaesup_tui.domain.observation import DeploymentSeen, ReplicaSeen, RevisionSeen
from gaesup_tui.domain.revision import Revision, make_revision
from gaesup_tui.domain.rollout import ENGINE, Actor
from gaesup_tui.domain.rollout_rules import Look, SmokeResult, decide_look, decide_time
from gaesup_tui.domain.routing import route_of
from gaesup_tui.domain.steps import SmokeTest
from gaesup_tui.domain.strategy_spec import StrategySpec
from gaesup_tui.domain.telemetry import Window
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.world import World

KEY = "cart@production"
KIM = Actor(name="kim", uid=1000)


def revision(version: str) -> Revision:
    return make_revision("cart", version, version.encode().hex().ljust(64, "0")[:64], f"/{version}")


class Story:
    """A world, a clock, and a backend that does at once what is wished."""

    def __init__(self) -> None:
        self.world = World()
        self.now = 1000.0
        self.verdict: Verdict | None = None
        self.windows: dict[float, Window | None] = {}
        self.compared: dict[float, Compared] = {}
        self.smoke_passes = True
        self.ready_since: dict[str, float] = {}
        """Replica to when it was seen first."""
        self.spoil: dict[str, RevisionSeen] = {}
        """Revision id to what is seen of it instead of a healthy one."""

    @property
    def deployment(self) -> Deployment:
        return self.world.deployments[KEY]

    def record(self, events: list[ev.Event], by: Actor) -> list[ev.Event]:
        for event in events:
            self.world.apply(ev.Recorded(seq=self.world.seq + 1, at=self.now, by=by, event=event))
        return events

    def ask(self, command: cmd.Command, by: Actor = KIM) -> list[ev.Event]:
        return self.record(decide_command(self.world, command, by, self.now), by)

    def deploy(
        self, version: str, strategy: str = "canary", replicas: int | None = 2, **spec: Any
    ) -> list[ev.Event]:
        return self.ask(
            cmd.Deploy.model_validate(
                {
                    "deployment": KEY,
                    "revision": revision(version),
                    "strategy": strategy,
                    "replicas": replicas,
                    "spec": StrategySpec.model_validate(spec),
                }
            )
        )

    def seen(self) -> DeploymentSeen:
        revisions = {}
        for revision_id, (_, count) in self.deployment.replica_wishes().items():
            replicas = tuple(self._replica(f"{revision_id}/{n}") for n in range(count))
            healthy = RevisionSeen(wanted=count, replicas=replicas)
            spoilt = self.spoil.get(revision_id, healthy) if count else healthy
            revisions[revision_id] = spoilt
        route = route_of(self.deployment)
        return DeploymentSeen(route.weights, revisions, route.rules)

    def _replica(self, name: str) -> ReplicaSeen:
        since = self.ready_since.setdefault(name, self.now)
        return ReplicaSeen(id=name, state="ready", since=since)

    def look(self, seen: DeploymentSeen | None = None) -> list[ev.Event]:
        rollout = self.deployment.active
        smoke = None
        if rollout and isinstance(rollout.step, SmokeTest):
            smoke = SmokeResult(rollout.id, rollout.index, self.smoke_passes, "GET / 200")
        look = Look(
            seen=seen or self.seen(),
            windows=self.windows,
            verdict=self.verdict,
            smoke=smoke,
            compared=self.compared,
            said=self.verdict,
        )
        world = self.world
        events = decide_look(
            self.deployment,
            look,
            self.now,
            frozen=world.frozen(KEY),
            back_only=world.back_only(KEY),
            windowed=standing_in(world, self.deployment, self.now) is not None,
        )
        return self.record(events, ENGINE) or self.record(decide_rollbacks(world, self.now), ENGINE)

    def settle(self) -> list[ev.Event]:
        """Looks until nothing follows."""
        happened: list[ev.Event] = []
        while events := self.look():
            happened += events
            assert len(happened) < 500, "the rules do not come to rest"
        return happened

    def later(self, seconds: float) -> list[ev.Event]:
        """Time passes; deadlines first, then looks until nothing follows."""
        self.now += seconds
        self.record(decide_windows(self.world, self.now), ENGINE)
        still = standing_in(self.world, self.deployment, self.now) is not None
        frozen = still or self.world.frozen(KEY)
        late = self.record(
            decide_time(self.deployment, self.now, frozen=frozen, seen=self.seen()),
            ENGINE,
        )
        return late + self.settle()

    def stable(self, version: str) -> None:
        """``version`` is deployed and came to rest."""
        self.deploy(version, "rolling")
        self.settle()
        self.later(3600)
        assert self.deployment.stable is not None
        assert self.deployment.stable.version == version

    def see_not_ready(self, version: str, **fields: Any) -> None:
        """From now on, replicas of ``version`` are seen unready, with these fields."""
        replica = ReplicaSeen(id=f"{version}-1", state="unready", since=self.now)
        wanted = self.deployment.replica_wishes()[revision(version).id][1]
        self.spoil[revision(version).id] = RevisionSeen(
            wanted=wanted,
            replicas=(replace(replica, **fields),),
        )


def kinds(events: list[ev.Event]) -> list[str]:
    return [event.kind for event in events]
