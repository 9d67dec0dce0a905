"""Entering wasm: one way that is fast and private, one that is public and slow.

`enter` gives an `Entered`, bound to one store and one memory, that makes functions callable,
reads and writes memory with bounds checked, and sets the epoch deadline.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Final, Protocol

import wasmtime

from gaesup_backends.local.frames import OUTCOME_NUMBERS

Call = Callable[..., int]


class Faulted(Exception):
    """The unit cannot be used any further.

    Attributes:
        code: an outcome of `frames.OUTCOMES`, or ``bad_abi`` / ``init_refused`` at start.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code

    @classmethod
    def of(cls, error: Exception) -> Faulted:
        """Name what wasmtime raised."""
        text = (str(error).splitlines() or ["no message"])[-1].strip() or "no message"
        if isinstance(error, wasmtime.Trap):
            return cls(_trap_name(error), text)
        if isinstance(error, wasmtime.ExitTrap):
            return cls("exit", "the unit called proc_exit")
        return cls("other_trap", text)


def _trap_name(trap: wasmtime.Trap) -> str:
    code = trap.trap_code
    if code is None:
        return "other_trap"
    if code == wasmtime.TrapCode.INTERRUPT:
        return "deadline"
    name = code.name.lower()
    return name if name in OUTCOME_NUMBERS else "other_trap"


class Entered(Protocol):
    """A store and its memory, ready to be called into."""

    def function(self, function: wasmtime.Func) -> Call:
        """Bind one export; its calls raise `Faulted`."""

    def set_deadline(self, ticks: int) -> None:
        """Interrupt the next calls after this many epoch ticks from now."""

    def memory_bytes(self) -> int:
        """Size of the linear memory now."""

    def read(self, pointer: int, size: int) -> bytes:
        """Copy out; raises `Faulted` when the range is not inside the memory."""

    def write(self, pointer: int, data: bytes) -> None:
        """Copy in; raises `Faulted` when the range is not inside the memory."""


def enter(store: wasmtime.Store, memory: wasmtime.Memory, *, fast: bool) -> Entered:
    """Choose the way in."""
    return _Fast(store, memory) if fast else _Public(store, memory)


def outside(pointer: int, size: int, limit: int) -> Faulted:
    """The fault of a range that is not inside the memory."""
    return Faulted(
        "bad_pointer", f"range {pointer}+{size} is outside the unit's memory of {limit} bytes"
    )


class _Public:
    def __init__(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        self._store = store
        self._memory = memory

    def function(self, function: wasmtime.Func) -> Call:
        store = self._store

        def call(*arguments: int) -> int:
            try:
                result = function(store, *arguments)
            except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
                raise Faulted.of(error) from None
            return int(result) if result is not None else 0

        return call

    def set_deadline(self, ticks: int) -> None:
        self._store.set_epoch_deadline(ticks)

    def memory_bytes(self) -> int:
        return self._memory.data_len(self._store)

    def read(self, pointer: int, size: int) -> bytes:
        limit = self.memory_bytes()
        if pointer + size > limit:
            raise outside(pointer, size, limit)
        return bytes(self._memory.read(self._store, pointer, pointer + size))

    def write(self, pointer: int, data: bytes) -> None:
        limit = self.memory_bytes()
        if pointer + len(data) > limit:
            raise outside(pointer, len(data), limit)
        self._memory.write(self._store, data, pointer)


class _Bindings:
    """Own prototypes over wasmtime's shared library, so the package's stay as they are."""

    def __init__(self) -> None:
        from wasmtime import _bindings

        dll: Any = vars(_bindings)["dll"]
        pointer = ctypes.c_void_p
        self.raw_type: Any = _bindings.wasmtime_val_raw_t
        # Indexing a ctypes library makes a new function object each time.
        self.call = dll["wasmtime_func_call_unchecked"]
        self.call.restype = pointer
        self.call.argtypes = [pointer, pointer, pointer, ctypes.c_size_t, pointer]
        self.memory_data = dll["wasmtime_memory_data"]
        self.memory_data.restype = pointer
        self.memory_data.argtypes = [pointer, pointer]
        self.memory_size = dll["wasmtime_memory_data_size"]
        self.memory_size.restype = ctypes.c_size_t
        self.memory_size.argtypes = [pointer, pointer]
        self.set_deadline = dll["wasmtime_context_set_epoch_deadline"]
        self.set_deadline.restype = None
        self.set_deadline.argtypes = [pointer, ctypes.c_uint64]
        self.error_type: Any = ctypes.POINTER(_bindings.wasmtime_error_t)
        self.trap_type: Any = ctypes.POINTER(_bindings.wasm_trap_t)


_bound: _Bindings | None = None


def _bindings() -> _Bindings:
    global _bound
    if _bound is None:
        _bound = _Bindings()
    return _bound


class _Fast:
    def __init__(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        self._store = store
        self._bind = _bindings()
        # Both live as long as the store does, and the store is kept above.
        raw_context: Any = store._context()
        self._context = ctypes.cast(raw_context, ctypes.c_void_p)
        self._memory = memory
        self._memory_ref = ctypes.byref(memory._memory)

    def function(self, function: wasmtime.Func) -> Call:
        kind = function.type(self._store)
        parameters = [str(p) for p in kind.params]
        results = [str(r) for r in kind.results]
        return _fast_call(self._bind, self._context, function, parameters, results)

    def set_deadline(self, ticks: int) -> None:
        self._bind.set_deadline(self._context, ticks)

    def memory_bytes(self) -> int:
        return int(self._bind.memory_size(self._context, self._memory_ref))

    def read(self, pointer: int, size: int) -> bytes:
        limit = self._bind.memory_size(self._context, self._memory_ref)
        if pointer + size > limit:
            raise outside(pointer, size, limit)
        base = self._bind.memory_data(self._context, self._memory_ref)
        return ctypes.string_at(base + pointer, size)

    def write(self, pointer: int, data: bytes) -> None:
        limit = self._bind.memory_size(self._context, self._memory_ref)
        if pointer + len(data) > limit:
            raise outside(pointer, len(data), limit)
        base = self._bind.memory_data(self._context, self._memory_ref)
        ctypes.memmove(base + pointer, data, len(data))


def _fast_call(
    bind: _Bindings,
    context: ctypes.c_void_p,
    function: wasmtime.Func,
    parameters: list[str],
    results: list[str],
) -> Call:
    count = max(len(parameters), len(results), 1)
    raw = (bind.raw_type * count)()
    function_ref = ctypes.byref(function._func)
    trap = ctypes.c_void_p()
    trap_ref = ctypes.byref(trap)
    entry = bind.call
    result = results[0] if results else None
    fields = list(enumerate(parameters))

    def call(*arguments: int) -> int:
        for index, field in fields:
            setattr(raw[index], field, arguments[index])
        error = entry(context, function_ref, raw, count, trap_ref)
        if error:
            raised = wasmtime.WasmtimeError._from_ptr(
                ctypes.cast(ctypes.c_void_p(error), bind.error_type)
            )
            raise Faulted.of(raised)
        if trap.value:
            owned = ctypes.cast(ctypes.c_void_p(trap.value), bind.trap_type)
            trap.value = None
            raise Faulted.of(wasmtime.Trap._from_ptr(owned))
        return int(getattr(raw[0], result)) if result else 0

    # The reference alone would not keep the function's struct alive.
    call.__dict__["function"] = function
    return call


_SELF_TEST: Final = """(module (memory (export "memory") 1)
 (func (export "add") (param i32 i64) (result i64)
   (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1)))
 (func (export "boom") unreachable)
 (func (export "spin") (loop $l (br $l))))"""


def fast_calls_work(engine: wasmtime.Engine) -> bool:
    """Compare the private way with the public one on a known module."""
    try:
        outcomes = [_try_calls(engine, fast=fast) for fast in (True, False)]
    except (AttributeError, TypeError, OSError, ValueError):
        return False
    return outcomes[0] == outcomes[1] == (39, "unreachable", "deadline", b"four")


def _try_calls(engine: wasmtime.Engine, *, fast: bool) -> tuple[int, str, str, bytes]:
    store = wasmtime.Store(engine)
    store.set_epoch_deadline(1)
    module = wasmtime.Module(engine, _SELF_TEST)
    exports: Any = wasmtime.Instance(store, module, []).exports(store)
    entered = enter(store, exports["memory"], fast=fast)
    total = entered.function(exports["add"])(-3, 42)
    entered.write(65532, b"four")
    copied = entered.read(65532, 4)
    boom = _fault_code(entered.function(exports["boom"]))
    engine.increment_epoch()
    spin = _fault_code(entered.function(exports["spin"]))
    return total, boom, spin, copied


def _fault_code(call: Call) -> str:
    try:
        call()
    except Faulted as fault:
        return fault.code
    return "returned"
