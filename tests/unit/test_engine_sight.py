"""What counts as evidence about a revision, and from when on."""

from __future__ import annotations

from gaesup_tui.domain.observation import (
    Counters,
    DeploymentSeen,
    Observation,
    ReplicaSeen,
    ReplicaState,
    RevisionSeen,
)
from gaesup_tui.engine.sight import Sight

KEY, V42 = "cart@production", "v42-b"


def seen_at(at: float, boot: str, state: ReplicaState, ok: int, errors: int) -> Observation:
    there = RevisionSeen(
        wanted=1,
        replicas=(ReplicaSeen("v42-1", state, at),),
        counters=Counters(ok=ok, errors=errors),
    )
    return Observation(at, boot, {KEY: DeploymentSeen({V42: 100}, {V42: there})})


def errors_after(*observations: Observation) -> int | None:
    """Errors in a window over all of them."""
    sight = Sight()
    for observation in observations:
        assert sight.take(observation, observation.at)
    window = sight.window(KEY, V42, observations[-1].at, 60.0)
    return window.errors if window else None


def test_what_a_node_refuses_while_it_starts_is_no_error_of_the_revision() -> None:
    assert errors_after(
        seen_at(100, "first", "ready", ok=500, errors=0),
        seen_at(103, "second", "starting", ok=0, errors=40),
        seen_at(104, "second", "ready", ok=0, errors=90),
        seen_at(106, "second", "ready", ok=50, errors=91),
    ) == 1  # fmt: skip


def test_a_replica_that_falls_over_after_it_was_ready_is_blamed_for_what_follows() -> None:
    assert errors_after(
        seen_at(100, "first", "ready", ok=500, errors=0),
        seen_at(101, "first", "backoff", ok=500, errors=60),
        seen_at(102, "first", "starting", ok=500, errors=120),
    ) == 120  # fmt: skip


def test_a_revision_that_never_was_ready_has_no_evidence() -> None:
    assert errors_after(
        seen_at(100, "first", "starting", ok=0, errors=10),
        seen_at(101, "first", "unready", ok=0, errors=20),
    ) is None  # fmt: skip
