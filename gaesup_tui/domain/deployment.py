"""A deployment: a unit in an environment, and the fold that keeps it."""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.commands import Deploy
from gaesup_tui.domain.deleting import Deleted, cleared
from gaesup_tui.domain.model import DeploymentKey, Frozen, Text
from gaesup_tui.domain.notice_views import BY_ITSELF
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.rollout import (
    Actor,
    Colour,
    Measured,
    Rollout,
    Verified,
    enter,
    other_colour,
)
from gaesup_tui.domain.rollout_fold import moved
from gaesup_tui.domain.steps import AUTOMATIC, SetTraffic
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.waves import scaled

KEEP_RELEASES = 20
KEEP_PAST = 10


class Release(Frozen):
    """A revision that finished its bake: something one can go back to."""

    revision: Revision
    at: float
    by: Actor
    baked_s: float
    """How long all traffic was on it, watched, before it counted as good."""
    verdict: Text = ""
    """What the judge said last before that; empty: it was not asked."""
    measured: Measured | None = None
    """Its traffic at the end of its bake; None: it was not measured."""


class Queued(Frozen):
    """A revision that begins once nothing moves any more."""

    deploy: Deploy
    by: Actor
    at: float
    replaces: bool = False
    """What moved goes back for it."""


class Hold(Frozen):
    """Automation of a deployment is held."""

    by: Actor
    at: float
    why: Text


class Lock(Frozen):
    """A person has the next word on a deployment."""

    by: Actor
    at: float
    why: Text
    until: float | None = None
    """When it ends by itself; None: not before somebody unlocks it."""


class Notice(Frozen):
    """What happened without anybody pressing a key, until a person has seen it."""

    at: float
    text: Text
    sick: bool = False
    """Whether the base was failing too after the way back."""


class Deployment(Frozen):
    """Everything the engine knows about ``cart@production`` from its journal."""

    key: DeploymentKey
    backend: str
    project: str = ""
    depends_on: tuple[str, ...] = ()
    """Units it asks while it serves, in the same environment."""
    replicas: int
    stable: Revision | None = None
    colour: Colour = ""
    """Of the stable revision."""
    good: tuple[Release, ...] = ()
    """Known-good history, newest last."""
    rollout: Rollout | None = None
    """The active one, or the last that finished."""
    past: tuple[Rollout, ...] = ()
    """Earlier finished ones, newest last."""
    hold: Hold | None = None
    lock: Lock | None = None
    """Also one that ran out: ``locks.lock_of`` says what is in force."""
    notice: Notice | None = None
    deleted: Deleted | None = None
    queued: Queued | None = None
    rollouts: int = 0
    """How many there were; the next one's number."""
    seq: int = 0
    """The last event that changed it: what a decision is based on."""

    @property
    def unit(self) -> str:
        return self.key.partition("@")[0]

    @property
    def environment(self) -> str:
        return self.key.partition("@")[2]

    @property
    def active(self) -> Rollout | None:
        rollout = self.rollout
        return rollout if rollout is not None and rollout.active else None

    def last_good(self) -> Release | None:
        """The newest release that is not what is stable now: where undo leads."""
        stable = self.stable.id if self.stable else None
        return next((r for r in reversed(self.good) if r.revision.id != stable), None)

    def colours(self) -> dict[str, Colour]:
        """Revision id to colour, of what serves or is to; empty where there are none."""
        found: dict[str, Colour] = {}
        if self.stable and self.colour:
            found[self.stable.id] = self.colour
        if (rollout := self.active) and rollout.colour:
            found[rollout.candidate.id] = rollout.colour
            if rollout.base:
                found[rollout.base.id] = other_colour(rollout.colour)
        return found

    def weights(self) -> dict[str, int]:
        """The traffic wished, revision id to percent; empty when nothing is to serve."""
        if rollout := self.active:
            return rollout.weights()
        return {self.stable.id: 100} if self.stable and self.replicas else {}

    def replica_wishes(self) -> dict[str, tuple[Revision, int]]:
        """The replicas wished: revision id to revision and count."""
        if rollout := self.active:
            return rollout.replica_wishes()
        return {self.stable.id: (self.stable, self.replicas)} if self.stable else {}


def begin(event: ev.RolloutCreated) -> Deployment:
    """A deployment as its first event makes it."""
    return Deployment(key=event.deployment, backend=event.backend, replicas=event.rollout.replicas)


def apply(state: Deployment, recorded: ev.Recorded) -> Deployment:
    """The fold. Total: an event that does not fit the state changes nothing but ``seq``."""
    changed = _fold(state, recorded)
    return changed.model_copy(update={"seq": recorded.seq})


def _fold(state: Deployment, recorded: ev.Recorded) -> Deployment:
    match recorded.event:
        case ev.RolloutCreated() as event:
            return _created(state, event)
        case ev.DeploymentScaled() as event:
            return _scaled(state, event, recorded.at)
        case ev.HoldSet(why=why):
            hold = Hold(by=recorded.by, at=recorded.at, why=why)
            return _standing(state).model_copy(update={"hold": hold})
        case ev.HoldReleased():
            return state.model_copy(update={"hold": None})
        case ev.LockSet(why=why, for_s=for_s):
            until = None if for_s is None else recorded.at + for_s
            lock = Lock(by=recorded.by, at=recorded.at, why=why, until=until)
            return state.model_copy(update={"lock": lock})
        case ev.LockReleased():
            return state.model_copy(update={"lock": None})
        case ev.DeployQueued(deploy=deploy, replaces=replaces):
            queued = Queued(deploy=deploy, by=recorded.by, at=recorded.at, replaces=replaces)
            return state.model_copy(update={"queued": queued})
        case ev.QueueDropped():
            return state.model_copy(update={"queued": None})
        case ev.RolloutFinished() as event if state.active:
            return _finished(state, state.active, event, recorded)
        case ev.WayBackVerified() as event if state.rollout:
            return _verified(state, state.rollout, event, recorded.at)
        case ev.DeploymentDeleted(why=why):
            return state.model_copy(update=cleared(recorded.by, recorded.at, why))
        case ev.Acknowledged():
            return state.model_copy(update={"notice": None})
        case _ if rollout := state.active:
            after = state.model_copy(update={"rollout": moved(rollout, recorded)})
            return _noticed(after, recorded)
    return state


def _noticed(state: Deployment, recorded: ev.Recorded) -> Deployment:
    """An automatic way back is told to a person, until one says to have seen it."""
    event, rollout = recorded.event, state.rollout
    if not isinstance(event, ev.RetreatStarted) or event.cause.kind not in AUTOMATIC or not rollout:
        return state
    to = f"back to {rollout.base.version}" if rollout.base else "nothing serves"
    text = f"{rollout.candidate.version}{BY_ITSELF}{to}: {event.cause.reason}"
    return state.model_copy(update={"notice": Notice(at=recorded.at, text=text[:500])})


def _verified(
    state: Deployment, rollout: Rollout, event: ev.WayBackVerified, at: float
) -> Deployment:
    verified = Verified(at=at, healthy=event.healthy, note=event.note)
    changed: dict[str, object] = {"rollout": rollout.model_copy(update={"verified": verified})}
    of_this = state.notice is not None and state.notice.at >= rollout.at
    if of_this or not event.healthy:
        whose = "" if of_this else f"{rollout.candidate.version} was taken back; "
        told = state.notice or Notice(at=at, text="")  # an older one stays until it is acknowledged
        text = f"{told.text}; {whose}{event.note}" if told.text else f"{whose}{event.note}"
        changed["notice"] = told.model_copy(update={"text": text[:500], "sick": not event.healthy})
    return state.model_copy(update=changed)


def _created(state: Deployment, event: ev.RolloutCreated) -> Deployment:
    rollout = event.rollout
    past = (*state.past, state.rollout)[-KEEP_PAST:] if state.rollout else state.past
    return state.model_copy(
        update={
            "backend": event.backend,
            "project": event.project or state.project,
            "depends_on": state.depends_on if event.depends_on is None else event.depends_on,
            "replicas": rollout.replicas,
            "rollout": enter(rollout, 0, rollout.at),
            "past": past,
            "queued": None,
            "deleted": None,
            "rollouts": state.rollouts + 1,
        }
    )


def _standing(state: Deployment) -> Deployment:
    """What a person said before the hold lets nothing pass after it."""
    if state.active is None:
        return state
    rollout = state.active.model_copy(update={"full": False, "cleared": False})
    return state.model_copy(update={"rollout": rollout})


def _scaled(state: Deployment, event: ev.DeploymentScaled, at: float) -> Deployment:
    changed: dict[str, object] = {"replicas": event.replicas}
    if rollout := state.active:
        changed["rollout"] = scaled(rollout, event.replicas, at, event.waves)
    return state.model_copy(update=changed)


def _finished(
    state: Deployment, rollout: Rollout, event: ev.RolloutFinished, recorded: ev.Recorded
) -> Deployment:
    last: dict[str, object] = {} if event.verdict is None else {"verdict": event.verdict}
    over = rollout.model_copy(
        update={"phase": "finished", "outcome": event.outcome, "finished_at": recorded.at} | last
    )
    changed: dict[str, object] = {"rollout": over}
    if event.outcome == "aborted":
        changed["replicas"] = rollout.base_wanted
    if event.outcome == "promoted":
        release = Release(
            revision=rollout.candidate,
            at=recorded.at,
            by=rollout.by,
            baked_s=_baked_s(rollout, recorded.at),
            verdict=_said(over.verdict),
            measured=event.measured,
        )
        # What was rolled back from is known bad: undo must not offer it again.
        left = rollout.base.id if rollout.base and rollout.spec.strategy == "rollback" else None
        good = [r for r in state.good if r.revision.id not in (rollout.candidate.id, left)]
        changed["stable"] = rollout.candidate
        changed["colour"] = rollout.colour
        changed["good"] = (*good, release)[-KEEP_RELEASES:]
    return state.model_copy(update=changed)


def _baked_s(rollout: Rollout, now: float) -> float:
    """Since the route showed all traffic on it."""
    shares = [
        record.ended
        for step, record in zip(rollout.spec.plan, rollout.records, strict=False)
        if isinstance(step, SetTraffic) and step.weight_percent == 100
    ]
    return max(0.0, now - shares[-1]) if shares else 0.0


def _said(verdict: Verdict | None) -> str:
    return f"{verdict.kind}: {verdict.when_over().reason}"[:500] if verdict else ""
