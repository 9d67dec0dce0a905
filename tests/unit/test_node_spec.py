"""What is applied is checked field by field, and the error names it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gaesup_backends.local.spec import (
    SpecError,
    check_deployment,
    check_replicas,
    check_weights,
    parse_revision,
)

CART = "cart@production"
GOOD: dict[str, Any] = {
    "id": "v42-1a2b3c4d",
    "version": "v42",
    "artifact": "/units/cart.wasm",
    "sha256": "0" * 64,
    "memory_bytes": 1 << 20,
    "deadline_ms": 250,
}


def test_a_revision_with_defaults() -> None:
    spec = parse_revision(CART, GOOD)
    assert (spec.cpu_share, spec.env, spec.capabilities) == (
        None,
        (),
        ("stdio", "clock", "random"),
    )
    assert json.loads(spec.config) == {
        "revision": "v42-1a2b3c4d",
        "version": "v42",
        "unit": "cart",
        "env": "production",
        "config": {},
    }
    assert parse_revision(CART, {**GOOD, "capabilities": []}).capabilities == ()


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("id", "../x", "revision.id: '../x' does not match"),
        ("id", None, "revision.id"),
        ("artifact", "cart.wasm", "not an absolute path"),
        ("sha256", "abc", "revision.sha256"),
        ("memory_bytes", 1, "not a whole number from 65536"),
        ("memory_bytes", True, "revision.memory_bytes"),
        ("deadline_ms", "250", "revision.deadline_ms"),
        ("deadline_ms", 0, "from 1 to 60000"),
        ("cpu_share", 2, "not a number from 0.01 to 1"),
        ("config", [], "revision.config: expected an object"),
        ("config", {"a": "b" * 70_000}, "more than 60000 bytes"),
        ("env", {"A=B": "c"}, "revision.env"),
        ("capabilities", "stdio", "revision.capabilities"),
        ("colour", "red", "revision.colour: unknown field"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any, why: str) -> None:
    with pytest.raises(SpecError, match=why):
        parse_revision(CART, {**GOOD, field: value})


@pytest.mark.parametrize("value", ["cart", "Cart@x", "a@b@c", "", None, "a/b@c", "-a@b", "a@.."])
def test_a_deployment_is_unit_at_environment(value: Any) -> None:
    with pytest.raises(SpecError, match="expected unit@environment"):
        check_deployment(value)


@pytest.mark.parametrize(
    ("weights", "why"),
    [
        ({"a": 130}, "130 is not a whole percent"),
        ({"a": -1, "b": 101}, "-1 is not a whole percent"),
        ({"a": 50.0, "b": 50}, "50.0 is not a whole percent"),
        ({"a": 99}, "add up to 99"),
        ([], "expected revision ids"),
    ],
)
def test_weights_make_100_or_nothing(weights: Any, why: str) -> None:
    with pytest.raises(SpecError, match=why):
        check_weights(weights)
    assert check_weights({}) == {}
    assert check_weights({"a": 25, "b": 75}) == {"a": 25, "b": 75}


@pytest.mark.parametrize("value", [-1, 1.5, "2", None, 65, True])
def test_replicas_are_a_small_whole_number(value: Any) -> None:
    with pytest.raises(SpecError, match="from 0 to 64"):
        check_replicas(value)
