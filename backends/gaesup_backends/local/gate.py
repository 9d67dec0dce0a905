"""What a module must be before anything of it is compiled or run.

Pure reading of bytes: magic and size, the sections one by one, imports against the granted
capabilities, the mandatory exports, the memory. Types are checked again by the compiler in its
own limited process (`compile`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

MAX_MODULE_BYTES: Final = 8 * 1024 * 1024
MAX_SECTION_ITEMS: Final = 100_000
PAGE_BYTES: Final = 64 * 1024
CORE_HEADER: Final = b"\0asm\x01\0\0\0"
COMPONENT_LAYER: Final = b"\0asm\x0d\0\x01\0"
UNIT_SECTION: Final = "gaesup:unit"
MANDATORY_EXPORTS: Final = ("memory", "gsu_abi", "gsu_alloc", "gsu_handle")
DEFAULT_CAPABILITIES: Final = ("stdio", "clock", "random")

WASI: Final = "wasi_snapshot_preview1"
# Harmless without a grant: what they tell is empty, and C libraries import them at start.
_ALWAYS: Final = frozenset(
    [
        "args_get",
        "args_sizes_get",
        "environ_get",
        "environ_sizes_get",
        "proc_exit",
        "sched_yield",
        "fd_prestat_get",
        "fd_prestat_dir_name",
        "fd_fdstat_get",
        "fd_fdstat_set_flags",
        "fd_filestat_get",
        "fd_close",
        "fd_seek",
        "fd_tell",
    ]
)
_GRANTED: Final[dict[str, frozenset[str]]] = {
    "stdio": frozenset({"fd_write", "fd_read"}),
    "clock": frozenset({"clock_time_get", "clock_res_get", "poll_oneoff"}),
    "random": frozenset({"random_get"}),
    "env": frozenset(),
}
_HOST: Final = frozenset({"log", "now_ms"})
_KINDS: Final = ("function", "table", "memory", "global", "tag")


class GateError(Exception):
    """The module is refused. The message says what is wrong and what to do.

    Attributes:
        final: False when the same revision may pass later: a file that is missing can come back.
    """

    def __init__(self, message: str, *, final: bool = True) -> None:
        super().__init__(message)
        self.final = final


@dataclass(slots=True)
class ModuleFacts:
    """What the sections say."""

    imports: list[tuple[str, str, str]] = field(default_factory=list)
    exports: dict[str, str] = field(default_factory=dict)
    memories: list[tuple[int, int | None]] = field(default_factory=list)
    unit: dict[str, Any] | None = None


def check_capabilities(capabilities: list[str]) -> None:
    """Refuse a capability this node does not offer."""
    for capability in capabilities:
        if capability not in _GRANTED:
            offered = ", ".join(sorted(_GRANTED))
            raise GateError(
                f"capability {capability!r} is not offered by the local node; it offers {offered}"
            )


def check_module(data: bytes, capabilities: list[str], memory_limit_bytes: int) -> ModuleFacts:
    """Read a module and hold it against the policy.

    Raises:
        GateError: it is no core module, asks for more than was granted, or lacks an export.
    """
    check_capabilities(capabilities)
    _check_header(data)
    facts = read_sections(data)
    _check_imports(facts, capabilities)
    for name in MANDATORY_EXPORTS:
        if name not in facts.exports:
            raise GateError(
                f"export {name!r} is missing; "
                f"ABI gaesup-unit/1 needs {', '.join(MANDATORY_EXPORTS)}"
            )
    if facts.exports["memory"] != "memory":
        raise GateError(f"export 'memory' is a {facts.exports['memory']}, not a memory")
    _check_memory(facts, memory_limit_bytes)
    return facts


def _check_header(data: bytes) -> None:
    if len(data) > MAX_MODULE_BYTES:
        raise GateError(
            f"module has {len(data)} bytes, the limit is {MAX_MODULE_BYTES}; strip it or split it"
        )
    if data[:8] == COMPONENT_LAYER:
        raise GateError("this is a component; the local node runs core modules, build it as one")
    if data[:4] != CORE_HEADER[:4]:
        text = data[:64].lstrip().startswith(b"(")
        hint = (
            "it looks like WAT text, assemble it first" if text else "it does not start with \\0asm"
        )
        raise GateError(f"not a WebAssembly module: {hint}")
    if data[:8] != CORE_HEADER:
        raise GateError(f"module version {data[4:8].hex()} is unknown, expected 01000000")


def _check_imports(facts: ModuleFacts, capabilities: list[str]) -> None:
    allowed = set(_ALWAYS)
    for capability in capabilities:
        allowed |= _GRANTED[capability]
    for module, name, kind in facts.imports:
        if kind != "function":
            raise GateError(f"import {module}.{name} is a {kind}; a unit may import functions only")
        if module == "gaesup" and name in _HOST:
            continue
        if module == WASI and name in allowed:
            continue
        needs = [c for c, names in _GRANTED.items() if name in names]
        if module == WASI and needs:
            raise GateError(f"import {module}.{name} needs capability {needs[0]!r}; grant it")
        raise GateError(f"import {module}.{name} is not allowed for a unit; build it without")


def _check_memory(facts: ModuleFacts, limit_bytes: int) -> None:
    if len(facts.memories) != 1:
        raise GateError(f"module has {len(facts.memories)} memories, a unit has exactly one")
    initial_bytes = facts.memories[0][0] * PAGE_BYTES
    if initial_bytes > limit_bytes:
        raise GateError(
            f"memory starts with {initial_bytes} bytes, the limit is {limit_bytes}; "
            "raise the limit or shrink its stack and data"
        )


class _Reader:
    def __init__(self, data: bytes, start: int, end: int) -> None:
        self.data = data
        self.at = start
        self.end = end

    def more(self) -> bool:
        return self.at < self.end

    def byte(self) -> int:
        if self.at >= self.end:
            raise GateError(f"module is cut off at byte {self.at}")
        value = self.data[self.at]
        self.at += 1
        return value

    def number(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise GateError(f"number at byte {self.at} is too long")

    def count(self) -> int:
        value = self.number()
        if value > MAX_SECTION_ITEMS:
            raise GateError(f"a section claims {value} entries, the limit is {MAX_SECTION_ITEMS}")
        return value

    def take(self, size: int) -> bytes:
        if size > self.end - self.at:
            raise GateError(f"module is cut off at byte {self.at}: {size} bytes announced")
        piece = self.data[self.at : self.at + size]
        self.at += size
        return piece

    def name(self) -> str:
        raw = self.take(self.number())
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise GateError(f"a name before byte {self.at} is not UTF-8") from None

    def limits(self) -> tuple[int, int | None]:
        flags = self.byte()
        if flags & ~1:
            raise GateError(f"memory or table flags {flags:#x}: shared and 64-bit are not allowed")
        return self.number(), self.number() if flags & 1 else None


def read_sections(data: bytes) -> ModuleFacts:
    """Walk the sections of a core module; imports, exports, memories and the unit's marker."""
    facts = ModuleFacts()
    reader = _Reader(data, 8, len(data))
    while reader.more():
        kind = reader.byte()
        size = reader.number()
        start = reader.at
        reader.take(size)
        section = _Reader(data, start, start + size)
        if kind == 0:
            _read_custom(section, facts)
        elif kind == 2:
            _read_imports(section, facts)
        elif kind == 5:
            facts.memories += [section.limits() for _ in range(section.count())]
        elif kind == 7:
            _read_exports(section, facts)
    return facts


def _read_custom(section: _Reader, facts: ModuleFacts) -> None:
    if section.name() != UNIT_SECTION:
        return
    try:
        value = json.loads(section.take(section.end - section.at))
    except ValueError:
        raise GateError(f"custom section {UNIT_SECTION} is not JSON") from None
    facts.unit = value if isinstance(value, dict) else None


def _read_imports(section: _Reader, facts: ModuleFacts) -> None:
    for _ in range(section.count()):
        module, name = section.name(), section.name()
        kind = section.byte()
        if kind == 0:
            section.number()
        elif kind == 1:
            section.byte()
            section.limits()
        elif kind == 2:
            section.limits()
        elif kind == 3:
            section.take(2)
        else:
            raise GateError(f"import {module}.{name} has unknown kind {kind}")
        facts.imports.append((module, name, _KINDS[kind]))


def _read_exports(section: _Reader, facts: ModuleFacts) -> None:
    for _ in range(section.count()):
        name = section.name()
        kind = section.byte()
        section.number()
        facts.exports[name] = _KINDS[kind] if kind < len(_KINDS) else "unknown"
