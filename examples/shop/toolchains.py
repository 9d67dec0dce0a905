"""Where the compilers are, how each is called, and the description written into a module."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from versions import Build

STACK_BYTES = 65536
HOW_TO_GET = {
    "c": "Get it with: pip install ziglang",
}


class BuildFailed(Exception):
    """A compiler that is there refused the source; the message is what it said."""


def find(language: str) -> list[str] | None:
    """The command of a language's compiler, or None when it is not on this machine."""
    if language in ("c", "zig"):
        return [sys.executable, "-m", "ziglang"] if importlib.util.find_spec("ziglang") else None
    return None


def _c(compiler: list[str], one: Build, source: Path, output: Path) -> list[str]:
    defines = [f"-D{name}={value}" if value else f"-D{name}" for name, value in one.flags]
    return [
        *compiler,
        "cc",
        *("-target", "wasm32-wasi", "-mexec-model=reactor", "-Os", "-s"),
        f"-Wl,-z,stack-size={STACK_BYTES}",
        *("-Wall", "-Wextra", "-Wno-unused-function"),
        f'-DVERSION="{one.version}"',
        *defines,
        str(source),
        *("-o", str(output)),
    ]


_COMMANDS = {"c": _c}


def compile_unit(compiler: list[str], one: Build, root: Path) -> bytes:
    """Compiles one version; raises BuildFailed with the compiler's words."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "unit.wasm"
        command = _COMMANDS[one.language](compiler, one, root / one.source, output)
        done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
        if done.returncode != 0:
            raise BuildFailed(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
        return output.read_bytes()


def _varint(n: int) -> bytes:
    out = bytearray()
    while True:
        out.append(n & 0x7F | (0x80 if n > 0x7F else 0))
        n >>= 7
        if not n:
            return bytes(out)


def custom_section(name: str, content: bytes) -> bytes:
    """A custom section as bytes; valid anywhere between sections, so also at the end."""
    body = _varint(len(name)) + name.encode() + content
    return b"\x00" + _varint(len(body)) + body


def with_description(module: bytes, one: Build) -> bytes:
    """The module with its `gaesup:unit` section: what a scanner reads without running code."""
    about = {
        "abi": 1,
        "name": one.unit,
        "version": one.version,
        "language": one.language,
        "capabilities": [],
    }
    return module + custom_section("gaesup:unit", json.dumps(about, sort_keys=True).encode())
