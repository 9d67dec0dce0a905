"""docs/units.md: its examples build with its commands and run; its lists are what the node has."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gaesup_backends.local import abi, cgi, connection, gate, link, logs, replica, worker
from gaesup_backends.local import compile as compiling
from gaesup_tui.domain.config import ProjectFile
from gaesup_tui.domain.revision import Limits as DefaultLimits
from tests.components import missing

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples" / "shop"))

import toolchains  # noqa: E402

pytestmark = pytest.mark.real

GUIDE = (ROOT / "docs" / "units.md").read_text()
MEMORY_BYTES = 16 << 20
# Language of the toolchain, heading in the guide, words the command begins with.
LANGUAGES = [
    ("c", "C", "python -m ziglang"),
    ("zig", "Zig", "python -m ziglang"),
    ("rust", "Rust", "rustc"),
    ("assemblyscript", "AssemblyScript", "npx asc"),
]


def blocks(heading: str) -> dict[str, str]:
    """Code blocks under a heading, by their language."""
    section = re.split(r"^## ", GUIDE, flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(f"{heading}\n"))
    return dict(re.findall(r"^```(\w+)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))


def build(language: str, heading: str, begins: str, folder: Path) -> Path:
    """Builds the example as a reader would."""
    compiler = toolchains.find(language)
    if compiler is None:
        missing(f"no {language} toolchain. {toolchains.HOW_TO_GET[language]}")
    found = blocks(heading)
    command = found.pop("sh").strip()
    source = next(text for name, text in found.items() if name != "text")
    named = re.match(r"// (\S+):", source)
    assert named is not None
    assert command.startswith(f"{begins} ")
    (folder / named[1]).write_text(source)
    words = [*compiler, *shlex.split(command.removeprefix(begins))]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "hello.wasm"


def instance_of(module: Path) -> abi.Unit:
    """An instance, made by the node's own gate and compiler, granted nothing."""
    digest = hashlib.sha256(module.read_bytes()).hexdigest()
    artifact = compiling.Artifact(str(module), digest, (), MEMORY_BYTES)
    compiled = asyncio.run(compiling.compile_artifact(artifact, module.parent / "cache"))
    program = abi.Program(compiled.path, {}, fast=compiled.fast_calls)
    return abi.Unit(program, abi.Limits(MEMORY_BYTES, 5.0), b"{}")


@pytest.mark.parametrize(("language", "heading", "begins"), LANGUAGES)
def test_the_example_builds_as_written_and_answers(
    language: str, heading: str, begins: str, tmp_path: Path
) -> None:
    module = build(language, heading, begins, tmp_path)
    subprocess.run([sys.executable, "-c", blocks("Describe it")["python"], str(module)], check=True)
    described = gate.check_module(module.read_bytes(), [], MEMORY_BYTES).unit
    assert described == {"abi": 1, "name": "hello", "version": "v1", "capabilities": []}
    unit = instance_of(module)
    for visit in (1, 2):
        reply = cgi.parse_reply(unit.handle(b"GET /hello HTTP/1.1\r\nhost: h\r\n\r\n"))
        assert reply is not None
        assert (reply[0], json.loads(reply[2])) == (200, {"hello": language, "visits": visit})
    for other in (b"", b"GET", b"GET /nothing HTTP/1.1\r\n\r\n", b"POST /hello HTTP/1.1\r\n\r\nx"):
        reply = cgi.parse_reply(unit.handle(other))
        assert reply is not None
        assert reply[0] == 404
    assert unit.memory_bytes <= 4 * gate.PAGE_BYTES


def test_the_exports_in_the_guide_are_those_the_node_checks() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]+)`? \|", GUIDE, flags=re.MULTILINE))
    for name, (parameters, results) in compiling._SIGNATURES.items():
        listed = rows[name].replace(" ", "")
        inner, _, result = listed.partition("->")
        assert re.findall(r"i(?:32|64)", inner) == parameters
        assert ([result] if result else []) == results
    assert set(gate.MANDATORY_EXPORTS) == set(list(rows)[:4])


def test_the_limits_in_the_guide_are_the_nodes() -> None:
    mib, kib = 1 << 20, 1 << 10
    assert f"more than {gate.MAX_MODULE_BYTES // mib} MiB" in GUIDE
    assert f"{compiling.COMPILE_CPU_S} s of processor time" in GUIDE
    assert f"{compiling.COMPILE_DATA_BYTES // mib} MiB:" in GUIDE
    assert f"| Stack | {abi.MAX_WASM_STACK_BYTES // kib} KiB |" in GUIDE
    body, head = connection.MAX_BODY_BYTES // mib, connection.MAX_HEAD_BYTES // kib
    assert f"| Request body, headers | {body} MiB, {head} KiB | 413, 431 |" in GUIDE
    assert f"| Reply headers | {cgi.MAX_HEAD_BYTES // kib} KiB |" in GUIDE
    assert f"| Requests waiting at one replica | {link.MAX_INFLIGHT} |" in GUIDE
    traps = f"{worker.TRAPS_BEFORE_LEAVING} in {worker.TRAP_WINDOW_S:.0f} s"
    assert f"| Traps of one replica | {traps} |" in GUIDE
    waits = f"waits {replica.BACKOFF_FIRST_S} s, then longer, up to {replica.BACKOFF_LAST_S:.0f} s"
    assert waits in GUIDE
    assert f"| Log | {logs.LINES_PER_SECOND} lines a second, {logs.LINE_BYTES:,} bytes" in GUIDE
    assert f"| `gsu_init` and start | {abi.INIT_DEADLINE_S:.0f} s |" in GUIDE
    assert f"default `{DefaultLimits().memory_bytes // mib}Mi`" in GUIDE
    assert f"default `{DefaultLimits().deadline_ms // 1000}s`" in GUIDE
    assert replica.HEALTH_INTERVAL_S == 1
    assert replica.UNREADY_INTERVAL_S == 1 / 5
    assert replica.FAILURES_BEFORE_RESTART == 3


def test_the_capabilities_in_the_guide_are_those_of_the_gate() -> None:
    sentence = next(line for line in GUIDE.splitlines() if line.startswith("Capabilities are"))
    for name in re.findall(r"`([a-z]+)`", sentence):
        gate.check_capabilities([name])
    assert set(gate.DEFAULT_CAPABILITIES) <= set(re.findall(r"`([a-z]+)`", sentence))


def test_the_project_file_in_the_guide_is_valid() -> None:
    ProjectFile.model_validate(yaml.safe_load(blocks("Run it")["yaml"]))
