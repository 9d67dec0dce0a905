"""Release trains told in a test: many units in one world, a backend that obeys, and time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.command_rules import decide_command
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.freezing import decide_windows, standing_in
from gaesup_tui.domain.global_rollback import decide_rollbacks
from gaesup_tui.domain.observation import DeploymentSeen, ReplicaSeen, RevisionSeen
from gaesup_tui.domain.revision import Revision, make_revision
from gaesup_tui.domain.rollout import ENGINE, Actor
from gaesup_tui.domain.rollout_rules import Look, decide_look, decide_time
from gaesup_tui.domain.train import Train
from gaesup_tui.domain.train_cars import place_of
from gaesup_tui.domain.train_rules import decide_trains, trains_due
from gaesup_tui.domain.world import Snapshot, World

KIM = Actor(name="kim", uid=1000)
QUICK: dict[str, Any] = {"rolling": {"bake": "10s", "minReady": 0}}
GATED: dict[str, Any] = {
    "canary": {"steps": [{"weight": 25}, {"pause": None}], "bake": "10s"},
    "autoAbort": False,
}
SHOP = {"catalog": (), "cart": ("catalog",), "checkout": ("cart",)}


def key_of(unit: str) -> str:
    return f"{unit}@production"


def revision(unit: str, version: str) -> Revision:
    digest = hashlib.sha256(f"{unit} {version}".encode()).hexdigest()
    return make_revision(unit, version, digest, f"/{unit}-{version}")


def order(unit: str, version: str, needs: Sequence[str] = (), **fields: Any) -> cmd.Deploy:
    return cmd.Deploy.model_validate(
        {
            "deployment": key_of(unit),
            "revision": revision(unit, version),
            "spec": QUICK,
            "depends_on": tuple(needs),
            **fields,
        }
    )


class Yard:
    """A world whose units all run ``v1``; what is wished is seen at once, unless it is sick."""

    def __init__(self, needs: Mapping[str, Sequence[str]] = SHOP) -> None:
        self.world = World()
        self.now = 1000.0
        self.needs = dict(needs)
        self.sick: set[str] = set()
        """Units whose next version is never ready."""
        self.journal: list[ev.Recorded] = []
        for unit, others in self.needs.items():
            self.ask(order(unit, "v1", others, replicas=1))
        self.rest(3600)

    def state(self, unit: str) -> Deployment:
        return self.world.deployments[key_of(unit)]

    def runs(self, unit: str) -> str:
        """The version that got all of the traffic, when nothing moves there."""
        state = self.state(unit)
        return state.stable.version if state.stable and not state.active else ""

    @property
    def train(self) -> Train:
        return self.world.trains[-1]

    def record(self, events: Sequence[ev.Event], by: Actor) -> Sequence[ev.Event]:
        for event in events:
            each = ev.Recorded(seq=self.world.seq + 1, at=self.now, by=by, event=event)
            self.world.apply(each)
            self.journal.append(each)
        return events

    def ask(self, command: cmd.Command, by: Actor = KIM) -> Sequence[ev.Event]:
        return self.record(decide_command(self.world, command, by, self.now), by)

    def start(self, versions: Mapping[str, str] | None = None, **fields: Any) -> None:
        """A train of all units, or of some, to ``v2`` or to what is said."""
        spec = fields.pop("spec", QUICK)
        strategy = fields.pop("strategy", "rolling")
        glass = fields.pop("glass", "")
        chosen = versions or dict.fromkeys(self.needs, "v2")
        orders = tuple(
            order(
                unit,
                version,
                self.needs.get(unit, ()),
                spec=spec,
                strategy=strategy,
                break_glass=glass,
            )
            for unit, version in chosen.items()
        )
        given = {"gate": "none", **fields}
        self.ask(
            cmd.TrainStart.model_validate(
                {"train": "spring", "environment": "production", "orders": orders, **given}
            )
        )

    def promote(self) -> None:
        self.ask(cmd.TrainPromote(train="spring", expect_seq=self.train.seq))

    def seen(self, state: Deployment) -> DeploymentSeen:
        revisions = {}
        for found, count in state.replica_wishes().values():
            sick = state.unit in self.sick and found.version != "v1"
            replicas = tuple(
                ReplicaSeen(f"{found.id}/{n}", "unready" if sick else "ready", self.now)
                for n in range(count)
            )
            revisions[found.id] = RevisionSeen(wanted=count, replicas=replicas)
        return DeploymentSeen(weights=state.weights(), revisions=revisions)

    def round(self) -> bool:
        """One look at every deployment, then what follows for stops and trains."""
        before = self.world.seq
        world = self.world
        self.record(decide_windows(world, self.now), ENGINE)
        for key in sorted(world.deployments):
            state = world.deployments[key]
            windowed = standing_in(world, state, self.now) is not None
            frozen = world.frozen(key) or windowed
            self.record(decide_time(state, self.now, frozen=frozen), ENGINE)
            state = world.deployments[key]
            look = Look(seen=self.seen(state))
            back_only = world.back_only(key)
            frozen = world.frozen(key)
            events = decide_look(
                state, look, self.now, frozen=frozen, back_only=back_only, windowed=windowed
            )
            self.record(events, ENGINE)
        self.turns()
        return world.seq != before

    def turns(self) -> None:
        for _ in range(500):
            world = self.world
            events = decide_rollbacks(world, self.now) or decide_trains(world, self.now)
            if not self.record(events, ENGINE):
                return
        raise AssertionError("the trains do not come to rest")

    def settle(self) -> None:
        """Looks until nothing follows, without letting time pass."""
        for _ in range(500):
            if not self.round():
                return
        raise AssertionError("the rules do not come to rest")

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.settle()

    def let_finish(self, unit: str) -> None:
        """A person promotes a unit of the train that is at its share, before the train does."""
        self.later(0)
        self.later(20)
        self.ask(cmd.Promote(deployment=key_of(unit)))
        self.settle()

    def rest(self, seconds: float = 600) -> None:
        """Time passes in steps until nothing moves, at most ``seconds``."""
        until = self.now + seconds
        self.settle()
        while self.now < until and any(s.active for s in self.world.deployments.values()):
            self.later(10)

    def reborn(self) -> None:
        """A new life: all that counts comes out of the journal."""
        snapshot = Snapshot.model_validate_json(self.world.snapshot().model_dump_json())
        assert World.restore(snapshot).snapshot() == self.world.snapshot()
        world = World()
        for each in self.journal:
            world.apply(ev.Recorded.model_validate_json(each.model_dump_json()))
        assert world.snapshot() == self.world.snapshot()
        self.world = world

    def begun(self) -> list[str]:
        """Units in the order in which the train began to move them."""
        return [unit for unit, going in self._course() if going == "forward"]

    def gone_back(self) -> list[str]:
        """Units in the order in which they began to go back."""
        return [unit for unit, going in self._course() if going == "back"]

    def _course(self) -> list[tuple[str, str]]:
        found = []
        is_on_train = False
        for each in self.journal:
            unit = each.deployment.partition("@")[0]
            match each.event:
                case ev.TrainStarted():
                    is_on_train = True
                case ev.RolloutCreated(rollout=created) if is_on_train:
                    back = created.spec.strategy == "rollback"
                    found.append((unit, "back" if back else "forward"))
                case ev.RetreatStarted():
                    found.append((unit, "back"))
        return found

    def kinds(self) -> list[str]:
        return [each.event.kind for each in self.journal]


def due(yard: Yard) -> float | None:
    return trains_due(yard.world)


def places(yard: Yard) -> list[str]:
    """Where each unit of the train stands, in its order."""
    return [place_of(yard.world, car) for car in yard.train.cars]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Units of which each needs some of those before it: no circles."""
    count = draw(st.integers(2, 7))
    names = [f"u{number}" for number in range(count)]
    return {
        name: tuple(draw(st.sets(st.sampled_from(names[:number]))) if number else ())
        for number, name in enumerate(names)
    }
