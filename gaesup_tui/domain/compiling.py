"""From the words of a list to the steps that are run, for a number of replicas."""

from __future__ import annotations

from collections.abc import Sequence

from gaesup_tui.domain import amounts
from gaesup_tui.domain.expressions import parse_expression
from gaesup_tui.domain.step_spec import CanaryStep, CheckSpec, StrategyStep
from gaesup_tui.domain.steps import (
    Analyse,
    AwaitReady,
    Bake,
    Check,
    Pause,
    Plan,
    Scale,
    SetMatch,
    SetMirror,
    SetTraffic,
    SmokeTest,
    Step,
    Watch,
)


def _check(said: CheckSpec) -> Analyse:
    longest_s = max(parse_expression(text).window_s for text in said.all)
    return Analyse(
        duration_s=longest_s if said.duration is None else said.duration,
        expiry_s=said.expiry,
        on_expiry=said.on_expiry,
        checks=said.all,
        judge=False,
    )


class Compiler:
    """Goes through a list; ``steps`` are what it became so far."""

    def __init__(
        self, replicas: int, base: int, checks: tuple[Check, ...], deadline_s: float
    ) -> None:
        """``base``: replicas of the old revision."""
        self.steps: list[Step] = []
        self.size = 0
        """Replicas of the candidate."""
        self._replicas = replicas
        self._base_was = self._base = base
        self._checks = checks
        self._deadline_s = deadline_s

    def start(self, amount: int | str) -> None:
        """Ask for replicas of the candidate: at least one, never fewer than there are."""
        wanted = min(self._replicas, amounts.up(amount, self._replicas))
        self.size = max(1, self.size, wanted)
        self.steps.append(Scale(side="candidate", replicas=self.size))

    def ready(self) -> None:
        """Wait for them."""
        self.steps.append(AwaitReady(side="candidate", timeout_s=self._deadline_s))

    def smoke(self, timeout_s: float = 30.0) -> None:
        """The unit's smoke tests, where it has any."""
        if self._checks:
            self.steps.append(SmokeTest(checks=self._checks, timeout_s=timeout_s))

    def grow(self, amount: int | str) -> None:
        """More replicas of the candidate, ready before it goes on."""
        if amounts.up(amount, self._replicas) > self.size < self._replicas:
            self.start(amount)
            self.ready()

    def shrink(self, amount: int | str) -> None:
        """Fewer replicas of the base."""
        left = min(self._base, amounts.up(amount, self._base_was))
        if left < self._base:
            self._base = left
            self.steps.append(Scale(side="base", replicas=left))

    def retire(self) -> None:
        """The base goes."""
        self.steps.append(Scale(side="base", replicas=0))

    def traffic(self, step: CanaryStep | StrategyStep) -> None:
        """The words that canaries and strategies of one's own share."""
        if step.weight is not None:
            self.steps.append(SetTraffic(weight_percent=step.weight))
        elif step.replicas is not None:
            self.grow(step.replicas)
        elif step.pause is not None:
            wait = step.pause
            self.steps.append(
                Pause(duration_s=wait.duration, expiry_s=wait.expiry, on_expiry=wait.on_expiry)
            )
        elif step.check is not None:
            self.steps.append(_check(step.check))
        elif step.background is not None:
            self.steps.append(Watch(checks=step.background.checks))
        elif step.match is not None:
            self.steps.append(SetMatch(match=step.match))
        elif step.mirror is not None:
            self.steps.append(SetMirror(percent=step.mirror))
        elif step.analysis is not None:
            look = step.analysis
            self.steps.append(
                Analyse(duration_s=look.duration, expiry_s=look.expiry, on_expiry=look.on_expiry)
            )

    def _share(self) -> int:
        """Percent of the traffic for the candidate."""
        shares = [step.weight_percent for step in self.steps if isinstance(step, SetTraffic)]
        return shares[-1] if shares else 0

    def take(self, step: StrategyStep) -> None:
        """One step of a strategy of one's own."""
        if step.fresh_baseline is not None:
            return  # of the whole rollout: ``deploying`` looks for it
        if step.deploy is not None:
            self.start(step.deploy)
        elif step.ready is not None:
            wait, steady = step.ready.timeout, step.ready.min_ready
            ready = AwaitReady(side="candidate", timeout_s=wait + steady, steady_s=steady)
            self.steps.append(ready)
        elif step.smoke is not None:
            self.smoke(step.smoke.timeout)
        elif step.base is not None:
            self.shrink(step.base)
        elif step.stabilise is not None:
            self.steps.append(Pause(duration_s=step.stabilise))
        elif step.approve is not None:
            gate = step.approve
            self.steps.append(Pause(expiry_s=gate.expiry, on_expiry=gate.on_expiry))
        elif step.compare is not None:
            self.steps.append(step.compare.step(self._share()))
        elif step.bake is not None:
            self.steps.append(Bake(duration_s=step.bake))
        elif step.retire is not None:
            self.retire()
        else:
            self.traffic(step)


def own_plan(
    steps: Sequence[StrategyStep], replicas: int, checks: tuple[Check, ...], base: int
) -> Plan:
    """A list of one's own, which ``step_rules.strategy_fault`` finds nothing wrong with."""
    compiler = Compiler(replicas, base, checks, 60.0)
    for step in steps:
        compiler.take(step)
    return tuple(compiler.steps)
