"""Any order of commands, looks and hours: the rules never contradict themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.actions import ACTIONS
from gaesup_tui.domain.allowed import why_not
from gaesup_tui.domain.errors import GaesupError, NotFound, Refused
from gaesup_tui.domain.observation import DeploymentSeen
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.rollout_rules import due
from gaesup_tui.domain.strategy_spec import StrategySpec
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.viewing import Sight
from gaesup_tui.domain.waiting import waiting
from gaesup_tui.domain.windows import FreezeWindow
from gaesup_tui.domain.world import Snapshot, World
from tests.sim.oracle import Oracle

from .story import KEY, Story, revision

SPECS: list[dict[str, Any]] = [
    {"canary": {"steps": [{"weight": 10}, {"pause": None}, {"weight": 50}], "bake": "10s"}},
    {"canary": {"steps": [{"weight": 5}, {"pause": "30s"}, {"weight": 5}], "bake": 0}},
    {"canary": {"steps": [{"weight": 20}, {"analysis": "60s"}], "bake": "1m"}, "autoAbort": False},
    {"canary": {"steps": []}, "rolling": {"bake": 0, "minReady": "5s"}},
    {"canary": {"steps": [{"weight": 100}, {"pause": {"expiry": "1m", "onExpiry": "promote"}}]}},
]


class Watched(Story):
    """A story whose every event an oracle sees, which folds them in its own way."""

    def __init__(self) -> None:
        super().__init__()
        self.oracle = Oracle()
        self.journal: list[ev.Recorded] = []

    def record(self, events: list[ev.Event], by: Actor) -> list[ev.Event]:
        before = len(self.journal)
        for event in events:
            recorded = ev.Recorded(seq=self.world.seq + 1, at=self.now, by=by, event=event)
            self.world.apply(recorded)
            self.journal.append(recorded)
        self.oracle.durable(tuple(self.journal[before:]))
        if self.oracle.broken:
            raise self.oracle.broken
        return events


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.story = Watched()
        self.version = 0

    @initialize()
    def first(self) -> None:
        self.story.stable("v0")

    def try_to(self, command: cmd.Command) -> None:
        """Asks; a refusal must be one the console would have shown beforehand."""
        before = self.story.world.snapshot()
        action = command.action
        if isinstance(command, cmd.Promote) and command.full:
            action = "promote_full"  # type: ignore[assignment]
        if isinstance(command, cmd.Abort) and command.gradual:
            action = "abort_gradual"  # type: ignore[assignment]
        key = getattr(command, "deployment", None)
        shown = why_not(self.story.world, action, key, self.story.now) if key else None
        refusal = self._ask(command)
        if refusal is None:
            assert shown is None, f"{action} was done though: {shown}"
            return
        assert self.story.world.snapshot() == before, "a refusal changed something"
        assert str(refusal)
        if shown is not None:
            assert isinstance(refusal, Refused | NotFound)
            assert shown in str(refusal)

    def _ask(self, command: cmd.Command) -> GaesupError | None:
        try:
            self.story.ask(command)
        except GaesupError as refusal:
            return refusal
        return None

    @rule(
        spec=st.sampled_from(SPECS),
        strategy=st.sampled_from(["canary", "rolling"]),
        replicas=st.sampled_from([None, 1, 3]),
    )
    def deploy(self, spec: dict[str, Any], strategy: str, replicas: int | None) -> None:
        self.version += 1
        command = {
            "deployment": KEY,
            "revision": revision(f"v{self.version}"),
            "strategy": strategy,
            "replicas": replicas,
            "spec": StrategySpec.model_validate(spec),
        }
        self.try_to(cmd.Deploy.model_validate(command))

    @rule(full=st.booleans())
    def promote(self, full: bool) -> None:
        self.try_to(cmd.Promote(deployment=KEY, full=full))

    @rule(command=st.sampled_from([cmd.Abort, cmd.Pause, cmd.Resume, cmd.Rollback]))
    def simple(self, command: type[cmd.Abort | cmd.Pause | cmd.Resume | cmd.Rollback]) -> None:
        self.try_to(command(deployment=KEY))

    @rule(by_s=st.sampled_from([1.0, 3600.0]))
    def extend(self, by_s: float) -> None:
        self.try_to(cmd.Extend(deployment=KEY, by_s=by_s))

    @rule()
    def step_back(self) -> None:
        self.try_to(cmd.StepBack(deployment=KEY))

    @rule()
    def abort_gradually(self) -> None:
        self.try_to(cmd.Abort(deployment=KEY, gradual=True))

    @rule(check=st.sampled_from(["", "errorRatio", "judge", "smoke"]))
    def ignore(self, check: str) -> None:
        self.try_to(cmd.Ignore(deployment=KEY, check=check, why="known"))

    @rule()
    def acknowledge(self) -> None:
        self.try_to(cmd.Ack(deployment=KEY))

    @rule(start=st.sampled_from(["start", "failed"]))
    def retry(self, start: Any) -> None:
        self.try_to(cmd.Retry(deployment=KEY, start=start))

    @rule(replicas=st.sampled_from([0, 1, 4]))
    def scale(self, replicas: int) -> None:
        self.try_to(cmd.Scale(deployment=KEY, replicas=replicas))

    @rule(scope=st.sampled_from(["", "production", KEY]), mode=st.sampled_from(["stop", "freeze"]))
    def stop(self, scope: str, mode: Any) -> None:
        self.try_to(cmd.Stop(scope=scope, mode=mode, why="smoke"))

    @rule(scope=st.sampled_from(["", "production", KEY]))
    def global_rollback(self, scope: str) -> None:
        self.try_to(cmd.GlobalRollback(scope=scope, why="worse"))
        self.story.settle()

    @rule(scope=st.sampled_from(["", "production", KEY]))
    def release(self, scope: str) -> None:
        self.try_to(cmd.Release(scope=scope, why="over"))

    @rule()
    def unhold(self) -> None:
        self.try_to(cmd.ReleaseHold(deployment=KEY, why="looked at it"))

    @rule(hours=st.sampled_from([0.01, 1.0, 30.0]), scope=st.sampled_from(["", "production", KEY]))
    def window(self, hours: float, scope: str) -> None:
        begins, ends = (
            datetime.fromtimestamp(int(self.story.now + after), UTC).isoformat()[:19]
            for after in (0, hours * 3600 + 1)
        )
        window = FreezeWindow(name="audit", begins=begins, ends=ends)
        self.try_to(cmd.AddWindow(scope=scope, window=window, why="audit"))

    @rule(full=st.booleans())
    def break_glass(self, full: bool) -> None:
        self.try_to(cmd.Promote(deployment=KEY, full=full, break_glass="must be out"))

    @rule(command=st.sampled_from([cmd.Hold, cmd.Lock, cmd.Unlock]))
    def claim(self, command: type[cmd.Hold | cmd.Lock | cmd.Unlock]) -> None:
        self.try_to(command(deployment=KEY, why="mine"))

    @rule(seconds=st.sampled_from([1.0, 45.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.story.later(seconds)

    @rule(kind=st.sampled_from(["PROMOTE", "CONTINUE", "ABORT", "NO EVIDENCE", None]))
    def judge_says(self, kind: Any) -> None:
        self.story.verdict = Verdict(kind=kind, reason="as drawn") if kind else None
        self.story.settle()

    @rule()
    def looks_at_an_empty_backend(self) -> None:
        self.story.look(DeploymentSeen())

    @precondition(lambda self: self.story.deployment.active)
    @rule(share=st.sampled_from([0, 37, 100]))
    def looks_at_another_route(self, share: int) -> None:
        active = self.story.deployment.active
        assert active is not None
        weights = {active.candidate.id: share}
        if active.base:
            weights[active.base.id] = 100 - share
        shown = {name: weight for name, weight in weights.items() if weight}
        self.story.look(DeploymentSeen(shown, self.story.seen().revisions))

    @invariant()
    def wishes_make_sense(self) -> None:
        if KEY not in self.story.world.deployments:
            return
        state = self.story.deployment
        weights, replicas = state.weights(), state.replica_wishes()
        assert sum(weights.values()) in (0, 100)
        assert all(replicas[revision][1] > 0 for revision in weights), "traffic to nothing"
        course = self.story.oracle.courses[KEY]
        assert weights in course.allowed()

    @invariant()
    def everything_can_be_told(self) -> None:
        if KEY not in self.story.world.deployments:
            return
        state, stop = self.story.deployment, self.story.world.stop_for(KEY)
        for seen in (None, DeploymentSeen(), self.story.seen()):
            told = waiting(state, seen, stop)
            assert (told is not None) == (state.active is not None)
        when = due(state)
        assert when is None or state.active
        world, now = self.story.world, self.story.now
        for action in ACTIONS:
            if action.scope != "deployment" or not action.mutating:
                continue
            if why_not(world, action.asks_engine, KEY, now) is None:
                assert preview(world, action.id, KEY, Sight(), now)

    def teardown(self) -> None:
        """Replayed from the journal or from a snapshot on the wire, it is the same world. And
        with people who let it go on, it comes to rest."""
        whole = World()
        whole.apply_all(self.story.journal)
        body = self.story.world.snapshot().model_dump_json()
        restored = World.restore(Snapshot.model_validate_json(body))
        for world in (whole, restored):
            assert world.deployments == self.story.world.deployments
            assert world.stops == self.story.world.stops
            assert world.calendar == self.story.world.calendar
        self._comes_to_rest()

    def _comes_to_rest(self) -> None:
        if KEY not in self.story.world.deployments:
            return
        for scope in {stop.scope for stop in self.story.world.stops}:
            self.story.ask(cmd.Release(scope=scope, why="over"))
        for added in self.story.world.calendar.added:
            self.story.ask(cmd.RemoveWindow(name=added.window.name, why="over"))
        self.story.verdict = None
        if self.story.deployment.hold:
            self.story.ask(cmd.ReleaseHold(deployment=KEY, why="over"))
        for _ in range(10):
            active = self.story.deployment.active
            if active is None:
                return
            if active.paused:
                self.story.ask(cmd.Resume(deployment=KEY))
            elif active.phase == "forward" and not active.full:
                self.story.ask(cmd.Promote(deployment=KEY, full=True))
            self.story.later(4000.0)
        raise AssertionError(f"it never comes to rest: {self.story.deployment.active}")


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
