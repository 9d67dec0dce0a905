"""From a command to events, or to a refusal that says why."""

from __future__ import annotations

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain import events as ev
from gaesup_tui.domain.allowed import why_not
from gaesup_tui.domain.calendar_rules import add_window, remove_window, take_policies, taken
from gaesup_tui.domain.claiming import decide_claim
from gaesup_tui.domain.creating import create, roll_back_to
from gaesup_tui.domain.deploying import begin_deploy
from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.errors import Invalid, Moved, NotFound, Refused
from gaesup_tui.domain.freezing import break_glass
from gaesup_tui.domain.global_rollback import begin
from gaesup_tui.domain.gradual import gradual_way_back
from gaesup_tui.domain.ignoring import ignore
from gaesup_tui.domain.queueing import drop, drop_all, queue_deploy
from gaesup_tui.domain.retrying import plan_again, replicas_again
from gaesup_tui.domain.revision import Revision
from gaesup_tui.domain.rewaving import scale
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.rollout_rules import retreat
from gaesup_tui.domain.second_person import approvers, begins_at_gate, first_word
from gaesup_tui.domain.stepping_back import share_before, weight_at
from gaesup_tui.domain.steps import Analyse, AwaitTrain, Bake, Cause, Compare, Pause
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.train_commands import abort_train, promote_train, start_train
from gaesup_tui.domain.waiting import runs_out_at
from gaesup_tui.domain.world import World, in_scope


def decide_command(world: World, command: cmd.Command, by: Actor, now: float) -> list[ev.Event]:
    """What follows from a command.

    Raises:
        NotFound: it names a deployment that does not exist.
        Moved: the deployment changed since ``expect_seq``; the message says what happened.
        Refused: the present state does not allow it.
        Invalid: it can never work (a release without a reason).
    """
    match command:
        case cmd.Stop():
            return _stop(world, command)
        case cmd.GlobalRollback():
            check_scope(world, command.scope)
            events = begin(world, command.scope, command.why, now)
            return [*events, *drop_all(world, command.scope, "global rollback")]
        case cmd.Release():
            return _release(world, command)
        case cmd.TrainStart():
            return start_train(world, command, by, now)
        case cmd.TrainPromote():
            return promote_train(world, command, by, now)
        case cmd.TrainAbort():
            return abort_train(world, command, by, now)
        case cmd.TakePolicies():
            return take_policies(world, command.policies)
        case cmd.AddWindow():
            check_scope(world, command.scope)
            return add_window(world, command, now)
        case cmd.RemoveWindow():
            return remove_window(world, command)
        case cmd.Deploy():
            return _deploy(world, command, by, now)
    state = world.find(command.deployment)
    if state is None:
        raise NotFound(
            f"there is no deployment {command.deployment}",
            hint="`gaesup status` lists what there is",
        )
    if not isinstance(command, cmd.Abort):
        _check_moved(state, command.expect_seq)
    action = _action_of(command)
    _check_allowed(world, action, command.deployment, now, by)
    if isinstance(command, cmd.Promote) and (first := first_word(world, state, command)):
        return first
    glass = (
        break_glass(world, command, state.key, now)
        if isinstance(command, cmd.Promote | cmd.Retry | cmd.Resume)
        else []
    )
    events = _on_deployment(state, command, by, now)
    if isinstance(command, cmd.Promote):
        events = _agreed(events, approvers(world, state, command, by))
    if isinstance(command, cmd.Retry):
        return [*(_gated(world, event) for event in events), *glass]
    return [*glass, *events]


def _deploy(world: World, command: cmd.Deploy, by: Actor, now: float) -> list[ev.Event]:
    """One begins, or waits behind the one that moves. What its file asks for is taken over."""
    key = command.deployment
    state = world.find(key)
    _check_moved(state, command.expect_seq)
    if state and state.active:
        _check_allowed(world, "queue", key, now, by)
        return queue_deploy(state, state.active, command)
    _check_allowed(world, "deploy", key, now, by)
    policy = taken(world, command.policy)
    windows = command.policy.windows if policy and command.policy else ()
    glass = break_glass(world, command, key, now, *windows)
    begun = begins_at_gate(world, begin_deploy(world, command, by, now), command.policy)
    return [*policy, begun, *glass]


def _gated(world: World, event: ev.Event) -> ev.Event:
    return begins_at_gate(world, event) if isinstance(event, ev.RolloutCreated) else event


def _agreed(events: list[ev.Event], others: tuple[str, ...]) -> list[ev.Event]:
    """The decision, with those who agreed to it before."""
    if not others:
        return events
    return [
        event.model_copy(update={"approved_by": others})
        if isinstance(event, ev.DecisionMade)
        else event
        for event in events
    ]


def _action_of(command: cmd.Command) -> str:
    """The name its possibility is asked by."""
    match command:
        case cmd.Promote(full=True):
            return "promote_full"
        case cmd.Abort(gradual=True):
            return "abort_gradual"
    return command.action


def _on_deployment(
    state: Deployment, command: cmd.Command, by: Actor, now: float
) -> list[ev.Event]:
    key = state.key
    match command:
        case cmd.Promote():
            return _promote(state, command, by)
        case cmd.Abort():
            reason = command.why or f"asked for by {by.name}"
            steps = gradual_way_back(state.active) if command.gradual and state.active else None
            return retreat(state, Cause(kind="person", reason=reason), steps)
        case cmd.Pause():
            return [ev.RolloutPaused(deployment=key, why=command.why)]
        case cmd.Resume():
            return [ev.RolloutResumed(deployment=key, why=command.why)]
        case cmd.Extend():
            return [_extend(state, command, now)]
        case cmd.StepBack():
            return _step_back(state, command)
        case cmd.Retry():
            return [_retry(state, command, by, now)]
        case cmd.Ignore():
            _need_reason(command.why, "ignoring a check")
            return ignore(state, command.check, command.why, by, now)
        case cmd.Delete():
            return [ev.DeploymentDeleted(deployment=key, why=command.why)]
        case cmd.Ack():
            return [ev.Acknowledged(deployment=key, why=command.why)]
        case cmd.Rollback():
            return _rollback(state, command, by, now)
        case cmd.Unqueue():
            return drop(state, command.why)
        case cmd.Scale():
            if command.replicas == 0 and state.active:
                raise Refused(
                    f"scale {key}: a rollout is moving, and needs replicas to look at",
                    hint="promote or abort it first, then scale to 0",
                )
            return [scale(state, command.replicas, command.why)]
        case cmd.ReleaseHold():
            _need_reason(command.why, "releasing a hold")
            released = ev.HoldReleased(deployment=key, why=command.why)
            stood = state.active is not None and state.active.paused and state.active.paused.held
            return [released, ev.RolloutResumed(deployment=key)] if stood else [released]
        case cmd.Hold() | cmd.Lock() | cmd.Unlock():
            return decide_claim(state, command, by, now)
    raise Invalid(f"unknown action {command.action}")


def _check_moved(state: Deployment | None, expect_seq: int | None) -> None:
    if expect_seq is None:
        return
    seq = state.seq if state else 0
    if seq != expect_seq:
        raise Moved("it moved since you looked", hint="look again, then decide")


def _check_allowed(world: World, action: str, key: str, now: float, by: Actor) -> None:
    if reason := why_not(world, action, key, now, by):
        raise Refused(f"{action.replace('_', ' ')} {key}: {reason}")


def _need_reason(why: str, what: str) -> None:
    if not why.strip():
        raise Invalid(f"{what} needs a reason", hint="give one with --reason")


def _promote(state: Deployment, command: cmd.Promote, by: Actor) -> list[ev.Event]:
    rollout = state.active
    assert rollout is not None  # why_not looked
    events: list[ev.Event] = [
        ev.DecisionMade(
            deployment=state.key, index=rollout.index, full=command.full, why=command.why
        )
    ]
    if rollout.paused:
        events.insert(0, ev.RolloutResumed(deployment=state.key, why=command.why))
    if command.full:
        return events
    if not isinstance(rollout.step, Pause | Analyse | Compare | AwaitTrain | Bake):
        # It is held before a share: why_not looked.
        events[-1] = events[-1].model_copy(update={"share": True})
        return events
    note = f"{by.name} promoted it"
    events.append(
        ev.StepCompleted(deployment=state.key, index=rollout.index, result="skipped", note=note)
    )
    if rollout.index + 1 == len(rollout.plan):
        events.append(ev.RolloutFinished(deployment=state.key, outcome="promoted"))
    return events


def _extend(state: Deployment, command: cmd.Extend, now: float) -> ev.RolloutExtended:
    """Of a wait that is over its time already, the new time counts from now."""
    rollout = state.active
    assert rollout is not None  # why_not looked
    over_s = max(0.0, now - (runs_out_at(rollout) or now))
    return ev.RolloutExtended(
        deployment=state.key, index=rollout.index, by_s=command.by_s + over_s, why=command.why
    )


def _step_back(state: Deployment, command: cmd.StepBack) -> list[ev.Event]:
    rollout = state.active
    assert rollout is not None  # why_not looked
    index = share_before(rollout)
    assert isinstance(index, int)  # why_not looked
    back = f"stepped back to {weight_at(rollout, index)} %"
    why = f"{back}: {command.why}" if command.why else back
    return [
        ev.SteppedBack(deployment=state.key, index=index, why=command.why),
        ev.RolloutPaused(deployment=state.key, why=why[:500], engine=True),
    ]


def _rollback(state: Deployment, command: cmd.Rollback, by: Actor, now: float) -> list[ev.Event]:
    if state.active:
        base = state.active.base
        if command.version and (base is None or base.version != command.version):
            raise Refused(
                f"{state.key} is moving: a rollback now goes to "
                f"{base.version if base else 'nothing'}, not {command.version}",
                hint="abort first, then roll back to the version you want",
            )
        why = command.why or f"rollback asked for by {by.name}"
        return retreat(state, Cause(kind="person", reason=why))
    target = _rollback_target(state, command.version)
    return [roll_back_to(state, target, by, now, command.why)]


def _rollback_target(state: Deployment, version: str | None) -> Revision:
    if version is None:
        last = state.last_good()
        assert last is not None  # why_not looked
        return last.revision
    for release in reversed(state.good):
        if release.revision.version == version:
            if state.stable and release.revision.id == state.stable.id:
                raise Refused(f"{state.key} runs {version} already")
            return release.revision
    known = ", ".join(dict.fromkeys(r.revision.version for r in reversed(state.good))) or "none"
    raise NotFound(
        f"{state.key} has no good release {version}", hint=f"known good, newest first: {known}"
    )


def _retry(state: Deployment, command: cmd.Retry, by: Actor, now: float) -> ev.RolloutCreated:
    failed = state.rollout
    assert failed is not None  # why_not looked
    replicas = replicas_again(state, failed)
    plan = plan_again(state, failed, failed_step=command.start == "failed")
    spec = failed.spec.model_copy(update={"plan": plan})
    return create(
        state.key,
        state,
        failed.candidate,
        spec,
        replicas,
        by,
        now,
        command.why or f"retry of {failed.id}",
        state.backend,
    )


def check_scope(world: World, scope: str) -> None:
    """Raises ``NotFound`` when a scope is neither empty, nor an environment, nor a deployment."""
    environments = {d.environment for d in world.deployments.values()}
    if scope and scope not in world.deployments and scope not in environments:
        names = ", ".join(sorted(environments)) or "none"
        raise NotFound(
            f"nothing is called {printable_line(scope, 130)!r}",
            hint=f"say UNIT@ENVIRONMENT, or an environment where something runs: {names}",
        )


def _stop(world: World, command: cmd.Stop) -> list[ev.Event]:
    check_scope(world, command.scope)
    events: list[ev.Event] = [
        ev.StopPressed(scope=command.scope, mode=command.mode, why=command.why)
    ]
    if command.mode == "freeze":
        return events
    reason = f"emergency stop{': ' + command.why if command.why else ''}"[:500]
    for state in world.deployments.values():
        covered = in_scope(state.key, command.scope)
        # A rollback already leads to safety: turning it round would lead back to what was left.
        rolling_back = state.active is not None and state.active.spec.strategy == "rollback"
        if covered and not rolling_back:
            events += retreat(state, Cause(kind="stop", reason=reason))
    return [*events, *drop_all(world, command.scope, reason)]


def _release(world: World, command: cmd.Release) -> list[ev.Event]:
    _need_reason(command.why, "releasing a stop")
    if not any(stop.scope == command.scope for stop in world.stops):
        scopes = ", ".join(stop.scope or "everything" for stop in world.stops) or "nothing"
        raise Refused(
            f"{command.scope or 'everything'} is not stopped", hint=f"stopped now: {scopes}"
        )
    courses = [stop.course for stop in world.stops if stop.course and stop.scope == command.scope]
    left = tuple(turn.deployment for course in courses for turn in course.to_come)
    return [ev.StopReleased(scope=command.scope, why=command.why, left=left)]
