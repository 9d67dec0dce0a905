"""Small units in WAT for the node's tests: good ones, and every hostile one we know."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import wasmtime

TEMPLATE = """(module
  {imports}
  (memory (export "memory") {pages})
  (global $count (mut i32) (i32.const 0))
  {data}
  (func (export "gsu_abi") (result i32) (i32.const {abi}))
  (func (export "gsu_alloc") (param $n i32) (result i32)
    (if (i32.gt_u (local.get $n) (i32.const 131072)) (then (return (i32.const 0))))
    {alloc})
  (func $path (param $p i32) (result i32)
    (i32.load8_u (i32.add (local.get $p) (i32.const 5))))
  (func $reply (param $at i32) (param $n i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32))
            (i64.extend_i32_u (local.get $n))))
  (func (export "gsu_handle") (param $p i32) (param $n i32) (result i64)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    {handle}
    (call $reply (i32.const 1024) (i32.const {size})))
  {functions}
)"""


def wat(
    reply: str = "hello\n",
    *,
    handle: str = "",
    functions: str = "",
    imports: str = "",
    data: str = "",
    alloc: str = "(i32.const 65536)",
    abi: int = 1,
    pages: int = 4,
    status: int = 200,
) -> str:
    """Text of a unit that answers `reply`, after what `handle` does first."""
    text = f"Status: {status}\r\ncontent-type: text/plain\r\n\r\n{reply}"
    return TEMPLATE.format(
        imports=imports,
        pages=pages,
        data=f'(data (i32.const 1024) "{escaped(text)}") {data}',
        abi=abi,
        alloc=alloc,
        handle=handle,
        size=len(text.encode()),
        functions=functions,
    )


def escaped(text: str) -> str:
    """A WAT string literal's inside."""
    return "".join(f"\\{byte:02x}" for byte in text.encode())


def on_path(letter: str, action: str) -> str:
    """Do `action` when the path starts with this letter."""
    return f"(if (i32.eq (call $path (local.get $p)) (i32.const {ord(letter)})) (then {action}))"


SPIN = "(loop $l (br $l))"
EAT = "(loop $l (drop (memory.grow (i32.const 1))) (br $l))"
GARBAGE = "\x1b]0;owned\x07 200 OK\r\n\r\nnot a status"
SPLIT = "Status: 200\r\nx-a: 1\r\nset-cookie: a=b\x00\r\n\r\nbody"
CONTROL = "Status: 200\r\nx-title: \x1b[2J\r\n\r\nbody"

HOSTILE = wat(
    handle="".join(
        (
            on_path("t", "(unreachable)"),
            on_path("s", SPIN),
            on_path("e", EAT),
            on_path("g", f"(return (call $reply (i32.const 4096) (i32.const {len(GARBAGE)})))"),
            on_path("n", f"(return (call $reply (i32.const 5120) (i32.const {len(SPLIT)})))"),
            on_path("c", f"(return (call $reply (i32.const 6144) (i32.const {len(CONTROL)})))"),
            on_path("p", "(return (call $reply (i32.const 0xfffffff0) (i32.const 64)))"),
            on_path("q", "(return (call $reply (i32.const 16) (i32.const 0x7fffffff)))"),
            on_path("r", "(drop (call $deep (i32.const 0)))"),
            on_path("d", "(drop (i32.div_u (i32.const 1) (i32.const 0)))"),
            on_path("l", "(call $log (i32.const 1) (i32.const 7168) (i32.const 23))"),
            on_path("b", "(call $log (i32.const 1) (i32.const 0xfffffff0) (i32.const 400))"),
        )
    ),
    imports='(import "gaesup" "log" (func $log (param i32 i32 i32)))',
    functions="(func $deep (param i32) (result i32) "
    "(i32.add (i32.const 1) (call $deep (local.get 0))))",
    data="".join(
        f'(data (i32.const {at}) "{escaped(text)}")'
        for at, text in (
            (4096, GARBAGE),
            (5120, SPLIT),
            (6144, CONTROL),
            (7168, "red \x1b[31m alert \x07\x1b]0;x\x07"),
        )
    ),
)


def build(directory: Path, name: str, text: str) -> Path:
    """Assemble and write a module."""
    path = directory / f"{name}.wasm"
    path.write_bytes(bytes(wasmtime.wat2wasm(text)))
    return path


def revision(path: Path, revision_id: str, **changes: Any) -> dict[str, Any]:
    """What `apply_revision` takes for a module."""
    return {
        "id": revision_id,
        "version": revision_id.split("-")[0],
        "artifact": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "memory_bytes": 8 * 1024 * 1024,
        "deadline_ms": 100,
        "config": {},
        "env": {},
        "capabilities": [],
        **changes,
    }
