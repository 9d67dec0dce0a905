"""One replica: a slot that keeps a worker process alive, and knows whether to send it traffic.

starting -> ready <-> unready        (polls)
   \\----------\\--------\\-> backoff -> starting     (the process ended)
any -> draining -> gone                             (no longer wanted)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, Literal

from gaesup_backends.local.link import WorkerLink
from gaesup_backends.local.logs import LogLine, PipeReader, printable
from gaesup_backends.local.spawner import Spawner, SpawnError
from gaesup_backends.local.worker import WorkerSpec

State = Literal["starting", "ready", "unready", "backoff", "draining", "gone"]

HEALTH_INTERVAL_S: Final = 1.0
UNREADY_INTERVAL_S: Final = 0.2
HEALTH_SLACK_S: Final = 1.0
FAILURES_BEFORE_RESTART: Final = 3
PROGRESS_SLACK_S: Final = 0.25
START_TIMEOUT_S: Final = 10.0
BACKOFF_FIRST_S: Final = 0.2
BACKOFF_LAST_S: Final = 30.0
CALM_S: Final = 30.0
DRAIN_TIMEOUT_S: Final = 10.0
SHUTDOWN_GRACE_S: Final = 1.0
LAST_WORD_S: Final = 0.5


class Replica:
    """A slot of a revision.

    Attributes:
        link: the worker's connection while there is one; `inflight` is its queue.
        restarts: starts after the first one.
        last_exit: why the last process ended, None while the first one lives.
        problem: why the process that runs is not ready, None while it is or starts.
    """

    def __init__(
        self,
        name: str,
        revision_id: str,
        worker: WorkerSpec,
        spawner: Spawner,
        on_change: Callable[[], None],
        log: Callable[[LogLine], None],
    ) -> None:
        self.id = name
        self.state: State = "backoff"
        self.since = time.time()
        self.restarts = -1
        self.last_exit: str | None = None
        self.problem: str | None = None
        self.health_failures = 0
        self.requests = 0
        self.memory_bytes = 0
        self.cpu_s = 0.0
        self.pid: int | None = None
        self.ticket: int | None = None
        self.link: WorkerLink | None = None
        self._revision_id = revision_id
        self._worker = worker
        self._spawner = spawner
        self._on_change = on_change
        self._log = log
        self._pipes: list[PipeReader] = []
        self._next_start = time.monotonic()
        self._crashes_in_row = 0
        self._exit_reason: str | None = None
        self._asked_health_at: float | None = None
        self._next_health = 0.0
        self._deadline = 0.0
        self._kill_pending = False
        self._ready_since = 0.0
        self._last_word: asyncio.TimerHandle | None = None
        self._exit_code: int | None = None

    @property
    def inflight(self) -> int:
        """Requests sent to the worker and not answered."""
        return len(self.link.pending) if self.link is not None else 0

    @property
    def next_start_at(self) -> float | None:
        """Unix time of the next start while backing off."""
        if self.state != "backoff":
            return None
        return time.time() + max(0.0, self._next_start - time.monotonic())

    def as_state(self) -> dict[str, Any]:
        """The JSON of the node's observation."""
        return {
            "id": self.id,
            "pid": self.pid,
            "state": self.state,
            "since": round(self.since, 3),
            "restarts": max(0, self.restarts),
            "last_exit": self.last_exit,
            "problem": self.problem,
            "consecutive_health_failures": self.health_failures,
            "inflight": self.inflight,
            "requests": self.requests,
            "memory_bytes": self.memory_bytes,
            "cpu_s": self.cpu_s,
            "next_start_at": self.next_start_at,
        }

    def tick(self, now: float) -> None:
        """Do what is due at this `time.monotonic`."""
        if self.state == "backoff":
            if now >= self._next_start:
                self._start(now)
        elif self.state == "starting":
            if now >= self._deadline:
                self.end(f"not started within {START_TIMEOUT_S:.0f} s")
        elif self.state == "draining":
            self._tick_draining(now)
        else:
            self._tick_serving(now)

    def forgive(self, late_s: float, now: float) -> None:
        """The node stood still for so long: what it waits for from the worker gets that longer."""
        self._deadline += late_s
        if self._asked_health_at is not None:
            self._asked_health_at = min(now, self._asked_health_at + late_s)
        if self.link is not None:
            self.link.progress_at = min(now, self.link.progress_at + late_s)

    def end(self, reason: str) -> None:
        """Kill the process; the slot goes on to back-off unless it drains."""
        self._exit_reason = self._exit_reason or reason
        self._leave_traffic()
        if self.pid is not None:
            self._spawner.kill(self.pid)
        else:
            self._kill_pending = True
        if self.link is not None:
            self.link.close()

    def restart_now(self) -> None:
        """End the process and start the next without back-off."""
        self._crashes_in_row = -1
        if self.state == "backoff":
            self._next_start = time.monotonic()
        else:
            self.end("restarted on request")

    def drain(self) -> None:
        """Take no more requests, answer what is queued, leave."""
        if self.state in ("draining", "gone"):
            return
        if self.state == "backoff":
            self._set("gone")
            return
        self._set("draining")
        self._deadline = time.monotonic() + DRAIN_TIMEOUT_S

    def forked(self, pid: int) -> None:
        """The zygote made the process."""
        self.pid = pid
        self.ticket = None
        if self._kill_pending:
            self._spawner.kill(pid)
        self._on_change()

    def refused(self, reason: str) -> None:
        """The zygote could not."""
        self.ticket = None
        self._exit_reason = f"not started: {reason}"
        self.exited(None)

    def exited(self, code: int | None) -> None:
        """The process is gone; with its exit code, negative for a signal."""
        self.pid = None
        if self._exit_reason is None and self.link is not None:
            # The zygote's word overtakes the worker's own, which says why and is still in its link.
            loop = asyncio.get_running_loop()
            self._last_word = loop.call_later(LAST_WORD_S, self._ended, code)
            self._exit_code = code
            return
        self._ended(code)

    def _ended(self, code: int | None) -> None:
        if self._last_word is not None:
            self._last_word.cancel()
            self._last_word = None
        self.last_exit = self._exit_reason or _describe_exit(code)
        self.problem = None
        for pipe in self._pipes:
            pipe.close()
        self._pipes.clear()
        link, self.link = self.link, None
        if link is not None:
            link.close()
        self._say(f"process ended: {self.last_exit}")
        self._exit_reason = None
        self._kill_pending = False
        if self.state == "draining":
            self._set("gone")
            return
        self._back_off()

    def _back_off(self) -> None:
        now = time.monotonic()
        if self._ready_since and now - self._ready_since > CALM_S:
            self._crashes_in_row = 0
        self._ready_since = 0.0
        self._crashes_in_row += 1
        delay = min(BACKOFF_FIRST_S * 2 ** (self._crashes_in_row - 1), BACKOFF_LAST_S)
        self._next_start = now + (delay if self._crashes_in_row > 0 else 0.0)
        self._set("backoff")

    def _start(self, now: float) -> None:
        try:
            started = self._spawner.spawn(self._worker)
        except SpawnError:
            self._next_start = now + BACKOFF_FIRST_S
            return
        self.restarts += 1
        self.ticket = started.ticket
        self._deadline = now + START_TIMEOUT_S
        self._asked_health_at = None
        self._pipes = [
            PipeReader(started.stdout_fd, lambda line: self._say(line, "stdout")),
            PipeReader(started.stderr_fd, lambda line: self._say(line, "stderr")),
        ]
        self._set("starting")
        link = WorkerLink(self._heard, self._lost)
        self.link = link
        task = asyncio.get_running_loop().create_task(self._attach(link, started.link))
        task.add_done_callback(lambda done: done.exception())

    async def _attach(self, link: WorkerLink, sock: Any) -> None:
        await asyncio.get_running_loop().create_connection(lambda: link, sock=sock)

    def _tick_serving(self, now: float) -> None:
        link = self.link
        if link is None:
            return
        limit = self._worker.deadline_s + PROGRESS_SLACK_S
        if link.pending and now - link.progress_at > limit:
            self.end(f"killed: no answer within {limit * 1000:.0f} ms")
            return
        asked = self._asked_health_at
        if asked is None:
            if now >= self._next_health:
                self._asked_health_at = now
                link.control({"op": "health"})
        elif now - max(asked, link.progress_at) > self._worker.deadline_s + HEALTH_SLACK_S:
            self._count_failure("no answer to the health poll")
            self.end("unhealthy: no answer to the health poll")

    def _tick_draining(self, now: float) -> None:
        if now >= self._deadline:
            self.end("killed: did not drain in time")
        elif self.link is not None and self.inflight == 0 and self._exit_reason is None:
            self._exit_reason = "drained"
            self.link.control({"op": "shutdown"})
            self._deadline = now + SHUTDOWN_GRACE_S

    def _heard(self, message: dict[str, Any]) -> None:
        self.memory_bytes = message.get("memory_bytes", self.memory_bytes)
        self.cpu_s = message.get("cpu_s", self.cpu_s)
        operation = message["op"]
        if operation == "hello":
            self.pid = self.pid or int(message["pid"])
            self._next_health = 0.0
            self._asked_health_at = time.monotonic()
            if self.link is not None:
                self.link.control({"op": "health"})
        elif operation == "leaving":
            self._exit_reason = self._exit_reason or printable(str(message["reason"]))
            self._leave_traffic()
        elif operation == "health":
            self._health(message)

    def _health(self, message: dict[str, Any]) -> None:
        self._asked_health_at = None
        if self.state == "draining":
            return
        if "fault" in message:
            problem = f"the health poll ended in a trap: {message['fault']}"
        elif message["health"]:
            problem = f"gsu_health answered {message['health']}"
        else:
            problem = ""
        if problem:
            self._count_failure(problem)
        else:
            self.health_failures = 0
        ready = not problem and not message["ready"]
        self.problem = None if ready else problem or f"gsu_ready answered {message['ready']}"
        interval = HEALTH_INTERVAL_S if ready or problem else UNREADY_INTERVAL_S
        self._next_health = time.monotonic() + interval
        if self.health_failures and self.health_failures % FAILURES_BEFORE_RESTART == 0:
            self.end(f"unhealthy: {problem}")
        elif ready and self.state != "ready":
            self._ready_since = time.monotonic()
            self._set("ready")
        elif not ready and self.state != "unready":
            self._set("unready")

    def _count_failure(self, problem: str) -> None:
        self.health_failures += 1
        self._say(problem)

    def _lost(self) -> None:
        # The exit is reported by the zygote; until then nothing may be sent here.
        self.link = None
        self._leave_traffic()
        if self._last_word is not None:
            self._ended(self._exit_code)
        elif self.pid is not None and self._exit_reason is None:
            self._spawner.kill(self.pid)

    def _leave_traffic(self) -> None:
        if self.state == "ready":
            self._set("unready")

    def _set(self, state: State) -> None:
        self.state = state
        self.since = time.time()
        self._on_change()

    def _say(self, line: str, stream: str = "node") -> None:
        self._log(LogLine(time.time(), self._revision_id, self.id, stream, line))


def _describe_exit(code: int | None) -> str:
    if code is None:
        return "not started"
    if code == -9:
        return "exit 137 (killed)"
    if code == -6:
        return "exit 134 (aborted; memory limit of the process)"
    if code < 0:
        return f"exit {128 - code} (signal {-code})"
    return f"exit {code}"
