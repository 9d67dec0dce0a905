"""A revision: unit, version, artifact and config as one immutable thing."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from pydantic import Field

from gaesup_tui.domain.model import Frozen, Name, Version

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


LEAST_DEADLINE_MS = 10
MOST_DEADLINE_MS = 60_000


class Limits(Frozen):
    """What one replica may use."""

    memory_bytes: int = Field(default=64 * 2**20, ge=2**16, le=2**32)
    deadline_ms: int = Field(default=1000, ge=LEAST_DEADLINE_MS, le=MOST_DEADLINE_MS)
    """How long one request may run before the replica is killed."""
    cpu_share: float | None = Field(default=None, gt=0, le=1)
    """Share of one core; None is no limit."""


class Revision(Frozen):
    """What is deployed. Two revisions with one id are the same in every byte that matters."""

    id: str = Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._+-]{0,63}-[0-9a-f]{8}$")
    unit: Name
    version: Version
    sha256: Sha256
    artifact: str
    """Absolute path of the module; after acceptance, in the engine's own store."""
    limits: Limits = Limits()
    config: dict[str, str] = Field(default_factory=dict)
    capabilities: tuple[str, ...] = ()


def make_revision(
    unit: str,
    version: str,
    sha256: str,
    artifact: str,
    limits: Limits | None = None,
    config: dict[str, str] | None = None,
    capabilities: tuple[str, ...] = (),
) -> Revision:
    """A revision whose id is the version and eight digits over all that makes it what it is."""
    limits = limits or Limits()
    config = config or {}
    body = json.dumps(
        [unit, version, sha256, limits.model_dump(), config, capabilities], sort_keys=True
    )
    digest = hashlib.sha256(body.encode()).hexdigest()[:8]
    return Revision(
        id=f"{version}-{digest}",
        unit=unit,
        version=version,
        sha256=sha256,
        artifact=artifact,
        limits=limits,
        config=config,
        capabilities=capabilities,
    )
