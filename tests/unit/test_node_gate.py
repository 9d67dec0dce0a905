"""The static gate: what passes, what is refused, and that no bytes upset it."""

from __future__ import annotations

import contextlib
import json

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from gaesup_backends.local.gate import GateError, check_module

MIB = 1024 * 1024
UNIT = """(module {extra} (memory (export "memory") 1)
  (func (export "gsu_abi") (result i32) (i32.const 1))
  (func (export "gsu_alloc") (param i32) (result i32) (i32.const 16))
  (func (export "gsu_handle") (param i32 i32) (result i64) (i64.const 0)))"""


def module(text: str = UNIT.format(extra="")) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def with_section(data: bytes, name: str, content: bytes) -> bytes:
    body = bytes([len(name)]) + name.encode() + content
    return data + b"\0" + bytes([len(body)]) + body


GOOD = module()


def test_a_small_unit_passes_and_its_marker_is_read() -> None:
    marker = {"abi": 1, "name": "cart"}
    facts = check_module(with_section(GOOD, "gaesup:unit", json.dumps(marker).encode()), [], MIB)
    assert facts.unit == marker
    assert facts.memories == [(1, None)]
    assert set(facts.exports) == {"memory", "gsu_abi", "gsu_alloc", "gsu_handle"}


@pytest.mark.parametrize(
    ("capability", "name"),
    [("stdio", "fd_write"), ("clock", "clock_time_get"), ("random", "random_get")],
)
def test_an_import_needs_its_capability(capability: str, name: str) -> None:
    extra = f'(import "wasi_snapshot_preview1" "{name}" (func))'
    data = module(UNIT.format(extra=extra))
    check_module(data, [capability], MIB)
    with pytest.raises(GateError, match=f"needs capability '{capability}'; grant it"):
        check_module(data, [], MIB)


@pytest.mark.parametrize("name", ["path_open", "sock_accept", "fd_readdir", "unknown"])
def test_files_sockets_and_unknown_names_are_never_allowed(name: str) -> None:
    data = module(UNIT.format(extra=f'(import "wasi_snapshot_preview1" "{name}" (func))'))
    with pytest.raises(GateError, match=f"{name} is not allowed"):
        check_module(data, ["stdio", "clock", "random", "env"], MIB)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not start with"),
        (UNIT.format(extra="").encode(), "WAT text, assemble it first"),
        (b"\0asm\x02\0\0\0", "version 02000000 is unknown"),
        (b"\0asm\x0d\0\x01\0", "this is a component"),
        (GOOD[:-3], "cut off"),
        (b"\0asm\x01\0\0\0\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "too long"),
        (with_section(GOOD, "gaesup:unit", b"{no"), "not JSON"),
        (module("(module)"), "export 'memory' is missing"),
        (module(UNIT.format(extra='(import "env" "x" (memory 1))').replace("(memory (export",
         "(global (export").replace('"memory") 1)', '"memory") i32 (i32.const 0))')),
         "import env.x is a memory"),
        (module(UNIT.format(extra="").replace('"memory") 1', '"memory") 17')),
         "memory starts with 1114112 bytes, the limit is 1048576"),
        (bytes(9 * MIB), "the limit is 8388608"),
    ],
)  # fmt: skip
def test_what_is_refused_says_why(data: bytes, why: str) -> None:
    with pytest.raises(GateError, match=why):
        check_module(data, [], MIB)


def test_shared_and_64_bit_memories_are_refused() -> None:
    shared = GOOD.replace(b"\x05\x03\x01\x00\x01", b"\x05\x03\x01\x02\x01")
    wide = GOOD.replace(b"\x05\x03\x01\x00\x01", b"\x05\x03\x01\x04\x01")
    for data in (shared, wide):
        assert data != GOOD
        with pytest.raises(GateError, match="shared and 64-bit"):
            check_module(data, [], MIB)


def test_an_unknown_capability_is_named() -> None:
    with pytest.raises(GateError, match="'fs:data:rw' is not offered by the local node"):
        check_module(GOOD, ["fs:data:rw"], MIB)


@given(st.binary(max_size=200))
def test_no_bytes_upset_the_gate(tail: bytes) -> None:
    for data in (tail, GOOD[:8] + tail):
        with pytest.raises(GateError):
            check_module(data, [], MIB)


@given(st.integers(8, len(GOOD) - 1), st.integers(0, 255))
def test_a_flipped_byte_is_refused_or_read(at: int, value: int) -> None:
    data = GOOD[:at] + bytes([value]) + GOOD[at + 1 :]
    # Any other exception would be a crash on hostile input.
    with contextlib.suppress(GateError):
        check_module(data, [], MIB)
