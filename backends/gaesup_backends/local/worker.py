"""The process of one replica: reads frames, enters the unit, answers.

One wasm thread, blocking; a second thread advances the epoch while there is work, so that a
call past its deadline is interrupted. After a trap the instance is thrown away and a new one
made; too many traps in a short time end the process, and the node decides when to try again.
"""

from __future__ import annotations

import collections
import contextlib
import gc
import json
import os
import resource
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from gaesup_backends.local import frames
from gaesup_backends.local.abi import TICK_S, Limits, MemoryRefused, Program, Unit
from gaesup_backends.local.calls import Faulted
from gaesup_backends.local.gate import PAGE_BYTES

TRAPS_BEFORE_LEAVING: Final = 5
TRAP_WINDOW_S: Final = 10.0
PROCESS_OVERHEAD_BYTES: Final = 128 * 1024 * 1024
RECEIVE_BYTES: Final = 256 * 1024
FLUSH_AFTER_S: Final = 0.0005
RUNAWAY_NICE: Final = 10
IDLE_TICKS: Final = 4
LOOK_FOR_NODE_ROUNDS: Final = 200
CPU_BURST_S: Final = 0.05
PAUSE_STEP_S: Final = 0.1

EXIT_FAILED_START: Final = 3
EXIT_TRAPS: Final = 70


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What the node tells the zygote about a worker; travels as JSON."""

    compiled_path: str
    config: str
    memory_bytes: int
    deadline_s: float
    fast_calls: bool
    env: dict[str, str]
    cpu_share: float | None


class Ticker:
    """Advances the engine's epoch while the worker is busy; sleeps when it is not."""

    def __init__(self, engine: Any, link: socket.socket) -> None:
        self._engine = engine
        self._link = link
        self._wake = threading.Event()
        self._asleep = True
        self._busy = False
        self._calls = 0
        self._started = 0.0
        threading.Thread(target=self._run, daemon=True, name="ticker").start()

    def begin(self) -> None:
        """A call into the unit follows."""
        self._busy = True
        self._started = time.monotonic()
        self._calls += 1
        if self._asleep:
            self._wake.set()

    def end(self) -> None:
        """The call is over."""
        self._busy = False

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            self._asleep = False
            seen = self._tick_until_idle()
            self._asleep = True
            # A call that began before the flag was set has not woken us.
            if seen != self._calls:
                self._wake.set()

    def _tick_until_idle(self) -> int:
        idle = rounds = 0
        seen = -1
        ticked = time.monotonic()
        while idle < IDLE_TICKS:
            time.sleep(TICK_S)
            ticked = self._catch_up(ticked)
            rounds += 1
            if rounds % LOOK_FOR_NODE_ROUNDS == 0:
                self._leave_without_node()
            if self._busy or seen != self._calls:
                idle, seen = 0, self._calls
            else:
                idle += 1
        return seen

    def _catch_up(self, ticked: float) -> float:
        # Sleeps run over, so ticks are counted by the clock; but never from before the call, or
        # a thread that was kept waiting would take the time off the next call's deadline.
        since = max(ticked, self._started)
        due = int((time.monotonic() - since) / TICK_S)
        for _ in range(due):
            self._engine.increment_epoch()
        return since + due * TICK_S

    def _leave_without_node(self) -> None:
        # A unit asleep in a host call never gets back to the loop that would notice.
        try:
            if not self._link.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                os._exit(0)
        except BlockingIOError:
            return
        except OSError:
            os._exit(0)


class Worker:
    """The loop of one replica."""

    def __init__(self, spec: WorkerSpec, link: socket.socket) -> None:
        self._link = link
        self._spec = spec
        self._limits = Limits(spec.memory_bytes, spec.deadline_s)
        self._config = spec.config.encode()
        self._program = Program(spec.compiled_path, spec.env, fast=spec.fast_calls)
        self._ticker = Ticker(self._program.engine, link)
        self._unit = self._new_unit()
        self._traps: collections.deque[float] = collections.deque(maxlen=TRAPS_BEFORE_LEAVING)
        self._niced = False
        self._cpu_credit_s = CPU_BURST_S
        self._credit_at = time.monotonic()
        self._out: list[bytes] = []

    def run(self) -> NoReturn:
        """Serve until the node closes the link or says so."""
        self._send_control({"op": "hello", "pid": os.getpid(), **self._accounts()})
        reader = frames.RequestReader()
        while True:
            data = self._link.recv(RECEIVE_BYTES)
            if not data:
                os._exit(0)
            started = time.perf_counter()
            for request_id, payload in reader.feed(data):
                if request_id == frames.CONTROL_ID:
                    self._control(json.loads(payload))
                else:
                    self._serve(request_id, payload)
                now = time.perf_counter()
                if now - started > FLUSH_AFTER_S:
                    self._flush()
                    started = now
            self._flush()
            if self._spec.cpu_share is not None:
                self._pause_for_share(self._spec.cpu_share)

    def _new_unit(self) -> Unit:
        self._ticker.begin()
        try:
            return Unit(self._program, self._limits, self._config)
        finally:
            self._ticker.end()

    def _serve(self, request_id: int, payload: bytes) -> None:
        ticker = self._ticker
        ticker.begin()
        before = time.thread_time_ns()
        outcome = frames.OK
        fault: Faulted | None = None
        try:
            reply = self._unit.handle(payload)
        except MemoryRefused as refused:
            outcome, reply = frames.OUTCOME_NUMBERS["alloc_refused"], str(refused).encode()
        except Faulted as raised:
            fault = raised
            outcome = frames.OUTCOME_NUMBERS.get(raised.code, frames.OUTCOME_NUMBERS["other_trap"])
            reply = str(raised).encode()
        finally:
            ticker.end()
        cpu_ns = time.thread_time_ns() - before
        self._cpu_credit_s -= cpu_ns / 1e9
        self._out.append(
            frames.reply_frame(request_id, reply, min(cpu_ns // 1000, 0xFFFFFFFF), outcome)
        )
        if fault is not None:
            self._recover(fault)

    def _recover(self, fault: Faulted) -> None:
        self._flush()
        if fault.code == "deadline" and not self._niced:
            # A unit that runs away keeps only what the others leave over.
            self._niced = True
            with contextlib.suppress(OSError):
                os.nice(RUNAWAY_NICE)
        reason = self._describe(fault)
        now = time.monotonic()
        self._traps.append(now)
        full = len(self._traps) == TRAPS_BEFORE_LEAVING
        if full and now - self._traps[0] < TRAP_WINDOW_S:
            self._leave(reason, EXIT_TRAPS)
        print(f"gaesup: {reason}; instance replaced", file=sys.stderr, flush=True)
        self._unit.close()
        try:
            self._unit = self._new_unit()
        except (Faulted, MemoryRefused) as again:
            self._leave(f"cannot start again: {again}", EXIT_FAILED_START)

    def _describe(self, fault: Faulted) -> str:
        if fault.code == "deadline":
            text = f"killed: deadline of {self._limits.deadline_s * 1000:.0f} ms"
        elif fault.code in ("bad_pointer", "bad_alloc"):
            text = f"{fault.code.replace('_', ' ')}: {fault}"
        else:
            text = f"trap {fault.code}"
        at_limit = self._unit.memory_bytes + PAGE_BYTES > self._limits.memory_bytes
        return f"{text} (memory limit {self._limits.memory_bytes >> 20} MiB)" if at_limit else text

    def _leave(self, reason: str, code: int) -> NoReturn:
        self._send_control({"op": "leaving", "reason": reason})
        print(f"gaesup: {reason}; replica leaves", file=sys.stderr, flush=True)
        os._exit(code)

    def _control(self, message: dict[str, Any]) -> None:
        if message["op"] == "health":
            self._health()
        elif message["op"] == "shutdown":
            self._flush()
            os._exit(0)

    def _health(self) -> None:
        self._ticker.begin()
        try:
            health, ready = self._unit.health(), self._unit.ready()
        except Faulted as fault:
            self._ticker.end()
            self._send_control({"op": "health", "fault": fault.code, **self._accounts()})
            self._recover(fault)
            return
        self._ticker.end()
        self._send_control({"op": "health", "health": health, "ready": ready, **self._accounts()})

    def _accounts(self) -> dict[str, Any]:
        return {"cpu_s": round(time.process_time(), 4), "memory_bytes": self._unit.memory_bytes}

    def _pause_for_share(self, share: float) -> None:
        while True:
            now = time.monotonic()
            earned = (now - self._credit_at) * share
            self._cpu_credit_s = min(self._cpu_credit_s + earned, CPU_BURST_S)
            self._credit_at = now
            if self._cpu_credit_s >= 0:
                return
            time.sleep(min(-self._cpu_credit_s / share, PAUSE_STEP_S))
            # Waiting for its share is no hang: the node must not take it for one.
            self._send_control({"op": "pausing"})

    def _flush(self) -> None:
        if not self._out:
            return
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        try:
            self._link.sendall(data)
        except OSError:
            os._exit(0)

    def _send_control(self, message: dict[str, Any]) -> None:
        self._out.append(frames.control_reply(message))
        self._flush()


def _limit_self(memory_bytes: int) -> None:
    data_bytes = memory_bytes + PROCESS_OVERHEAD_BYTES
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))


def run_worker(spec: WorkerSpec, link: socket.socket) -> NoReturn:
    """Become the worker; never returns."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _limit_self(spec.memory_bytes)
    gc.freeze()
    try:
        worker = Worker(spec, link)
    except (Faulted, MemoryRefused) as fault:
        code = fault.code if isinstance(fault, Faulted) else "memory"
        _fail_start(link, f"start failed: {code}: {fault}")
    except Exception as error:
        _fail_start(link, f"start failed: {type(error).__name__}: {' '.join(str(error).split())}")
    worker.run()


def _fail_start(link: socket.socket, reason: str) -> NoReturn:
    print(f"gaesup: {reason}", file=sys.stderr, flush=True)
    with contextlib.suppress(OSError):
        link.sendall(frames.control_reply({"op": "leaving", "reason": reason[:400]}))
    os._exit(EXIT_FAILED_START)
