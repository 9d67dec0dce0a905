"""The engine's own copy of every module it may have to start again, named by its digest."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from gaesup_tui.domain.errors import Invalid, Unavailable
from gaesup_tui.domain.revision import Revision

MAX_BYTES = 8 * 2**20


class ArtifactStore:
    """``<root>/<sha256>.wasm``, each file 0600 and complete or absent."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def accept(self, revision: Revision) -> Revision:
        """The same revision with its artifact in the store.

        Raises:
            Invalid: the file is missing, too large, or not what its digest says.
            Unavailable: the store cannot be written.
        """
        kept = await asyncio.to_thread(self._keep, Path(revision.artifact), revision.sha256)
        return revision.model_copy(update={"artifact": str(kept)})

    def here(self, revision: Revision) -> Revision:
        """The revision with its artifact where this store lies now: a journal that was restored
        elsewhere still names the place it came from."""
        return revision.model_copy(update={"artifact": str(self._path(revision.sha256))})

    def _path(self, sha256: str) -> Path:
        return self.root / f"{sha256}.wasm"

    def _keep(self, source: Path, sha256: str) -> Path:
        target = self._path(sha256)
        if _holds(target, sha256):
            return target
        body = _read(source)
        found = hashlib.sha256(body).hexdigest()
        if found != sha256:
            raise Invalid(
                f"{source} is not the module that was asked for: "
                f"its sha256 is {found}, expected {sha256}",
                hint="build it again, or correct the digest in gaesup.yaml",
            )
        self._write(target, body)
        return target

    def _write(self, target: Path, body: bytes) -> None:
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, partial = tempfile.mkstemp(dir=self.root, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:  # mkstemp makes it 0600
                    file.write(body)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(partial, target)
            except OSError:
                with suppress(OSError):
                    os.unlink(partial)
                raise
        except OSError as error:
            raise Unavailable(
                f"cannot keep the module in {self.root}: {error.strerror}",
                hint="free some space or make it writable, then deploy again",
            ) from None


def _read(source: Path) -> bytes:
    if not source.is_absolute():
        raise Invalid(f"artifact {str(source)[:200]!r} is not an absolute path")
    if source.exists() and not source.is_file():  # opening a pipe would wait for ever
        raise Invalid(f"the artifact {source} is not a file")
    try:
        with source.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Invalid(
            f"cannot read the artifact {source}: {error.strerror}",
            hint="build the unit first, or correct the path in gaesup.yaml",
        ) from None
    if len(body) > MAX_BYTES:
        raise Invalid(f"the artifact {source} is larger than {MAX_BYTES // 2**20} MiB")
    return body


def _holds(target: Path, sha256: str) -> bool:
    """Whether the store has it, whole: a file that was damaged since is written again."""
    try:
        return hashlib.sha256(target.read_bytes()).hexdigest() == sha256
    except OSError:
        return False
