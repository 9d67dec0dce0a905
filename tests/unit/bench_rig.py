"""A deployment as a backend reports it, counting what two revisions answer."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gaesup_tui.domain.deployment import Deployment
from gaesup_tui.domain.observation import (
    Counters,
    DeploymentSeen,
    Observation,
    ReplicaSeen,
    RevisionSeen,
)
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.engine.bench import Bench
from gaesup_tui.engine.pasts import Pasts
from gaesup_tui.engine.records import Records
from gaesup_tui.engine.sight import Sight

from .judging_rig import BOUNDS_S, Service
from .story import KEY, Story

GOOD = Service(errors=0.002, conversions=None)
BAD = Service(errors=0.08, conversions=None)


class Rig:
    """``v41`` serves, ``v42`` is a canary at 25 %; ``run`` lets seconds pass, one observation
    each."""

    def __init__(self, files: Path, canary: Service = GOOD, base: Service = GOOD) -> None:
        self.files = files
        self.canary = canary
        self.base = base
        self.copy = base
        self.story = Story()
        self.story.stable("v41")
        self.now = self.story.now
        self.boot = "one"
        self.backend_at = self.now
        self.seed = random.Random(7)
        self.counted: dict[str, Counters] = {}
        self.live()

    def live(self) -> None:
        """A life of the engine begins."""
        self.sight = Sight()
        self.records = Records(self.files)
        self.bench = Bench(self.records, Pasts(self.files / "habits"))

    @property
    def state(self) -> Deployment:
        return self.story.deployment

    @property
    def rollout(self) -> Rollout:
        rollout = self.state.active
        assert rollout is not None
        return rollout

    def canary_at(self, weight: int = 25, **canary: Any) -> None:
        """The canary has its share on the live route."""
        self.story.now = self.now
        steps = [{"weight": weight}, {"pause": None}]
        self.story.deploy("v42", canary={"steps": steps, **canary})
        self.story.settle()
        assert self.rollout.weight_percent == weight

    def run(
        self, seconds: int, rps: int = 100, told: Callable[[int], bool] = lambda n: True
    ) -> None:
        """``told`` says whether the engine gets the observation of second ``n``."""
        for n in range(seconds):
            self.now += 1
            self.serve(rps)
            if told(n):
                self.observe()

    def serve(self, rps: int) -> None:
        for revision, weight in self.state.weights().items():
            service = self.canary if revision.startswith("v42") else self.base
            if "+copy-" in revision:
                service = self.copy
            arm = service.arm(self.seed, round(rps * weight / 100))
            old = self.counted.get(revision, Counters(buckets=(0,) * (len(BOUNDS_S) + 1)))
            assert arm.latency is not None
            self.counted[revision] = Counters(
                ok=old.ok + arm.requests - arm.errors,
                errors=old.errors + arm.errors,
                bounds_s=BOUNDS_S,
                buckets=tuple(a + b for a, b in zip(old.buckets, arm.latency, strict=True)),
                conversions=(
                    None if arm.conversions is None else (old.conversions or 0) + arm.conversions
                ),
            )

    def observe_again(self) -> None:
        """A second later nothing has changed."""
        self.now += 1
        self.observe()

    def observe(self) -> None:
        revisions = {
            revision: RevisionSeen(
                wanted=1, replicas=(ReplicaSeen("1", "ready", 0.0),), counters=counters
            )
            for revision, counters in self.counted.items()
        }
        seen = DeploymentSeen(self.state.weights(), revisions)
        assert self.sight.take(Observation(self.now, self.boot, {KEY: seen}), self.now)
        self.bench.seen(self.sight, [self.state])

    def restart_backend(self) -> None:
        self.boot += "+"
        self.counted.clear()

    def verdict(self) -> Verdict | None:
        return self.bench.verdict(self.rollout, self.now)

    def recorded(self) -> list[str]:
        """Lines of the record, once all are written."""
        self.records.close()
        (path,) = self.files.glob("*.jsonl")
        return path.read_text(encoding="utf-8").splitlines()
