"""The ABI ``gaesup-unit/1``: how the node enters a unit, and every check around it.

A unit is a core module with one memory. The host writes a request into memory the unit
allocated, calls ``gsu_handle`` and copies the reply out. Nothing the unit says about pointers is
believed: each range is compared with the size of the memory before it is read or written.

Calls go through wasmtime's unchecked C entry, ten times cheaper than its public Python call. It
is a private name, so the gate tries it against the public path on a known module
(``calls.fast_calls_work``) and a unit can be run either way.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from typing import Any, Final

import wasmtime

from gaesup_backends.local.calls import Entered, Faulted, enter, outside

ABI_VERSION: Final = 1
TICK_S: Final = 0.005
MAX_WASM_STACK_BYTES: Final = 512 * 1024
REQUEST_BUFFER_BYTES: Final = 64 * 1024
MAX_REPLY_BYTES: Final = 16 * 1024 * 1024
INIT_DEADLINE_S: Final = 2.0
LOG_LINE_BYTES: Final = 4096
LEVELS: Final = ("debug", "info", "warn", "error")


def engine_config() -> wasmtime.Config:
    """The one configuration that compiler and workers share; it is baked into compiled files."""
    config = wasmtime.Config()
    config.epoch_interruption = True
    config.consume_fuel = False
    config.parallel_compilation = False
    config.max_wasm_stack = MAX_WASM_STACK_BYTES
    config.wasm_threads = False
    config.wasm_memory64 = False
    config.wasm_multi_memory = False
    return config


CONFIG_FINGERPRINT: Final = f"epoch,nofuel,stack{MAX_WASM_STACK_BYTES},nothreads,no64,onememory"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one instance may use."""

    memory_bytes: int
    deadline_s: float

    @property
    def deadline_ticks(self) -> int:
        """Epoch ticks until a call is interrupted: never before the deadline."""
        return math.ceil(self.deadline_s / TICK_S) + 1


class Program:
    """A compiled module with its imports linked; instances are made from it."""

    def __init__(self, compiled_path: str, env: dict[str, str], *, fast: bool) -> None:
        self.engine = wasmtime.Engine(engine_config())
        self.module = wasmtime.Module.deserialize_file(self.engine, compiled_path)
        self.env = env
        self.fast = fast
        linker = wasmtime.Linker(self.engine)
        linker.define_wasi()
        _define_host_functions(linker)
        self._pre = linker.instantiate_pre(self.module)

    def instantiate(self, limits: Limits) -> tuple[wasmtime.Store, Any]:
        """A fresh store and its exports; a ``start`` function runs under the init deadline."""
        store = wasmtime.Store(self.engine)
        store.set_limits(
            memory_size=limits.memory_bytes,
            table_elements=20_000,
            instances=1,
            tables=4,
            memories=1,
        )
        wasi = wasmtime.WasiConfig()
        wasi.inherit_stdout()
        wasi.inherit_stderr()
        wasi.env = list(self.env.items())
        store.set_wasi(wasi)
        store.set_epoch_deadline(math.ceil(INIT_DEADLINE_S / TICK_S))
        try:
            instance = self._pre.instantiate(store)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            raise Faulted.of(error) from None
        return store, instance.exports(store)


class Unit:
    """One live instance. After a `Faulted` from any method it is dead: close it, make another."""

    def __init__(self, program: Program, limits: Limits, config: bytes) -> None:
        """Instantiate and initialise with the JSON bytes of its configuration.

        Raises:
            Faulted: the unit trapped, refused its configuration, or speaks another ABI.
        """
        self._store, exports = program.instantiate(limits)
        self._entered: Entered = enter(self._store, exports["memory"], fast=program.fast)
        self._ticks = limits.deadline_ticks
        self._init_ticks = max(self._ticks, math.ceil(INIT_DEADLINE_S / TICK_S))
        self._exports = {
            name: self._entered.function(exports[name]) for name in _CALLED if name in exports
        }
        self._alloc = self._exports["gsu_alloc"]
        self._handle = self._exports["gsu_handle"]
        self._initialise(config)

    def _initialise(self, config: bytes) -> None:
        self._entered.set_deadline(self._init_ticks)
        if "_initialize" in self._exports:
            self._exports["_initialize"]()
        abi = self._exports["gsu_abi"]()
        if abi != ABI_VERSION:
            raise Faulted("bad_abi", f"gsu_abi answered {abi}, this node speaks {ABI_VERSION}")
        self._buffer = self._allocate(REQUEST_BUFFER_BYTES)
        init = self._exports.get("gsu_init")
        if init is None:
            return
        pointer = self._place(config)
        refused = init(pointer, len(config))
        self._release(pointer, len(config))
        if refused:
            raise Faulted("init_refused", f"gsu_init answered {refused}")

    @property
    def memory_bytes(self) -> int:
        """Size of the unit's linear memory now."""
        return self._entered.memory_bytes()

    def handle(self, request: bytes) -> bytes:
        """Answer one request in the ABI's bytes.

        Raises:
            Faulted: trap, deadline, or a pointer outside the unit's memory.
            MemoryRefused: the unit would not take a request of this size; it stays alive.
        """
        entered = self._entered
        entered.set_deadline(self._ticks)
        size = len(request)
        pointer = self._place(request)
        packed = self._handle(pointer, size) & 0xFFFFFFFFFFFFFFFF
        reply = self._copy_reply(packed >> 32, packed & 0xFFFFFFFF)
        if pointer != self._buffer:
            self._release(pointer, size)
        return reply

    def _copy_reply(self, start: int, length: int) -> bytes:
        if length <= MAX_REPLY_BYTES:
            return self._entered.read(start, length)
        limit = self._entered.memory_bytes()
        if start + length > limit:
            raise outside(start, length, limit)
        # Too much to carry is no reply at all; the node says so to the client.
        return b""

    def health(self) -> int:
        """0 when healthy or when the unit does not say."""
        return self._ask("gsu_health")

    def ready(self) -> int:
        """0 when ready for traffic or when the unit does not say."""
        return self._ask("gsu_ready")

    def close(self) -> None:
        """Give the memory back."""
        self._store.close()

    def _ask(self, name: str) -> int:
        function = self._exports.get(name)
        if function is None:
            return 0
        self._entered.set_deadline(self._ticks)
        return function()

    def _place(self, data: bytes) -> int:
        pointer = self._buffer if len(data) <= REQUEST_BUFFER_BYTES else self._allocate(len(data))
        self._entered.write(pointer, data)
        return pointer

    def _allocate(self, size: int) -> int:
        pointer = self._alloc(size) & 0xFFFFFFFF
        if pointer == 0:
            raise MemoryRefused(size)
        if pointer + size > self._entered.memory_bytes():
            raise Faulted("bad_alloc", f"gsu_alloc({size}) answered {pointer}, outside its memory")
        return pointer

    def _release(self, pointer: int, size: int) -> None:
        free = self._exports.get("gsu_free")
        if free is not None and pointer != self._buffer:
            free(pointer, size)


class MemoryRefused(Exception):
    """``gsu_alloc`` answered 0."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"the unit refused memory for a request of {size_bytes} bytes")


_CALLED: Final = (
    "_initialize",
    "gsu_abi",
    "gsu_alloc",
    "gsu_free",
    "gsu_init",
    "gsu_handle",
    "gsu_health",
    "gsu_ready",
)


def _define_host_functions(linker: wasmtime.Linker) -> None:
    i32, i64 = wasmtime.ValType.i32(), wasmtime.ValType.i64()
    linker.define_func(
        "gaesup", "log", wasmtime.FuncType([i32, i32, i32], []), _host_log, access_caller=True
    )
    linker.define_func("gaesup", "now_ms", wasmtime.FuncType([], [i64]), _host_now_ms)


def _host_now_ms() -> int:
    return time.time_ns() // 1_000_000


def _host_log(caller: wasmtime.Caller, level: int, pointer: int, length: int) -> None:
    # Must never raise: wasmtime keeps exceptions of host functions in one global.
    memory = caller.get("memory")
    if not isinstance(memory, wasmtime.Memory):
        return
    pointer, length = pointer & 0xFFFFFFFF, min(length & 0xFFFFFFFF, LOG_LINE_BYTES)
    if pointer + length > memory.data_len(caller):
        text = b"(gaesup.log with a pointer outside the unit's memory)"
    else:
        text = bytes(memory.read(caller, pointer, pointer + length))
    name = LEVELS[level] if 0 <= level < len(LEVELS) else "info"
    line = name.encode() + b": " + text.replace(b"\n", b" ") + b"\n"
    try:
        os.write(2, line)
    except OSError:
        return
