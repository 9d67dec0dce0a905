"""Entering a unit: the fast way and the public one behave alike, and no pointer is believed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import wasmtime

from gaesup_backends.local import abi
from gaesup_backends.local.abi import TICK_S, Limits, MemoryRefused, Program, Unit, engine_config
from gaesup_backends.local.calls import Faulted, fast_calls_work
from tests.real.node_units import HOSTILE, SPIN, wat

LIMITS = Limits(memory_bytes=8 << 20, deadline_s=0.05)


@pytest.fixture(params=[True, False], ids=["fast", "public"])
def fast(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class Host:
    """Loads units with a moving epoch."""

    def __init__(self, directory: Path, *, fast: bool) -> None:
        self._directory = directory
        self._fast = fast
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def program(self, text: str) -> Program:
        engine = wasmtime.Engine(engine_config())
        path = self._directory / f"{len(self._threads)}.cwasm"
        path.write_bytes(bytes(wasmtime.Module(engine, text).serialize()))
        program = Program(str(path), {}, fast=self._fast)
        thread = threading.Thread(target=self._tick, args=(program.engine,))
        thread.start()
        self._threads.append(thread)
        return program

    def unit(self, text: str) -> Unit:
        return Unit(self.program(text), LIMITS, b'{"revision":"v1"}')

    def _tick(self, engine: wasmtime.Engine) -> None:
        while not self._stop.wait(TICK_S):
            engine.increment_epoch()

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def host(tmp_path: Path, fast: bool) -> Iterator[Host]:
    host = Host(tmp_path, fast=fast)
    yield host
    host.close()


def test_the_fast_calls_work_with_this_wasmtime() -> None:
    assert fast_calls_work(wasmtime.Engine(engine_config()))


def test_a_request_is_answered(host: Host) -> None:
    unit = host.unit(wat("hello"))
    assert unit.handle(b"GET / HTTP/1.1\r\n\r\n").endswith(b"\r\n\r\nhello")
    assert (unit.health(), unit.ready(), unit.memory_bytes) == (0, 0, 4 * 65536)


@pytest.mark.parametrize(
    ("letter", "code"),
    [
        ("t", "unreachable"),
        ("s", "deadline"),
        ("e", "deadline"),
        ("r", "stack_overflow"),
        ("d", "integer_division_by_zero"),
        ("p", "bad_pointer"),
        ("q", "bad_pointer"),
    ],
)
def test_what_goes_wrong_has_a_name(host: Host, letter: str, code: str) -> None:
    unit = host.unit(HOSTILE)
    with pytest.raises(Faulted) as fault:
        unit.handle(f"GET /{letter} HTTP/1.1\r\n\r\n".encode())
    assert fault.value.code == code


@pytest.mark.parametrize("answer", [0xFFFFFFF0, 4 * 65536, 4 * 65536 - 100])
def test_an_allocation_outside_the_memory_is_refused_before_it_is_written(
    host: Host, answer: int
) -> None:
    with pytest.raises(Faulted) as fault:
        host.unit(wat(alloc=f"(i32.const {answer})"))
    assert fault.value.code == "bad_alloc"


def test_a_large_request_that_finds_no_memory_leaves_the_unit_alive(host: Host) -> None:
    unit = host.unit(wat("hello"))
    with pytest.raises(MemoryRefused, match="200000 bytes"):
        unit.handle(bytes(200_000))
    assert unit.handle(b"GET / HTTP/1.1\r\n\r\n").endswith(b"hello")


def test_another_abi_is_refused(host: Host) -> None:
    with pytest.raises(Faulted, match="gsu_abi answered 2, this node speaks 1"):
        host.unit(wat(abi=2))


def test_a_refused_configuration_is_told(host: Host) -> None:
    refuses = '(func (export "gsu_init") (param i32 i32) (result i32) (i32.const 9))'
    with pytest.raises(Faulted, match="gsu_init answered 9"):
        host.unit(wat(functions=refuses))


def test_proc_exit_is_an_exit(host: Host) -> None:
    imports = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
    unit = host.unit(wat(imports=imports, handle="(call $exit (i32.const 0))"))
    with pytest.raises(Faulted) as fault:
        unit.handle(b"GET / HTTP/1.1\r\n\r\n")
    assert fault.value.code == "exit"


def test_memory_does_not_grow_past_its_limit(host: Host) -> None:
    grows = "(drop (memory.grow (i32.const 100))) (drop (memory.grow (i32.const 100)))"
    unit = host.unit(wat(handle=grows))
    unit.handle(b"GET / HTTP/1.1\r\n\r\n")
    assert unit.memory_bytes == 104 * 65536


def test_a_start_function_cannot_spin_for_ever(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abi, "INIT_DEADLINE_S", 0.05)
    program = host.program(wat(functions=f"(func $go {SPIN}) (start $go)"))
    with pytest.raises(Faulted) as fault:
        Unit(program, LIMITS, b"{}")
    assert fault.value.code == "deadline"
