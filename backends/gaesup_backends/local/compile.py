"""Compile modules in a process of their own, and keep the result.

A hostile module can take the compiler half a minute and a gigabyte, so it runs in a short-lived
child under limits on memory and CPU. Workers only ever load what this wrote: loading a compiled
file is trusting native code, so the cache is private (0700, 0600) and each file is compared with
the digest its verdict recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import platform
import resource
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from gaesup_backends.local.abi import CONFIG_FINGERPRINT
from gaesup_backends.local.gate import MAX_MODULE_BYTES, GateError, check_module

COMPILE_CPU_S: Final = 10
COMPILE_WALL_S: Final = 30.0
COMPILE_DATA_BYTES: Final = 512 * 1024 * 1024

_SIGNATURES: Final = {
    "gsu_abi": ([], ["i32"]),
    "gsu_alloc": (["i32"], ["i32"]),
    "gsu_free": (["i32", "i32"], []),
    "gsu_init": (["i32", "i32"], ["i32"]),
    "gsu_handle": (["i32", "i32"], ["i64"]),
    "gsu_health": ([], ["i32"]),
    "gsu_ready": ([], ["i32"]),
    "_initialize": ([], []),
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A module ready to be loaded by workers."""

    path: str
    sha256: str
    compiled_sha256: str
    fast_calls: bool


@dataclass(frozen=True, slots=True)
class Artifact:
    """What is to be compiled and the policy it is held against."""

    path: str
    sha256: str
    capabilities: tuple[str, ...]
    memory_bytes: int


def cache_key(artifact: Artifact) -> str:
    """Name of the cache entry: bytes, wasmtime, platform, engine settings and policy."""
    parts = (
        artifact.sha256,
        version("wasmtime"),
        platform.machine(),
        sys.platform,
        CONFIG_FINGERPRINT,
        ",".join(sorted(artifact.capabilities)),
        str(artifact.memory_bytes),
    )
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:40]


async def compile_artifact(artifact: Artifact, cache_dir: Path) -> Compiled:
    """The compiled form of an artifact, from the cache or made now.

    Raises:
        GateError: the artifact is missing, is not what its digest says, or is refused.
    """
    cached = await asyncio.to_thread(find_compiled, artifact, cache_dir)
    return cached if cached is not None else await _in_child(artifact, cache_dir)


def find_compiled(artifact: Artifact, cache_dir: Path) -> Compiled | None:
    """The cached form, when there is one and it is what was written; reads files."""
    cache_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = cache_key(artifact)
    try:
        facts = json.loads((cache_dir / f"{key}.json").read_bytes())
        path = cache_dir / f"{key}.cwasm"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        compiled = Compiled(path=str(path), **facts)
    except (OSError, ValueError, TypeError):
        return None
    return compiled if digest == compiled.compiled_sha256 else None


async def _in_child(artifact: Artifact, cache_dir: Path) -> Compiled:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gaesup_backends.local.compile",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    order = json.dumps({"artifact": asdict(artifact), "cache_dir": str(cache_dir)}).encode()
    try:
        output, errors = await asyncio.wait_for(child.communicate(order), COMPILE_WALL_S)
    except TimeoutError:
        raise GateError(
            f"compiling took more than {COMPILE_WALL_S:.0f} s; simplify the module"
        ) from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return _verdict(child.returncode or 0, output, errors)


def _verdict(exit_code: int, output: bytes, errors: bytes) -> Compiled:
    if exit_code < 0:
        raise GateError(
            f"the compiler was stopped by signal {-exit_code} within its limits of "
            f"{COMPILE_CPU_S} s CPU and {COMPILE_DATA_BYTES >> 20} MiB; "
            "split its largest functions or build for size"
        )
    try:
        answer = json.loads(output)
    except ValueError:
        last = errors.decode(errors="replace").strip().splitlines()[-1:] or ["no output"]
        raise GateError(
            f"the compiler failed with exit code {exit_code}: {last[0][:300]}"
        ) from None
    if "error" in answer:
        raise GateError(str(answer["error"]), final=bool(answer["final"]))
    return Compiled(**answer["compiled"])


def _limit_self() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (COMPILE_CPU_S, COMPILE_CPU_S))
    resource.setrlimit(resource.RLIMIT_DATA, (COMPILE_DATA_BYTES, COMPILE_DATA_BYTES))
    # The node and the workers come first.
    os.nice(5)


def _read_artifact(artifact: Artifact) -> bytes:
    try:
        with Path(artifact.path).open("rb") as file:
            data = file.read(MAX_MODULE_BYTES + 1)
    except OSError as error:
        raise GateError(
            f"artifact {artifact.path} cannot be read: {error.strerror}; build it or fix the path",
            final=False,
        ) from None
    digest = hashlib.sha256(data).hexdigest()
    if len(data) <= MAX_MODULE_BYTES and digest != artifact.sha256:
        raise GateError(
            f"artifact {artifact.path} has sha256 {digest[:12]}…, expected "
            f"{artifact.sha256[:12]}…; it changed since the revision was made, deploy it again",
            final=False,
        )
    return data


def _check_signatures(module: Any) -> None:
    import wasmtime

    for export in module.exports:
        wanted = _SIGNATURES.get(export.name)
        if wanted is None:
            continue
        kind = export.type
        if not isinstance(kind, wasmtime.FuncType):
            raise GateError(f"export {export.name!r} is not a function")
        found = ([str(p) for p in kind.params], [str(r) for r in kind.results])
        if found != wanted:
            raise GateError(
                f"export {export.name!r} has type {found[0]} -> {found[1]}, "
                f"the ABI says {wanted[0]} -> {wanted[1]}"
            )


def _compile(artifact: Artifact, cache_dir: Path) -> Compiled:
    data = _read_artifact(artifact)
    check_module(data, list(artifact.capabilities), artifact.memory_bytes)
    import wasmtime

    from gaesup_backends.local.abi import engine_config
    from gaesup_backends.local.calls import fast_calls_work

    engine = wasmtime.Engine(engine_config())
    try:
        module = wasmtime.Module(engine, data)
    except wasmtime.WasmtimeError as error:
        first = " ".join(str(error).split())[:300]
        raise GateError(f"the module is not valid: {first}") from None
    _check_signatures(module)
    machine_code = bytes(module.serialize())
    key = cache_key(artifact)
    path = cache_dir / f"{key}.cwasm"
    _write_private(path, machine_code)
    compiled = Compiled(
        path=str(path),
        sha256=artifact.sha256,
        compiled_sha256=hashlib.sha256(machine_code).hexdigest(),
        fast_calls=fast_calls_work(engine),
    )
    # Without its path: a state directory may be moved.
    facts = {name: value for name, value in asdict(compiled).items() if name != "path"}
    _write_private(cache_dir / f"{key}.json", json.dumps(facts).encode())
    return compiled


def _write_private(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def main() -> None:
    """The child: one order on stdin, one verdict on stdout."""
    _limit_self()
    order = json.loads(sys.stdin.buffer.read())
    facts = order["artifact"]
    facts["capabilities"] = tuple(facts["capabilities"])
    try:
        compiled = _compile(Artifact(**facts), Path(order["cache_dir"]))
    except GateError as error:
        print(json.dumps({"error": str(error), "final": error.final}))
    except OSError as error:
        told = f"the compile cache cannot be written: {error}"
        print(json.dumps({"error": told, "final": False}))
    except MemoryError:
        told = "the compiler ran out of its memory limit; build the module for size"
        print(json.dumps({"error": told, "final": True}))
    else:
        print(json.dumps({"compiled": asdict(compiled)}))


if __name__ == "__main__":
    main()
