"""Smoke tests: one per step that asks for it, started if absent, asked again after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gaesup_tui.domain.look import SmokeResult
from gaesup_tui.domain.rollout import Rollout
from gaesup_tui.domain.steps import Check, SmokeTest
from gaesup_tui.engine.ports import Backend, Clock, ProbeReply

_PROBE_TIMEOUT_S = 5.0
_RETRY_S = 0.5


class SmokeTests:
    """Runs the smoke tests of all rollouts; each result is told once."""

    def __init__(self, clock: Clock, on_result: Callable[[str, SmokeResult], None]) -> None:
        self._clock = clock
        self._on_result = on_result
        self._running: dict[str, tuple[str, int, asyncio.Task[None]]] = {}

    def want(self, key: str, rollout: Rollout | None, backend: Backend) -> None:
        """Sees to it that the test of the present step runs, and no other."""
        step = rollout.step if rollout and rollout.phase == "forward" else None
        running = self._running.get(key)
        if rollout is None or not isinstance(step, SmokeTest):
            if running:
                self._running.pop(key)[2].cancel()
            return
        if running and running[:2] == (rollout.id, rollout.index):
            return
        if running:
            running[2].cancel()
        work = self._run(key, rollout.id, rollout.index, rollout.candidate.id, step, backend)
        task = asyncio.get_running_loop().create_task(work)
        self._running[key] = (rollout.id, rollout.index, task)

    def close(self) -> None:
        """Ends every test that runs."""
        for _, _, task in self._running.values():
            task.cancel()
        self._running.clear()

    async def _run(
        self, key: str, rollout: str, index: int, revision: str, step: SmokeTest, backend: Backend
    ) -> None:
        for check in step.checks:
            reply = await self._probe(key, revision, check, backend)
            if wrong := _wrong(check, reply):
                note = f"{check.method} {check.path} {wrong}"[:500]
                self._on_result(key, SmokeResult(rollout, index, passed=False, note=note))
                return
        note = f"{len(step.checks)} of {len(step.checks)} ok"
        self._on_result(key, SmokeResult(rollout, index, passed=True, note=note))

    async def _probe(self, key: str, revision: str, check: Check, backend: Backend) -> ProbeReply:
        """Asks until there is an answer: the step's own deadline ends it otherwise."""
        while True:
            try:
                async with asyncio.timeout(_PROBE_TIMEOUT_S + 1.0):
                    return await backend.probe(key, revision, check, _PROBE_TIMEOUT_S)
            except Exception:  # whatever a backend throws, it is not the unit's answer
                await self._clock.sleep(_RETRY_S)


def _wrong(check: Check, reply: ProbeReply) -> str | None:
    if reply.status != check.status:
        return f"answered {reply.status}, expected {check.status}"
    if check.contains and check.contains.encode() not in reply.body:
        return f"answered without {check.contains[:60]!r}"
    return None
