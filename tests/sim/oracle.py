"""What must hold whatever happens, checked with every durable event and every call for traffic.

It folds events on its own, in the simplest way, and knows nothing of the engine's fold.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.events import Recorded
from gaesup_tui.domain.gradual import SHARES
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.route import Route
from gaesup_tui.domain.steps import AwaitTrain, Pause, Plan, Scale, SetTraffic
from gaesup_tui.domain.turns import GROUP_DEADLINE_S

from .agreement import Agreement
from .arms import Arms
from .broken import Broken, must
from .capacity import Capacity
from .claims import Claims
from .course import Course
from .deletions import Deletions
from .fleet import Witness
from .freezes import Freezes
from .gates import check_gate
from .trains import Trains


@dataclass
class Returning:
    """A global rollback, as the journal told it so far."""

    groups: list[list[str]]
    at: int = -1
    began: float = 0.0


def _in_scope(key: str, scope: str) -> bool:
    return scope in ("", key, key.partition("@")[2])


class Oracle(Witness):
    """Watches one journal and the calls that follow from it."""

    def __init__(self) -> None:
        self.courses: dict[str, Course] = {}
        self.stops: dict[str, str] = {}
        self.rollbacks: dict[str, Returning] = {}
        self.needs: dict[str, tuple[str, ...]] = {}
        self.colours: dict[str, str] = {}
        """Of what is stable."""
        self.claims = Claims()
        self.freezes = Freezes()
        self.agreement = Agreement()
        self.deletions = Deletions()
        self.capacity = Capacity()
        self.arms = Arms()
        self.trains = Trains(lambda key: any(_in_scope(key, s) for s in self.rollbacks))
        self.queued: dict[str, str] = {}
        """The revision that begins once the one before it is over, by deployment."""
        self.at = 0.0
        self.clean = True
        self.kinds: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.unsettled: dict[str, float] = {}
        """Finished rollouts whose world was not yet seen to match, and since when."""
        self.broken: Broken | None = None
        """The first invariant that did not hold: the engine under test may swallow what is raised
        in its ports."""
        self.aborted: dict[str, str] = {}
        """Rollouts whose way back was acknowledged, in this life of the engine, and began with the
        traffic."""
        self.good: defaultdict[str, set[str]] = defaultdict(set)
        """The revisions that finished well, by deployment."""
        self.rolled_back: set[str] = set()
        """Where somebody asked for a rollback, which acts before the journal tells of it."""
        self.lags: Callable[[], bool] = lambda: False
        """Whether ways back may be in force that no durable event told of."""
        self.slowly: set[str] = set()
        """Where somebody asked for a gradual way back: it acts before the journal tells of it."""

    def crashed(self) -> None:
        """What was acknowledged as not yet durable may be lost now."""
        self.aborted.clear()
        self.rolled_back.clear()

    def rollback_asked(self, scope: str) -> None:
        """A rollback of a deployment, or of a whole scope, may begin from now on."""
        self.rolled_back |= {key for key in self.courses if _in_scope(key, scope)}

    def acknowledged(self, key: str, rollout: str, plan: Plan) -> None:
        if isinstance(plan[0], SetTraffic) and plan[0].weight_percent == 0:
            self.aborted[key] = rollout

    def _stopped(self, key: str, rollout: Rollout) -> bool:
        """Whether a stop forbids this to go forward. A rollback may, unless it is only frozen."""
        modes = {mode for scope, mode in self.stops.items() if _in_scope(key, scope)}
        modes |= {"rollback" for scope in self.rollbacks if _in_scope(key, scope)}
        if rollout.spec.strategy == "rollback":
            return modes == {"freeze"}
        return bool(modes)

    def traffic_asked(self, key: str, weights: Mapping[str, int]) -> None:
        """Called with every split the engine asks for."""
        try:
            self._asked(key, weights)
        except Broken as broken:
            self.broken = self.broken or broken

    def routed(self, key: str, route: Route) -> None:
        """Called with every route that is in force now."""
        try:
            course = self.courses.get(key)
            if course:
                self.arms.routed(key, course.rollout.id, route)
        except Broken as broken:
            self.broken = self.broken or broken

    def disturbed(self, key: str) -> None:
        """Called when something else than the engine changes a place."""
        self.arms.forget(key)

    def replicas_changed(
        self, key: str, ready: tuple[int, int], wanted: Mapping[str, int], gone: str, more: str
    ) -> None:
        """Called when the engine changed a count of replicas; see ``Capacity.check``."""
        try:
            course = self.courses.get(key)
            if course and key not in self.deletions.gone:
                self.capacity.check(key, course, ready, gone)
                if not self.lags():
                    self.capacity.check_surge(key, course, wanted, more)
        except Broken as broken:
            self.broken = self.broken or broken

    def _asked(self, key: str, weights: Mapping[str, int]) -> None:
        course = self.courses.get(key)
        must(course is not None, f"traffic of unknown {key}")
        assert course is not None
        allowed = course.allowed()
        if key in self.slowly and course.phase != "finished":
            allowed = [*allowed, *(course.split(share, back=True) for share in SHARES)]
        if course.rollout.spec.strategy == "rollback" and course.phase == "forward":
            allowed = [*allowed, course.split(100)]  # it leads back, so it needs no journal
        if self.aborted.get(key) == course.rollout.id and course.phase == "forward":
            allowed = [course.split(0)]
        if key in self.rolled_back or any(_in_scope(key, scope) for scope in self.rollbacks):
            allowed = [*allowed, *({revision: 100} for revision in self.good[key])]
            if key in self.slowly:
                allowed = [*allowed, *self._slowly_away_from_a_rollback(key, course)]
        must(
            dict(weights) in allowed,
            f"{key}: asked for {dict(weights)}, allowed {allowed} in {course.phase}",
        )

    def _slowly_away_from_a_rollback(self, key: str, course: Course) -> list[dict[str, int]]:
        """A rollback that acts before the journal tells of it, sent back share by share."""
        if course.phase != "finished" or course.stable is None:
            return []
        others = self.good[key] - {course.stable}
        return [{good: share, course.stable: 100 - share} for good in others for share in SHARES]

    def durable(self, events: tuple[Recorded, ...]) -> None:
        """Called with every batch that lasts."""
        try:
            for recorded in events:
                must(recorded.at >= self.at, "time fell")
                self.at = recorded.at
                self.kinds[recorded.event.kind] += 1
                course = self.courses.get(recorded.deployment)
                self.claims.take(recorded, course)
                self.freezes.take(recorded, course)
                self.agreement.take(recorded, course)
                if not self._deleted(recorded, course):
                    self._take(recorded)
            self._all_stopped()
            self.freezes.batch_over()
        except Broken as broken:
            self.broken = self.broken or broken

    def _all_stopped(self) -> None:
        """Under a stop everything is on its way back, from the batch on that holds the stop."""
        scopes = [scope for scope, mode in self.stops.items() if mode == "stop"]
        for key, course in self.courses.items() if scopes else ():
            moves = course.phase == "forward" and course.rollout.spec.strategy != "rollback"
            stopped = any(_in_scope(key, scope) for scope in scopes)
            must(not (moves and stopped), f"{key}: goes on forward under a stop")

    def _take(self, recorded: Recorded) -> None:
        event = recorded.event
        match event:
            case ev.StopPressed(scope=scope, mode=mode):
                self.stops[scope] = mode
            case ev.StopReleased(scope=scope):
                self.stops.pop(scope, None)
                if gone := self.rollbacks.pop(scope, None):
                    left = {k for group in gone.groups[gone.at + 1 :] for k in group}
                    must(left == set(event.left), "what was not rolled back is not told")
            case ev.GlobalRollbackStarted():
                self._roll_back(event)
            case ev.GlobalRollbackTurn():
                self._turn(event, recorded.at)
            case ev.RolloutCreated():
                self._created(event, recorded.at)
                self._dequeued(event, recorded.by.name == "gaesup")
            case ev.EngineStarted(after_crash=after_crash):
                must(after_crash != self.clean, "it does not know how the last life ended")
                self.clean = False
            case ev.EngineStopped():
                self.clean = True
            case _ if hasattr(event, "train"):
                self.trains.take(recorded, self.courses)
            case ev.DeployQueued(deployment=key, deploy=deploy):
                must(self.courses[key].phase != "finished", f"{key}: queued behind nothing")
                self.queued[key] = deploy.revision.id
            case ev.QueueDropped(deployment=key):
                del self.queued[key]
            case _ if recorded.deployment:
                course = self.courses.get(recorded.deployment)
                must(course is not None, f"{event.kind} before any rollout")
                assert course is not None
                self._move(recorded.deployment, course, recorded)

    def _roll_back(self, event: ev.GlobalRollbackStarted) -> None:
        groups = [[turn.deployment for turn in group] for group in event.groups]
        named = {key for group in groups for key in group} | {t.deployment for t in event.skipped}
        there = self.courses.keys() - self.deletions.gone
        wanted = {key for key in there if _in_scope(key, event.scope)}
        must(named == wanted, f"a global rollback forgot {wanted ^ named}")
        for number, group in enumerate(groups):
            for key in group:
                needs = self.needs.get(key, ())
                place = key.partition("@")[2]
                before = [k for earlier in groups[:number] for k in earlier]
                for other in (f"{unit}@{place}" for unit in needs):
                    must(other not in before, f"{other} goes back before {key}, which needs it")
        self.rollbacks[event.scope] = Returning(groups)

    def _turn(self, event: ev.GlobalRollbackTurn, at: float) -> None:
        """The next group begins once the one before it rests, or had its time."""
        returning = self.rollbacks[event.scope]
        must(event.group == returning.at + 1, "a group was left out or came twice")
        group = returning.groups[returning.at] if returning.at >= 0 else []
        late = {key for key in group if not self._at_rest(self.courses[key])}
        must(late == set(event.late), f"said to be late: {event.late}, were {late}")
        must(not late or at >= returning.began + GROUP_DEADLINE_S, "a group was cut short")
        returning.at, returning.began = event.group, at

    @staticmethod
    def _at_rest(course: Course) -> bool:
        if course.phase == "finished":
            return True
        rollback = course.phase == "forward" and course.rollout.spec.strategy == "rollback"
        there = course.index < len(course.plan) and course.weight == 100
        return rollback and there and not isinstance(course.plan[course.index], SetTraffic)

    def _created(self, event: ev.RolloutCreated, at: float) -> None:
        key, before = event.deployment, self.courses.get(event.deployment)
        if event.depends_on is not None:
            self.needs[key] = event.depends_on
        must(not self._stopped(key, event.rollout), f"{key}: a rollout began under a stop")
        must(before is None or before.phase == "finished", f"{key}: two rollouts at once")
        stable = before.stable if before else None
        course = Course(event.rollout, event.rollout.plan, stable, event.rollout.replicas)
        course.ignored = {each.index for each in event.rollout.ignored}
        base = event.rollout.base
        must((base.id if base else None) == course.stable, f"{key}: the base is not what is stable")
        course.least_asked = min(event.rollout.replicas, event.rollout.base_wanted)
        self._coloured(key, event.rollout)
        self.courses[key] = course
        self.unsettled.pop(key, None)
        self.slowly.discard(key)
        self.rolled_back.discard(key)
        course.enter(0, at)

    def _dequeued(self, event: ev.RolloutCreated, by_itself: bool) -> None:
        """What was queued begins, or is forgotten for what a person began instead, or for a way
        back; nothing else begins by itself, but trains."""
        key, candidate = event.deployment, event.rollout.candidate.id
        queued = self.queued.pop(key, None)
        if queued != candidate and by_itself and event.rollout.spec.strategy != "rollback":
            on_train = any(isinstance(step, AwaitTrain) for step in event.rollout.plan)
            must(on_train and not queued, f"{key}: a rollout that nobody asked for")

    def _coloured(self, key: str, rollout: Rollout) -> None:
        """The candidate takes the colour that is not the base's; once blue-green, always so."""
        stable = self.colours.get(key, "")
        wanted = "green" if stable == "blue" else "blue" if stable else ""
        if not stable and rollout.spec.colours:
            wanted = "green" if rollout.base else "blue"
        must(rollout.colour == wanted, f"{key}: {rollout.colour} beside {stable}")

    def _deleted(self, recorded: Recorded, course: Course | None) -> bool:
        """Whether the event takes a deployment away: nothing is served there from now on."""
        key = recorded.deployment
        stopped = any(_in_scope(key, scope) for scope in (*self.stops, *self.rollbacks))
        bound = stopped or self.trains.carry(key)
        if not self.deletions.take(recorded, course, bound=bound) or course is None:
            return False
        course.stable, course.replicas = None, 0
        self.good[key].clear()
        self.colours.pop(key, None)
        self.queued.pop(key, None)
        self.unsettled[key] = recorded.at
        return True

    def _move(self, key: str, course: Course, recorded: Recorded) -> None:
        event, at = recorded.event, recorded.at
        match event:
            case ev.StepCompleted():
                self._completed(key, course, event, at)
            case ev.DecisionMade(index=index, full=full):
                must(recorded.by.name != "gaesup", "the engine decided for a person")
                must(course.phase == "forward", f"{key}: a decision after the way back began")
                course.decided.add(index)
                course.full = course.full or full
            case ev.RolloutPaused():
                must(course.phase == "forward", f"{key}: paused on the way back")
                course.paused = True
            case ev.RolloutResumed():
                course.paused = False
            case ev.RolloutExtended(by_s=by_s):
                must(course.phase == "forward", f"{key}: extended on the way back")
                course.extended += by_s
            case ev.SteppedBack(index=index):
                must(course.phase == "forward", f"{key}: a step back on the way back")
                self._back_a_step(key, course, index, at)
            case ev.VerdictGiven(verdict=verdict):
                course.verdict = verdict.kind
            case ev.ABAnswered(answer=answer):
                course.answer = answer.kind
            case ev.CheckIgnored(index=index):
                must(recorded.by.name != "gaesup", "the engine ignored a check")
                must(course.phase == "forward", f"{key}: a check ignored on the way back")
                course.ignored.add(index)
            case ev.RetreatStarted(plan=plan):
                forward = course.phase == "forward"
                must(forward or course.gradual, f"{key}: two ways back")
                slower = any(isinstance(step, Pause) for step in plan)
                must(forward or not slower, f"{key}: a way back that became slower")
                course.phase, course.plan, course.paused = "back", plan, False
                course.enter(0, at)
            case ev.DeploymentScaled(replicas=replicas):
                must(replicas or course.phase == "finished", f"{key}: nothing left to move")
                course.replicas, course.rescaled = replicas, True
                waves = course.rollout.spec.strategy == "rolling" and course.phase == "forward"
                course.least_asked = replicas if waves else min(course.least_asked, replicas)
                if waves:
                    self._replanned(key, course, event)
            case ev.RolloutFinished(outcome=outcome):
                self._finished(key, course, outcome, at)

    @staticmethod
    def _replanned(key: str, course: Course, event: ev.DeploymentScaled) -> None:
        """Waves that are scaled on their way end with as many as were asked for."""
        must(event.waves is not None, f"{key}: its waves are not planned anew")
        assert event.waves is not None
        there, rest = course.plan[: course.index], event.waves.rest
        counts = [s.replicas for s in rest if isinstance(s, Scale) and s.side == "candidate"]
        ends = counts[-1] if counts else event.waves.candidate
        must(ends == event.replicas, f"{key}: scaled to {event.replicas}, ends with {ends}")
        must(rest[-1] == Scale(side="base", replicas=0), f"{key}: its base would stay")
        stays = rest[0] == course.plan[course.index]
        course.plan = (*there, *rest)
        if not stays:
            course.enter(course.index, course.began)

    @staticmethod
    def _back_a_step(key: str, course: Course, index: int, at: float) -> None:
        step = course.plan[index]
        must(isinstance(step, SetTraffic), f"{key}: a step back to no share")
        assert isinstance(step, SetTraffic)
        must(step.weight_percent < course.weight, f"{key}: a step back that gives more")
        gone = [s for s in course.plan[index : course.index + 1] if isinstance(s, Scale)]
        must(not gone, f"{key}: a step back to replicas that are gone")
        course.enter(index, at)
        course.index, course.full = index + 1, False
        course.decided = {each for each in course.decided if each <= index}

    def _completed(self, key: str, course: Course, event: ev.StepCompleted, at: float) -> None:
        must(course.phase != "finished", f"{key}: a step after the end")
        must(event.index == course.index, f"{key}: step {event.index}, expected {course.index}")
        if course.phase == "forward":
            must(not self._stopped(key, course.rollout), f"{key}: a step forward under a stop")
            must(not course.paused, f"{key}: a step forward while paused")
            self._gate(key, course, event, at)
        course.enter(course.index + 1, at)

    def _gate(self, key: str, course: Course, event: ev.StepCompleted, at: float) -> None:
        """Nothing passes a gate without a decision, a verdict, or what its expiry says."""
        step = course.plan[event.index]
        if isinstance(step, AwaitTrain) and step.last and event.index not in course.decided:
            self.trains.arrives(step.train, self.courses)
            return
        if event.result == "skipped":
            passed = course.decided | course.ignored
            must(course.full or event.index in passed, f"{key}: skipped undecided")
            return
        check_gate(key, course, step, at - course.began)

    def _finished(self, key: str, course: Course, outcome: str, at: float) -> None:
        must(course.index == len(course.plan), f"{key}: finished before its last step")
        if outcome == "promoted":
            must(course.phase == "forward", f"{key}: promoted on the way back")
            must(course.weight == 100, f"{key}: promoted at {course.weight} %")
            course.stable = course.rollout.candidate.id
            self.good[key].add(course.stable)
            self.colours[key] = course.rollout.colour
        else:
            must(course.phase == "back", f"{key}: {outcome} without a way back")
            must(outcome == ("aborted" if course.rollout.base else "failed"), f"{key}: {outcome}")
        course.phase = "finished"
        self.outcomes[outcome] += 1
        self.unsettled[key] = at

    def wanted(self, key: str) -> dict[str, int]:
        """The traffic a finished rollout must have left."""
        return self.courses[key].allowed()[0]
