"""The engine keeps its own copy of every module, and only of what was asked for."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from pathlib import Path

import pytest

from gaesup_tui.domain.errors import Invalid, Unavailable
from gaesup_tui.domain.revision import Revision, make_revision
from gaesup_tui.engine.artifacts import MAX_BYTES, ArtifactStore

BODY = b"\0asm\1\0\0\0"
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "cart.wasm"
    path.write_bytes(BODY)
    return path


def accept(store: ArtifactStore, revision: Revision) -> Revision:
    return asyncio.run(store.accept(revision))


def revision(path: Path, sha256: str = SHA256) -> Revision:
    return make_revision("cart", "v1", sha256, str(path))


def test_a_module_outlives_the_file_it_came_from(tmp_path: Path, module: Path) -> None:
    store = ArtifactStore(tmp_path / "store")
    accepted = accept(store, revision(module))
    module.unlink()
    assert Path(accepted.artifact).read_bytes() == BODY
    assert stat.S_IMODE(Path(accepted.artifact).stat().st_mode) == 0o600
    assert accepted.id == revision(module).id
    assert (accept(store, revision(module))).artifact == accepted.artifact


def test_another_module_is_refused_with_both_digests(tmp_path: Path, module: Path) -> None:
    with pytest.raises(Invalid) as told:
        accept(ArtifactStore(tmp_path / "store"), revision(module, "f" * 64))
    assert str(module) in str(told.value)
    assert SHA256 in str(told.value)
    assert "f" * 64 in str(told.value)
    assert not (tmp_path / "store").exists()


def test_a_copy_that_was_damaged_is_made_again(tmp_path: Path, module: Path) -> None:
    store = ArtifactStore(tmp_path / "store")
    kept = Path((accept(store, revision(module))).artifact)
    kept.write_bytes(b"garbage")
    accept(store, revision(module))
    assert kept.read_bytes() == BODY


@pytest.mark.parametrize("what", ["missing", "directory", "large", "relative", "pipe"])
def test_what_is_no_module_is_refused_by_name(tmp_path: Path, what: str) -> None:
    path = tmp_path / "thing"
    if what == "directory":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "large":
        path.write_bytes(bytes(MAX_BYTES + 1))
    elif what == "relative":
        path = Path("thing")
    with pytest.raises(Invalid, match="thing"):
        accept(ArtifactStore(tmp_path / "store"), revision(path))


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path, module: Path) -> None:
    (tmp_path / "store").write_text("in the way")
    with pytest.raises(Unavailable, match="cannot keep the module"):
        accept(ArtifactStore(tmp_path / "store"), revision(module))
