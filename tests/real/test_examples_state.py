"""Performance and hand-over exports of the shop's units: alike in C, Rust and AssemblyScript."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from gaesup_backends.local.abi import Limits, Program
from gaesup_backends.local.compile import Artifact, compile_artifact

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "examples" / "shop" / "artifacts"
LIMITS = Limits(memory_bytes=64 << 20, deadline_s=60)
WITH_CASES = ["cart-v42", "checkout-v13", "search-v8"]
WITH_STATE = ["cart-v42", "search-v8"]


class Instance:
    """One instance with every export callable."""

    def __init__(self, name: str, folder: Path) -> None:
        path = ARTIFACTS / f"{name}.wasm"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        artifact = Artifact(str(path), digest, (), LIMITS.memory_bytes)
        compiled = asyncio.run(compile_artifact(artifact, folder))
        self.program = Program(compiled.path, {}, fast=compiled.fast_calls)
        self.store, self.exports = self.program.instantiate(LIMITS)
        if "_initialize" in self.exports:
            self.call("_initialize")

    def call(self, name: str, *arguments: int) -> int:
        result: Any = self.exports[name](self.store, *arguments)
        return int(result or 0)

    def place(self, data: bytes) -> int:
        pointer = self.call("gsu_alloc", len(data)) & 0xFFFFFFFF
        memory: wasmtime.Memory = self.exports["memory"]
        memory.write(self.store, data, pointer)
        return pointer

    def range(self, packed: int) -> bytes:
        start, size = packed >> 32 & 0xFFFFFFFF, packed & 0xFFFFFFFF
        memory: wasmtime.Memory = self.exports["memory"]
        return bytes(memory.read(self.store, start, start + size))

    def ask(self, request: bytes) -> bytes:
        return self.range(self.call("gsu_handle", self.place(request), len(request)))

    def snapshot(self) -> bytes:
        return self.range(self.call("gsu_snapshot"))

    def merge(self, state: bytes) -> int:
        return self.call("gsu_merge", self.place(state), len(state))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compiled")


@pytest.mark.parametrize("name", WITH_CASES)
def test_the_exports_have_the_types_of_the_guide(name: str, folder: Path) -> None:
    guide = (ROOT / "docs" / "units.md").read_text()
    rows = dict(re.findall(r"^\| `(gsu_\w+)` \| `([^`]+)` \|", guide, flags=re.MULTILINE))
    checked = 0
    for export in Instance(name, folder).program.module.exports:
        if export.name not in rows:
            continue
        assert isinstance(export.type, wasmtime.FuncType)
        inner, _, result = rows[export.name].replace(" ", "").partition("->")
        assert [str(kind) for kind in export.type.params] == re.findall(r"i(?:32|64)", inner)
        assert [str(kind) for kind in export.type.results] == ([result] if result else [])
        checked += 1
    assert checked >= 10


@pytest.mark.parametrize("name", WITH_CASES)
def test_the_performance_cases_give_the_same_in_each_language(name: str, folder: Path) -> None:
    unit = Instance(name, folder)
    assert [unit.call("gsu_update", 7, 5), unit.call("gsu_update", 7, 5)] == [5, 10]
    assert unit.call("gsu_tree", 9, 7) == 7
    assert unit.call("gsu_tree", 4095, 5) == 12
    assert unit.call("gsu_tree", 9, 0) == 5
    assert unit.call("gsu_tree", 4096 + 4095, 0) == 0
    assert unit.call("gsu_batch", 0, 10_000, 0) == 3
    assert unit.call("gsu_batch", 1, 1000, 3) == sum(leaf_values(1000, 3).values())
    assert unit.call("gsu_batch", 9, 1, 0) == -1


def leaf_values(count: int, seed: int) -> dict[int, int]:
    return {(seed + i * 2654435761) % 2**32 % 4096: i for i in range(count)}


@pytest.mark.parametrize("name", WITH_CASES)
def test_fifty_thousand_entries_fit_into_the_memory_limit(name: str, folder: Path) -> None:
    unit = Instance(name, folder)
    assert unit.call("gsu_batch", 3, 50_000, 0) == 50_000
    assert unit.exports["memory"].data_len(unit.store) <= 20 << 20


def test_a_new_instance_takes_the_carts_over(folder: Path) -> None:
    old, new = Instance("cart-v41", folder), Instance("cart-v42", folder)
    for cart in (b"7", b"8"):
        old.ask(b'POST /carts/%b/items\r\n\r\n{"sku": "mug", "quantity": 5}' % cart)
    assert new.merge(old.snapshot()) == 2
    assert b'"total_cents":5625' in new.ask(b"GET /carts/8/total\r\n\r\n")


def test_a_new_instance_takes_the_documents_over(folder: Path) -> None:
    old, new = Instance("search-v7", folder), Instance("search-v8", folder)
    old.ask("PUT /documents/hut\r\n\r\nGrüner Hut, 1 Stück".encode())
    assert new.merge(old.snapshot()) == 13
    assert "Grüner Hut".encode() in new.ask(b"GET /search?q=hut\r\n\r\n")


@pytest.mark.parametrize("name", WITH_STATE)
def test_malformed_state_is_refused_without_a_trap(name: str, folder: Path) -> None:
    whole = Instance("search-v7", folder).snapshot()
    unit = Instance(name, folder)
    assert unit.merge(b"") == 0
    for broken in (whole[:-1], b"\xff" * 8, b"\xff\xff\xff\x7f" * 4, b"abc", whole + b"\0"):
        assert unit.merge(broken) == -1
    assert b"Status: 200" in unit.ask(b"GET /hello\r\n\r\n")
