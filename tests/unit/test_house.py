"""The house rules that a machine can check."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("gaesup_tui", "widgets/gaesup_widgets", "backends/gaesup_backends")
SOURCES = sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))
MAX_LINES = 400


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_is_one_idea_of_at_most_400_lines(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{path.relative_to(ROOT)} has {lines} lines: give its parts a room"


MAPPED = {"## The domain": "gaesup_tui/domain", "## The engine": "gaesup_tui/engine"}


def modules_named(section: str) -> list[str]:
    """What the first column of the table under a heading of the architecture names."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    part = text.split(f"\n{section}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return re.findall(r"`([^`]+)`", "".join(rows))


@pytest.mark.parametrize("section", MAPPED)
def test_the_architecture_names_modules_that_are_there(section: str) -> None:
    room, named = ROOT / MAPPED[section], modules_named(section)
    assert len(named) > 15
    paths = {name: name if name.endswith("/") else f"{name}.py" for name in named}
    gone = [name for name, path in paths.items() if not any(room.glob(path))]
    assert not gone


def test_the_architecture_names_every_room() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([a-z_/]+)/` \|", text, re.M)) - {"judging", "abtest"}
    rooms = {
        str(path.parent.relative_to(ROOT))
        for top in (ROOT / "gaesup_tui", ROOT / "widgets", ROOT / "backends")
        for path in top.glob("*/__init__.py")
    }
    assert named == rooms


def imported_by(statement: str) -> set[str]:
    """The top-level names in ``sys.modules`` after ``statement`` ran in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


HEAVY = {"textual", "rich", "wasmtime", "kubernetes", "httpx", "pydantic", "starlette", "uvicorn"}


@pytest.mark.parametrize("module", ["text", "views", "actions", "errors"])
def test_what_a_first_paint_needs_of_the_domain_is_standard_library_only(module: str) -> None:
    assert not imported_by(f"import gaesup_tui.domain.{module}") & HEAVY


def test_the_command_line_starts_without_anything_heavy() -> None:
    assert not imported_by("import gaesup_tui.cli.main") & HEAVY


def test_the_console_paints_before_it_loads_models_transport_or_runtimes() -> None:
    late = {"httpx", "pydantic", "wasmtime", "kubernetes", "starlette", "uvicorn", "yaml"}
    assert not imported_by("import gaesup_tui.console.app") & late


def test_widgets_import_textual_and_rich_only_when_used() -> None:
    assert not imported_by("import gaesup_widgets") & HEAVY


def committed_text() -> list[tuple[str, str]]:
    names = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    texts = []
    for name in names:
        path = ROOT / name
        if path.suffix in {".wasm", ".png", ".svg"} or not path.is_file():
            continue
        texts.append((name, path.read_text(encoding="utf-8", errors="replace")))
    return texts


def test_nothing_committed_names_a_package_registry_or_a_path_of_one_machine() -> None:
    hosts = re.compile(
        r"files\.pythonhosted\.org|pypi\.org|registry\.npmjs\.org|static\.crates\.io"
        r"|(?:^|[^A-Za-z0-9_.])/(?:work|farm|root)/[a-z]",
        re.M,
    )
    here = "tests/unit/test_house.py"
    found = [
        f"{name}: {match.group(0).strip()}"
        for name, text in committed_text()
        if name != here and (match := hosts.search(text))
    ]
    assert not found


def test_no_lock_file_names_an_index() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text(encoding="utf-8")
        assert "--index-url" not in text
        assert "://" not in text, f"{lock.name} names a host"
