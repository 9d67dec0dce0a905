"""Where gaesup keeps its things, for one user on one host. Standard library and platformdirs.

``GAESUP_HOME`` puts everything below one folder: a world of its own, for tests and demos.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gaesup_tui.domain.errors import Invalid

HOME = "GAESUP_HOME"
MAX_SOCKET_BYTES = 100
"""Linux takes 107 bytes, others 103; a longer path cannot be bound at all."""
_LONGEST_NAME = "engine-start.lock"
_NAME = "gaesup"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders, and the files in them that more than one part names."""

    config: Path
    """What people write: ``keys.yaml``, ``engine.yaml``."""
    state: Path
    """What must last: the journal, its backups, the artifacts."""
    logs: Path
    runtime: Path
    """Sockets and locks; may vanish with a reboot."""

    @property
    def socket(self) -> Path:
        """Where the engine answers."""
        return self.runtime / "engine.sock"

    @property
    def engine_lock(self) -> Path:
        """Held by the engine as long as it lives."""
        return self.runtime / "engine.lock"

    @property
    def start_lock(self) -> Path:
        """Held by the one who starts an engine, until it answers."""
        return self.runtime / _LONGEST_NAME

    @property
    def engine_log(self) -> Path:
        """What the engine says of itself."""
        return self.logs / "engine.log"

    @property
    def engine_output(self) -> Path:
        """What the engine's process wrote outside its log: why it could not start."""
        return self.logs / "engine.out"

    @property
    def engine_settings(self) -> Path:
        """What the engine is asked for; read when it starts."""
        return self.config / "engine.yaml"

    @property
    def journal(self) -> Path:
        """The SQLite file of the journal."""
        return self.state / "journal.db"


def find(environment: Mapping[str, str] | None = None) -> Places:
    """The places of this user. Looks only; makes nothing.

    Raises:
        Invalid: ``GAESUP_HOME`` is not an absolute path.
    """
    environment = os.environ if environment is None else environment
    home = environment.get(HOME, "")
    if not home:
        return _of_user()
    root = Path(home)
    if not root.is_absolute():
        raise Invalid(f"{HOME} is {home!r}", hint="give an absolute path")
    return Places(root / "config", root / "state", root / "logs", _short(root / "run", root))


def _of_user() -> Places:
    # Loaded here: a console with a home of its own needs none of it before its first paint.
    import platformdirs

    state = Path(platformdirs.user_state_dir(_NAME, appauthor=False))
    return Places(
        config=Path(platformdirs.user_config_dir(_NAME, appauthor=False)),
        state=state,
        logs=Path(platformdirs.user_log_dir(_NAME, appauthor=False)),
        runtime=_short(_runtime_of_user(), state),
    )


def _runtime_of_user() -> Path:
    """Below the session's folder; without one (cron, sudo, a container) below the temporary one,
    under a name of our own, since others may make names there."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    for base in (given, f"/run/user/{os.getuid()}"):
        if base and os.path.isabs(base) and os.access(base, os.W_OK):
            return Path(base) / _NAME
    return _temporary() / f"{_NAME}-{os.getuid()}"


def _short(wanted: Path, whose: Path) -> Path:
    """``wanted``, or a folder named after ``whose`` below the temporary one when sockets in
    ``wanted`` would have too long a path."""
    if len(os.fsencode(wanted / _LONGEST_NAME)) < MAX_SOCKET_BYTES:
        return wanted
    import hashlib

    digest = hashlib.sha256(os.fsencode(whose)).hexdigest()[:12]
    return _temporary() / f"{_NAME}-{os.getuid()}-{digest}"


def _temporary() -> Path:
    return Path(os.environ.get("TMPDIR") or "/tmp")


def make(places: Places) -> None:
    """Makes the folders, open to this user only.

    Raises:
        Invalid: one of them belongs to somebody else, is open to others, or cannot be made.
    """
    for folder in (places.state, places.logs, places.runtime):
        make_private(folder)


def make_private(folder: Path) -> None:
    """Makes one folder, open to this user only; see ``make``."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise Invalid(f"cannot make {folder}: {error.strerror}", hint=_elsewhere()) from None
    check(folder)


def check(folder: Path) -> None:
    """Whether a folder is this user's alone; one that others can only read is closed to them.

    Raises:
        Invalid: it is not; the message says what is wrong and how to mend it.
    """
    try:
        found = os.lstat(folder)
    except OSError as error:
        raise Invalid(f"cannot look at {folder}: {error.strerror}", hint=_elsewhere()) from None
    if not stat.S_ISDIR(found.st_mode):
        raise Invalid(f"{folder} is not a folder", hint="move it away")
    if found.st_uid != os.geteuid():
        raise Invalid(
            f"{folder} belongs to user {found.st_uid}, not to you ({os.geteuid()})",
            hint=_elsewhere(),
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o022:
        # Somebody else may have put things into it already: closing it now would hide that.
        raise Invalid(
            f"{folder} can be written by others (mode {mode:03o})",
            hint=f"look at what is in it, then: chmod 700 {folder}",
        )
    if mode & 0o077:
        os.chmod(folder, 0o700)


def _elsewhere() -> str:
    return f"set {HOME} to a folder of your own"
