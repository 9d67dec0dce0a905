"""All deployments of the node: converges replicas to what was applied, swaps traffic tables.

Nothing here waits: `apply`, `set_traffic` and `remove` change what is wanted and return; `tick`
(ten times a second) and callbacks make it so.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from gaesup_backends.local.compile import Artifact, Compiled, compile_artifact, find_compiled
from gaesup_backends.local.counting import Audience
from gaesup_backends.local.gate import GateError
from gaesup_backends.local.logs import DeploymentLog, printable
from gaesup_backends.local.metrics import RevisionMetrics
from gaesup_backends.local.mirroring import Mirror
from gaesup_backends.local.replica import Replica
from gaesup_backends.local.router import RevisionRoute, Router, TrafficTable
from gaesup_backends.local.spawner import Spawner
from gaesup_backends.local.spec import RevisionSpec
from gaesup_backends.local.steering import Steering
from gaesup_backends.local.worker import WorkerSpec
from gaesup_tui.domain.route import NO_RULES, Route, Rules, rules_to_json

TICK_S: Final = 0.1
RETRY_COMPILE_S: Final = 5.0
COMPILERS: Final = 2
STOOD_STILL_S: Final = 0.25
"""A tick that is later than this found the node stopped, or the machine too busy for it."""


class Revision:
    """A revision of a deployment and its replicas."""

    def __init__(self, spec: RevisionSpec, metrics: RevisionMetrics) -> None:
        self.spec = spec
        self.wanted = 0
        self.error: str | None = None
        self.compiled: Compiled | None = None
        self.compiling: asyncio.Task[None] | None = None
        # The engine repeats what it wants: a verdict that is final is not asked for again.
        self.retry_at = 0.0
        self.replicas: list[Replica] = []
        self.route = RevisionRoute(spec.id, metrics)

    def as_state(self) -> dict[str, Any]:
        """The JSON of the node's observation."""
        return {
            "version": self.spec.version,
            "wanted": self.wanted,
            "error": self.error,
            "replicas": [replica.as_state() for replica in self.replicas],
            **self.route.metrics.as_state(),
        }

    def worker(self, compiled: Compiled) -> WorkerSpec:
        """What each of its workers runs."""
        spec = self.spec
        granted = "env" in spec.capabilities
        return WorkerSpec(
            compiled_path=compiled.path,
            config=spec.config,
            memory_bytes=spec.memory_bytes,
            deadline_s=spec.deadline_ms / 1000,
            fast_calls=compiled.fast_calls,
            env=dict(spec.env) if granted else {},
            cpu_share=spec.cpu_share,
        )


class Deployment:
    """Revisions and the traffic table of ``unit@environment``."""

    def __init__(self, name: str, log: DeploymentLog) -> None:
        self.name = name
        self.log = log
        self.revisions: dict[str, Revision] = {}
        self.metrics: dict[str, RevisionMetrics] = {}
        self.rules = NO_RULES
        self.audience: Audience | None = None
        self.table = TrafficTable.closed(name)
        self.removing = False

    def as_state(self) -> dict[str, Any]:
        """The JSON of the node's observation."""
        return {
            "weights": dict(self.table.weights),
            "rules": rules_to_json(self.rules),
            "revisions": {
                key: revision.as_state() | self._users(key)
                for key, revision in self.revisions.items()
            },
        }

    def _users(self, revision_id: str) -> dict[str, int | bool | None]:
        met, converted, full = None, None, False
        if self.audience is not None:
            met, converted = self.audience.counts(revision_id)
            full = self.audience.full
        converted = converted if self.rules.conversion else None
        return {"users": met, "converted_users": converted, "users_full": full}

    def take(self, rules: Rules) -> None:
        """The rules of a new route. Users are counted anew with each new salt."""
        self.rules = rules
        if not rules.sticky:
            self.audience = None
        elif self.audience is None or self.audience.salt != rules.salt:
            self.audience = Audience(rules.salt)

    def rebuild(self, weights: Mapping[str, int]) -> TrafficTable:
        """The table of these weights, with the rules and the revisions that are there now."""
        rules = self.rules
        if rules.conversion:
            for revision in self.revisions.values():
                metrics = revision.route.metrics
                metrics.conversions = metrics.conversions or 0
        routes = {key: revision.route for key, revision in self.revisions.items()}
        target = routes.get(rules.target)
        steering = None
        if rules.sticky or rules.conversion or rules.steers:
            mirror = None
            if target is not None and rules.mirror_percent:
                serves = bool(weights.get(target.id) or rules.match)
                mirror = Mirror(target, rules.mirror_percent, serves=serves)
            steering = Steering(rules, self.audience, target, mirror)
        self.table = TrafficTable(self.name, weights, routes, steering, target)
        return self.table


class NotThere(Exception):
    """The deployment, revision or replica is not on this node."""


class Fleet:
    """What the control socket acts on."""

    def __init__(self, state_dir: Path, router: Router, on_change: Callable[[], None]) -> None:
        self._cache_dir = state_dir / "compiled"
        self._log_dir = state_dir / "logs"
        self._router = router
        self._on_change = on_change
        # A compiler may take a core and half a gigabyte; what is cached does not wait for it.
        self._compilers = asyncio.Semaphore(COMPILERS)
        self.deployments: dict[str, Deployment] = {}
        self.spawner = Spawner(self._forked, self._refused, self._exited)
        self.lost_s = 0.0
        """How long the node stood still in all."""
        self._ticked_at = time.monotonic()

    def replicas(self) -> list[Replica]:
        """Every slot on the node."""
        return [
            replica
            for deployment in self.deployments.values()
            for revision in deployment.revisions.values()
            for replica in revision.replicas
        ]

    def find(self, name: str) -> Deployment:
        """A deployment by name; raises `NotThere`."""
        try:
            return self.deployments[name]
        except KeyError:
            raise NotThere(f"deployment {name} is not on this node") from None

    def find_replica(self, name: str, replica_id: str) -> Replica:
        """A replica by deployment and id; raises `NotThere`."""
        for revision in self.find(name).revisions.values():
            for replica in revision.replicas:
                if replica.id == replica_id:
                    return replica
        raise NotThere(f"{name} has no replica {replica_id}")

    def apply(self, name: str, spec: RevisionSpec, replicas: int) -> None:
        """Want this many replicas of a revision; 0 drains and removes it."""
        deployment = self.deployments.get(name)
        if deployment is None:
            if replicas == 0:
                return
            deployment = Deployment(name, DeploymentLog(self._log_dir / name))
            self.deployments[name] = deployment
            self._router.put(deployment.table)
        deployment.removing = False
        revision = deployment.revisions.get(spec.id)
        if revision is not None and revision.spec != spec:
            self._replace_spec(deployment, revision, spec)
        elif revision is None:
            if replicas == 0:
                return
            metrics = deployment.metrics.setdefault(spec.id, RevisionMetrics())
            revision = deployment.revisions[spec.id] = Revision(spec, metrics)
            self._rebuild_table(deployment)
        revision.wanted = replicas
        self._converge(deployment, revision)
        self._on_change()

    def set_traffic(self, name: str, route: Route) -> None:
        """Swap the table; requests routed from now on see the new route only."""
        deployment = self.find(name)
        for revision_id in route.weights:
            if revision_id not in deployment.revisions:
                raise NotThere(f"{name} has no revision {revision_id}; apply it first")
        deployment.take(route.rules)
        self._router.put(deployment.rebuild(route.weights))
        self._on_change()

    def remove(self, name: str) -> None:
        """Close the deployment for traffic, drain all of it, forget it."""
        deployment = self.deployments.get(name)
        if deployment is None:
            return
        deployment.removing = True
        self.set_traffic(name, Route())
        for revision in tuple(deployment.revisions.values()):
            revision.wanted = 0
            self._converge(deployment, revision)
        self._forget_if_empty(deployment)
        self._on_change()

    def tick(self) -> None:
        """Everything that is due. Time in which the node stood still is no time a worker took: its
        answers may be here, unread."""
        now = time.monotonic()
        late_s, self._ticked_at = now - self._ticked_at - TICK_S, now
        stood_still = late_s > STOOD_STILL_S
        self.lost_s += late_s if stood_still else 0.0
        self.spawner.look_after_zygote(late_s if stood_still else 0.0)
        self.spawner.reap_orphans()
        for replica in self.replicas():
            if stood_still:
                replica.forgive(late_s, now)
            replica.tick(now)

    def drain_all(self) -> None:
        """The node leaves: no more traffic anywhere, every replica drains."""
        for name in tuple(self.deployments):
            self.remove(name)

    def close(self) -> None:
        """End all workers now."""
        for deployment in self.deployments.values():
            for revision in deployment.revisions.values():
                if revision.compiling is not None:
                    revision.compiling.cancel()
            deployment.log.close()
        self.spawner.close()

    def state(self) -> dict[str, Any]:
        """All deployments as JSON."""
        return {name: deployment.as_state() for name, deployment in self.deployments.items()}

    def _replace_spec(self, deployment: Deployment, revision: Revision, spec: RevisionSpec) -> None:
        # The same id with other limits (a replica count aside): its replicas are made anew.
        revision.spec = spec
        revision.error = None
        revision.compiled = None
        revision.retry_at = 0.0
        for replica in revision.replicas:
            replica.drain()
        self._sweep(deployment, revision)

    def _converge(self, deployment: Deployment, revision: Revision) -> None:
        if revision.wanted and revision.compiled is None:
            if revision.compiling is None and time.monotonic() >= revision.retry_at:
                task = asyncio.get_running_loop().create_task(self._compile(deployment, revision))
                revision.compiling = task
            return
        living = [r for r in revision.replicas if r.state not in ("draining", "gone")]
        living.sort(key=lambda replica: replica.state != "ready")  # who serves nobody goes first
        for surplus in living[revision.wanted :]:
            surplus.drain()
        if revision.compiled is not None:
            worker = revision.worker(revision.compiled)
            for _ in range(revision.wanted - len(living)):
                self._add_replica(deployment, revision, worker)
        self._sweep(deployment, revision)

    async def _compile(self, deployment: Deployment, revision: Revision) -> None:
        spec = revision.spec
        artifact = Artifact(spec.artifact, spec.sha256, spec.capabilities, spec.memory_bytes)
        compiled, error, final = None, None, False
        try:
            compiled = await asyncio.to_thread(find_compiled, artifact, self._cache_dir)
            if compiled is None:
                async with self._compilers:
                    compiled = await compile_artifact(artifact, self._cache_dir)
        except (GateError, OSError) as problem:
            error = printable(" ".join(str(problem).split()))
            final = isinstance(problem, GateError) and problem.final
        finally:
            revision.compiling = None
        if revision.spec is spec:
            revision.compiled, revision.error = compiled, error
            revision.retry_at = math.inf if final else time.monotonic() + RETRY_COMPILE_S
        if deployment.revisions.get(revision.spec.id) is not revision:
            return
        if compiled is not None or revision.spec is not spec:
            self._converge(deployment, revision)
        self._on_change()

    def _add_replica(self, deployment: Deployment, revision: Revision, worker: WorkerSpec) -> None:
        def changed() -> None:
            revision.route.ready = [r for r in revision.replicas if r.state == "ready"]
            if any(r.state == "gone" for r in revision.replicas):
                asyncio.get_running_loop().call_soon(self._sweep, deployment, revision)
            self._on_change()

        replica = Replica(
            self._replica_name(deployment, revision),
            revision.spec.id,
            worker,
            self.spawner,
            changed,
            deployment.log.add,
        )
        revision.replicas.append(replica)
        replica.tick(time.monotonic())

    @staticmethod
    def _replica_name(deployment: Deployment, revision: Revision) -> str:
        version = revision.spec.version
        shared = any(
            other.spec.version == version and other is not revision
            for other in deployment.revisions.values()
        )
        stem = revision.spec.id if shared else version
        taken = {replica.id for replica in revision.replicas}
        number = 1
        while f"{stem}-{number}" in taken:
            number += 1
        return f"{stem}-{number}"

    def _sweep(self, deployment: Deployment, revision: Revision) -> None:
        revision.replicas = [r for r in revision.replicas if r.state != "gone"]
        revision.route.ready = [r for r in revision.replicas if r.state == "ready"]
        current = deployment.revisions.get(revision.spec.id) is revision
        if current and revision.wanted == 0 and not revision.replicas:
            del deployment.revisions[revision.spec.id]
            self._rebuild_table(deployment)
            self._forget_if_empty(deployment)
        self._on_change()

    def _rebuild_table(self, deployment: Deployment) -> None:
        self._router.put(deployment.rebuild(deployment.table.weights))

    def _forget_if_empty(self, deployment: Deployment) -> None:
        if deployment.removing and not deployment.revisions:
            if self.deployments.pop(deployment.name, None) is not None:
                deployment.log.close()
            self._router.drop(deployment.name)

    def _forked(self, ticket: int, pid: int) -> None:
        for replica in self.replicas():
            if replica.ticket == ticket:
                replica.forked(pid)
                return

    def _refused(self, ticket: int, reason: str) -> None:
        for replica in self.replicas():
            if replica.ticket == ticket:
                replica.refused(reason)
                return

    def _exited(self, pid: int, code: int) -> None:
        for replica in self.replicas():
            if replica.pid == pid:
                replica.exited(code)
                return
