"""What happens to the engine itself and to its backends; nobody decides it."""

from __future__ import annotations

from typing import Literal

from gaesup_tui.domain.model import Frozen, Name, Text


class EngineStarted(Frozen):
    """A life of the engine began; what came before ended with ``clean`` or without a word."""

    kind: Literal["engine_started"] = "engine_started"
    version: str
    pid: int
    after_crash: bool
    lost: Text = ""
    """What shows that its journal held more once."""


class EngineStopped(Frozen):
    """A life of the engine ended as it was asked to."""

    kind: Literal["engine_stopped"] = "engine_stopped"
    why: Text = ""


class BackendRestarted(Frozen):
    """A backend that was seen before answers as another process: all that ran there began anew."""

    kind: Literal["backend_restarted"] = "backend_restarted"
    backend: Name
