"""What is applied to the node, checked where it enters."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from gaesup_backends.local.gate import DEFAULT_CAPABILITIES
from gaesup_tui.domain.route import Rules, rules_from_json

DEPLOYMENT_NAME: Final = re.compile(
    r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?@[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
)
REVISION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
SHA256: Final = re.compile(r"[0-9a-f]{64}")
MAX_REPLICAS: Final = 64
MAX_CONFIG_BYTES: Final = 60_000
MIN_MEMORY_BYTES: Final = 64 * 1024
MAX_MEMORY_BYTES: Final = 4 * 1024**3
DEADLINE_MS: Final = (1, 60_000)


class SpecError(Exception):
    """What was asked for cannot be; the message names the field, the value and the range."""


@dataclass(frozen=True, slots=True)
class RevisionSpec:
    """One immutable revision: artifact, limits and configuration together."""

    id: str
    version: str
    artifact: str
    sha256: str
    memory_bytes: int
    deadline_ms: int
    cpu_share: float | None
    config: str
    env: tuple[tuple[str, str], ...]
    capabilities: tuple[str, ...]


def check_deployment(value: Any) -> str:
    """A deployment's name, ``unit@environment``."""
    if not isinstance(value, str) or not DEPLOYMENT_NAME.fullmatch(value):
        raise SpecError(f"deployment {value!r}: expected unit@environment, lower-case with dashes")
    return value


def check_replicas(value: Any) -> int:
    """A wanted number of replicas."""
    if not _is_int(value) or not 0 <= value <= MAX_REPLICAS:
        raise SpecError(f"replicas {value!r}: expected a whole number from 0 to {MAX_REPLICAS}")
    return int(value)


def check_weights(value: Any) -> dict[str, int]:
    """Whole percents that make 100, or nothing at all."""
    if not isinstance(value, dict):
        raise SpecError(f"weights {value!r}: expected revision ids with percents")
    for revision, weight in value.items():
        if not _is_int(weight) or not 0 <= weight <= 100:
            raise SpecError(
                f"weight of {revision}: {weight!r} is not a whole percent from 0 to 100"
            )
    if value and sum(value.values()) != 100:
        raise SpecError(f"weights add up to {sum(value.values())}, they must make 100")
    return {str(revision): int(weight) for revision, weight in value.items()}


def check_rules(value: Any) -> Rules:
    """What a route says beside its weights."""
    try:
        return rules_from_json(value)
    except ValueError as error:
        raise SpecError(str(error)) from None


def parse_revision(deployment: str, value: Any) -> RevisionSpec:
    """A revision as the engine sends it.

    Raises:
        SpecError: a field is missing, unknown or out of range.
    """
    if not isinstance(value, dict):
        raise SpecError("revision: expected an object")
    known = set(RevisionSpec.__slots__)
    for name in value:
        if name not in known:
            raise SpecError(f"revision.{name}: unknown field; known are {', '.join(sorted(known))}")
    return RevisionSpec(
        id=_matching(value, "id", REVISION_ID),
        version=_matching(value, "version", REVISION_ID),
        artifact=_artifact(value),
        sha256=_matching(value, "sha256", SHA256),
        memory_bytes=_between(value, "memory_bytes", MIN_MEMORY_BYTES, MAX_MEMORY_BYTES),
        deadline_ms=_between(value, "deadline_ms", *DEADLINE_MS),
        cpu_share=_cpu_share(value.get("cpu_share")),
        config=_config(deployment, value),
        env=_env(value.get("env", {})),
        capabilities=_capabilities(value.get("capabilities")),
    )


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _matching(value: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not pattern.fullmatch(found):
        raise SpecError(f"revision.{name}: {found!r} does not match {pattern.pattern}")
    return found


def _between(value: dict[str, Any], name: str, low: int, high: int) -> int:
    found = value.get(name)
    if not _is_int(found) or not low <= int(found or 0) <= high:
        raise SpecError(f"revision.{name}: {found!r} is not a whole number from {low} to {high}")
    return int(found or 0)


def _artifact(value: dict[str, Any]) -> str:
    found = value.get("artifact")
    if not isinstance(found, str) or not found.startswith("/"):
        raise SpecError(f"revision.artifact: {found!r} is not an absolute path")
    return found


def _cpu_share(found: Any) -> float | None:
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0.01 <= found <= 1:
        raise SpecError(f"revision.cpu_share: {found!r} is not a number from 0.01 to 1")
    return float(found)


def _config(deployment: str, value: dict[str, Any]) -> str:
    found = value.get("config", {})
    if not isinstance(found, dict):
        raise SpecError("revision.config: expected an object")
    unit, _, environment = deployment.partition("@")
    facts = {
        "revision": value["id"],
        "version": value["version"],
        "unit": unit,
        "env": environment,
        "config": found,
    }
    # Compact, so that a unit without a JSON library can search for `"name":value`.
    text = json.dumps(facts, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > MAX_CONFIG_BYTES:
        raise SpecError(f"revision.config: more than {MAX_CONFIG_BYTES} bytes as JSON")
    return text


def _env(found: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(found, dict) or not all(
        isinstance(k, str) and isinstance(v, str) and k and "=" not in k and "\0" not in k + v
        for k, v in found.items()
    ):
        raise SpecError("revision.env: expected an object of names and text")
    return tuple(sorted(found.items()))


def _capabilities(found: Any) -> tuple[str, ...]:
    if found is None:
        return DEFAULT_CAPABILITIES
    if not isinstance(found, list | tuple) or not all(isinstance(c, str) for c in found):
        raise SpecError("revision.capabilities: expected a list of names")
    return tuple(sorted(set(found)))
