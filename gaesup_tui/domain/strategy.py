"""Strategies: functions from a spec to the same few steps."""

from __future__ import annotations

from gaesup_tui.domain.compiling import Compiler
from gaesup_tui.domain.steps import (
    Analyse,
    AwaitReady,
    Bake,
    Check,
    Pause,
    Plan,
    Scale,
    SetTraffic,
    SmokeTest,
    Step,
)
from gaesup_tui.domain.strategy_spec import BlueGreenSpec, CanarySpec


def _arrive(replicas: int, deadline_s: float, checks: tuple[Check, ...]) -> list[Step]:
    steps: list[Step] = [
        Scale(side="candidate", replicas=replicas),
        AwaitReady(side="candidate", timeout_s=deadline_s),
    ]
    if checks:
        steps.append(SmokeTest(checks=checks))
    return steps


def _leave(bake_s: float) -> list[Step]:
    steps: list[Step] = [Bake(duration_s=bake_s)] if bake_s > 0 else []
    return [*steps, Scale(side="base", replicas=0)]


def canary(spec: CanarySpec, replicas: int, checks: tuple[Check, ...]) -> Plan:
    """A growing share for the candidate, with pauses and analysis as the spec lists them. It
    begins with all its replicas, or with as many as the first step says."""
    first = spec.steps[0].replicas if spec.steps else None
    compiler = Compiler(replicas, 0, checks, spec.progress_deadline)
    compiler.start("100%" if first is None else first)
    compiler.ready()
    compiler.smoke()
    for step in spec.steps:
        if step.weight == 100:
            compiler.grow("100%")
        compiler.traffic(step)
    compiler.grow("100%")
    return (*compiler.steps, SetTraffic(weight_percent=100), *_leave(spec.bake))


def blue_green(spec: BlueGreenSpec, replicas: int, checks: tuple[Check, ...]) -> Plan:
    """The other colour whole and tested, then its shares with a wait and the judge at each, then
    a bake with the old colour warm: until its end the way back starts nothing."""
    steps = _arrive(replicas, spec.progress_deadline, checks)
    if not spec.auto_promotion:
        steps.append(Pause())
    for share in spec.steps:
        steps.append(SetTraffic(weight_percent=share))
        if share == 100:
            break
        if spec.stabilise > 0:
            steps.append(Pause(duration_s=spec.stabilise))
        if spec.analysis > 0:
            steps.append(Analyse(duration_s=spec.analysis))
    return (*steps, *_leave(spec.bake))


def initial(replicas: int, checks: tuple[Check, ...], deadline_s: float, bake_s: float) -> Plan:
    """The first revision of a deployment: there is no base to compare with or to go back to."""
    bake: list[Step] = [Bake(duration_s=bake_s)] if bake_s > 0 else []
    return (*_arrive(replicas, deadline_s, checks), SetTraffic(weight_percent=100), *bake)


def rollback(replicas: int, deadline_s: float, bake_s: float) -> Plan:
    """Back to a revision that was good before: no share by share, all traffic as soon as it is
    ready."""
    return (*_arrive(replicas, deadline_s, ()), SetTraffic(weight_percent=100), *_leave(bake_s))


def way_back(
    base_replicas: int | None, deadline_s: float = 60.0, *, base_gone: bool = False
) -> Plan:
    """From anywhere to the base: traffic first, then capacity, then the candidate goes.

    ``base_replicas`` None: there is no base; the candidate is taken away and nothing serves.
    ``base_gone``: the base was taken away already, so it has to be back before traffic can be.
    """
    if base_replicas is None:
        return (SetTraffic(weight_percent=0), Scale(side="candidate", replicas=0))
    traffic = SetTraffic(weight_percent=0)
    capacity = (
        Scale(side="base", replicas=base_replicas),
        AwaitReady(side="base", timeout_s=deadline_s),
    )
    back = (*capacity, traffic) if base_gone else (traffic, *capacity)
    return (*back, Scale(side="candidate", replicas=0))
