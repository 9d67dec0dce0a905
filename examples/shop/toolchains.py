"""Where the compilers are, how each is called, and the description written into a module."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from versions import Build

STACK_BYTES = 65536
RUST_TARGET = "wasm32-unknown-unknown"
# What the committed artifacts were built with; the same version gives the same bytes.
BUILT_WITH = {
    "assemblyscript": "0.28.20",
    "c": "0.17.1",
    "rust": "1.96.0",
    "zig": "0.17.1",
}
HOW_TO_GET = {
    "assemblyscript": "Get it with: make toolchains (needs npm)",
    "c": "Get it with: make toolchains",
    "rust": f"Get it with: rustup target add {RUST_TARGET} (RUSTC names another compiler)",
    "zig": "Get it with: make toolchains",
}


class BuildFailed(Exception):
    """A compiler that is there refused the source; the message is what it said."""


def find(language: str) -> list[str] | None:
    """The command of a language's compiler, or None when it is not on this machine."""
    return {"c": _ziglang, "zig": _ziglang, "rust": _rustc, "assemblyscript": _asc}[language]()


def version(language: str, command: list[str]) -> str:
    """The version a compiler says it has; "" when it says none."""
    asked = "version" if language in ("c", "zig") else "--version"
    done = subprocess.run([*command, asked], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+\.\d+[^\s)]*", done.stdout)
    return found[0] if found else ""


def _ziglang() -> list[str] | None:
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang"]
    return ["zig"] if shutil.which("zig") else None


def _rustc() -> list[str] | None:
    compiler = os.environ.get("RUSTC", "rustc")
    if shutil.which(compiler) is None:
        return None
    where = [compiler, "--print", "target-libdir", "--target", RUST_TARGET]
    done = subprocess.run(where, capture_output=True, text=True, check=False)
    # A compiler alone is not enough: the target's standard library must be there.
    there = done.returncode == 0 and any(Path(done.stdout.strip()).glob("libstd-*.rlib"))
    return [compiler] if there else None


def _asc() -> list[str] | None:
    local = Path(__file__).resolve().parent / "node_modules" / ".bin" / "asc"
    command = os.environ.get("ASC") or (str(local) if local.exists() else "asc")
    return [command] if shutil.which(command) else None


# One compiler call per language: (command, extra environment).
Call = tuple[list[str], dict[str, str]]


def _c(compiler: list[str], one: Build, source: Path, output: Path) -> Call:
    command = [
        *compiler,
        "cc",
        *("-target", "wasm32-wasi", "-mexec-model=reactor", "-Os", "-s"),
        f"-Wl,-z,stack-size={STACK_BYTES}",
        *("-Wall", "-Wextra", "-Wno-unused-function"),
        f'-DVERSION="{one.version}"',
        *[f"-D{name}={value}" if value else f"-D{name}" for name, value in one.flags],
        *(str(source), "-o", str(output)),
    ]
    return command, {}


def _zig(compiler: list[str], one: Build, source: Path, output: Path) -> Call:
    options = output.with_name("options.zig")
    constants = [f'pub const version: []const u8 = "{one.version}";']
    for name, value in one.flags:
        constants.append(f"pub const {name.lower()}{': u32' if value else ''} = {value or 'true'};")
    options.write_text("\n".join(constants) + "\n")
    command = [
        *compiler,
        "build-exe",
        *("-target", "wasm32-freestanding", "-O", "ReleaseSmall", "-fno-entry", "-rdynamic"),
        *("--stack", str(STACK_BYTES), f"-femit-bin={output}"),
        *("--dep", "options", f"-Mroot={source}", f"-Moptions={options}"),
    ]
    return command, {}


def _rust(compiler: list[str], one: Build, source: Path, output: Path) -> Call:
    command = [
        *compiler,
        *("--edition", "2021", "--target", RUST_TARGET, "--crate-type", "cdylib"),
        *("-C", "opt-level=z", "-C", "lto", "-C", "panic=abort", "-C", "codegen-units=1"),
        *("-C", "strip=symbols", "-C", f"link-arg=-zstack-size={STACK_BYTES}"),
        f"--remap-path-prefix={source.parent}=unit",
        *(str(source), "-o", str(output)),
    ]
    return command, {"UNIT_VERSION": one.version, **dict(one.flags)}


def _assemblyscript(compiler: list[str], one: Build, source: Path, output: Path) -> Call:
    constants = [f"VERSION_NUMBER={one.version.removeprefix('v')}"]
    constants += [f"{name}={value}" for name, value in one.flags]
    command = [
        *compiler,
        *(str(source), "-O3z", "--runtime", "incremental", "--noAssert", "--use", "abort="),
        *[word for constant in constants for word in ("--use", constant)],
        *("-o", str(output)),
    ]
    return command, {}


_CALLS = {"c": _c, "zig": _zig, "rust": _rust, "assemblyscript": _assemblyscript}


def compile_unit(compiler: list[str], one: Build, root: Path) -> bytes:
    """Compiles one version; raises BuildFailed with the compiler's words."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "unit.wasm"
        command, extra = _CALLS[one.language](compiler, one, root / one.source, output)
        environment = os.environ | extra
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=root, env=environment, check=False
        )
        if done.returncode != 0:
            said = done.stderr.strip() or f"{command[0]} ended with {done.returncode}"
            raise BuildFailed(f"{one.name} does not build: {said}")
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
