"""``gaesup.yaml`` from disk: found, read, checked, and made into commands.

Whatever is wrong becomes one ``Invalid`` that begins with file, line and field.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gaesup_tui.domain import config
from gaesup_tui.domain.abtest.wanting import conversion_fault
from gaesup_tui.domain.commands import Deploy
from gaesup_tui.domain.errors import Invalid, NotFound
from gaesup_tui.domain.own_strategies import list_fault, nearest, unknown_names
from gaesup_tui.domain.planning import BUILT_IN
from gaesup_tui.domain.step_spec import StrategyStep
from gaesup_tui.domain.text import printable_line
from gaesup_tui.service.file_words import words_of
from gaesup_tui.service.positions import Document, Located, parse

FILE_NAME = "gaesup.yaml"
MAX_FILE_BYTES = 1 << 20
MAX_ARTIFACT_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Project:
    """A ``gaesup.yaml`` that was read and is valid; its artifacts are looked at when used."""

    path: Path
    file: config.ProjectFile
    document: Document

    def invalid(self, where: tuple[str | int, ...], message: str, hint: str = "") -> Invalid:
        """An error at the line of ``where``."""
        return _at(self.path, self.document.line(where), _dotted(where), message, hint)


def find(start: Path | None = None) -> Path:
    """The ``gaesup.yaml`` of ``start`` (the working directory) or of a folder above it.

    Raises:
        NotFound: there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise NotFound(
        f"there is no {FILE_NAME} in {here} or above it",
        hint="name one with --file, or let `gaesup init` write one",
    )


def load(path: Path) -> Project:
    """Reads and checks a file; its artifacts are not opened.

    Raises:
        Invalid: the one error that comes first in the file.
    """
    text = _read(path)
    try:
        document = parse(text)
    except Located as error:
        raise _at(path, error.line, "", error.message, error.hint) from None
    try:
        project = Project(path, config.ProjectFile.model_validate(document.data), document)
    except ValidationError as error:
        raise _first(path, document, error) from None
    file = project.file
    if fault := config.dependency_fault(file) or conversion_fault(file) or list_fault(file):
        raise project.invalid(*fault)
    _check_names(project)
    return project


def _check_names(project: Project) -> None:
    """Looks for what is installed only when a name asks for it: that takes time."""
    if not (unknown := unknown_names(project.file)):
        return
    from gaesup_tui.service.strategies import installed

    there = installed()
    for where, name in unknown:
        if name not in there:
            hint = nearest(project.file, name, there)
            raise project.invalid(where, f"there is no strategy {name!r}", hint)


def deploy_command(
    project: Project,
    unit: str,
    version: str,
    environment: str,
    why: str = "",
    *,
    strategy: str | None = None,
    replicas: int | None = None,
) -> Deploy:
    """The command that deploys ``version`` of ``unit`` to ``environment``; the artifact is read
    and its digest checked.

    Args:
        strategy: instead of the one the file names.
        replicas: how many there will be, for a strategy that asks; None: as the file says.

    Raises:
        NotFound: no such unit, version, environment or strategy.
        Invalid: the artifact is missing, is no module, or has another digest; an installed
            strategy is broken.
    """
    try:
        where = project.file.environment(environment)
        config.named_version(project.file.unit(unit), unit, version)
    except NotFound as error:
        raise NotFound(f"{_name(project.path)}: {error.message}", hint=error.hint) from None
    name = strategy or config.strategy_of(project.file, unit, environment)
    artifact, sha256 = artifact_of(project, unit, version)
    return config.deploy_command(
        project.file,
        unit,
        version,
        environment,
        artifact=str(artifact),
        sha256=sha256,
        path=str(project.path.resolve()),
        why=why,
        strategy=name,
        steps=installed_steps(project, unit, environment, name, replicas or where.replicas or 1),
    )


def installed_steps(
    project: Project, unit: str, environment: str, name: str, replicas: int
) -> tuple[StrategyStep, ...]:
    """The list of an installed strategy; nothing for one of the file or a built-in one."""
    if name in BUILT_IN or name in project.file.strategies:
        return ()
    from gaesup_tui.service import strategies

    if name not in (there := strategies.installed()):
        hint = nearest(project.file, name, there)
        raise NotFound(f"there is no strategy {printable_line(name, 80)!r}", hint=hint)
    options = config.options_of(project.file, unit, environment)
    return strategies.steps_of(name, replicas, project.file.unit(unit).smoke_tests, options)


def artifact_of(project: Project, unit: str, version: str) -> tuple[Path, str]:
    """Absolute path and digest of a version's module, after looking at it.

    Raises:
        Invalid: missing, too large, not a module, or not the digest that is written.
    """
    spec = project.file.units[unit]
    at = ("units", unit, "versions", version)
    path = (project.path.parent / config.artifact_path(spec, version)).resolve()
    try:
        size = path.stat().st_size
        body = path.read_bytes() if path.is_file() and size <= MAX_ARTIFACT_BYTES else None
    except OSError as error:
        raise project.invalid(
            at, f"{path} cannot be read ({error.strerror})", "build it, or correct `artifact`"
        ) from None
    if body is None:
        what = f"{size} bytes long" if path.is_file() else "not a file"
        limit = MAX_ARTIFACT_BYTES >> 20
        raise project.invalid(at, f"{path} is {what}", f"a module is a file of at most {limit} MiB")
    if problem := _not_a_module(body):
        raise project.invalid(at, f"{path} {problem[0]}", problem[1])
    digest = hashlib.sha256(body).hexdigest()
    wanted = spec.versions[version].sha256
    if wanted and wanted != digest:
        raise project.invalid(
            (*at, "sha256"),
            f"{path} has the digest {digest}, not {wanted}",
            "build it again, or write the new digest here",
        )
    return path, digest


def check_artifacts(project: Project) -> int:
    """Looks at the module of every version; how many there are. Raises like ``artifact_of``."""
    pairs = [(unit, v) for unit, spec in project.file.units.items() for v in spec.versions]
    for unit, version in pairs:
        artifact_of(project, unit, version)
    return len(pairs)


def _not_a_module(body: bytes) -> tuple[str, str] | None:
    if body[:4] != b"\0asm":
        hint = "compile it to WebAssembly"
        if body.lstrip().startswith(b"(module"):
            return "is WebAssembly text, not a module", "turn it into binary with wat2wasm"
        return "is not a WebAssembly module", hint
    if body[4:8] == b"\x0d\0\1\0":
        return "is a component, not a core module", "build a core module, see docs/units.md"
    if body[4:8] != b"\1\0\0\0":
        return "is of a WebAssembly version nobody knows", "compile it for version 1"
    return None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:  # a pipe has no size, and a device no end
            body = file.read(MAX_FILE_BYTES + 1)
        if len(body) > MAX_FILE_BYTES:
            raise Invalid(f"{path} is larger than 1 MiB", hint="this cannot be a gaesup.yaml")
        return body.decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        raise NotFound(f"{path} does not exist", hint="`gaesup init` writes one") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"{path} is not UTF-8 text", hint=f"see byte {error.start}") from None
    except OSError as error:
        raise Invalid(f"{path} cannot be read", hint=str(error.strerror)) from None


def _dotted(where: tuple[str | int, ...]) -> str:
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{printable_line(part, 80)}"
    return text.lstrip(".")


def _at(path: Path, line: int, field: str, message: str, hint: str) -> Invalid:
    field = f"{field}: " if field else ""
    return Invalid(f"{_name(path)}:{line}: {field}{message}", hint=hint)


def _name(path: Path) -> str:
    """As short as it is clear: without its folder when that is the working one."""
    return path.name if path.parent.resolve() == Path.cwd() else str(path)


def _first(path: Path, document: Document, error: ValidationError) -> Invalid:
    """The error that comes first in the file, in words."""
    details = error.errors(include_url=False)

    unknown = {e["loc"][:-1]: e["loc"] for e in details[::-1] if e["type"] == "extra_forbidden"}

    def place(each: ErrorDetails) -> tuple[int, bool]:
        # A misspelt field is missing too: the misspelling is what a person wants to hear of.
        is_missing = each["type"] == "missing"
        loc = unknown.get(each["loc"][:-1], each["loc"]) if is_missing else each["loc"]
        return document.line(_written(document, loc)), is_missing

    first = min(details, key=place)
    where = first["loc"]
    message, hint = words_of(first)
    line = document.line(_written(document, where))
    return _at(path, line, _dotted(_written(document, where, first)), message, hint)


def _written(
    document: Document, loc: tuple[str | int, ...], detail: ErrorDetails | None = None
) -> tuple[str | int, ...]:
    """``loc`` without the parts pydantic adds (``[key]``, a short form's inner field)."""
    if loc and loc[-1] == "[key]":
        loc = loc[:-1]
    if detail is not None and detail["type"] == "missing":
        return loc
    while loc and loc not in document.lines:
        loc = loc[:-1]
    return loc
