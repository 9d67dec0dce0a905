"""Release trains in ``gaesup.yaml``: what is right becomes one command, what is wrong one error."""

from __future__ import annotations

from pathlib import Path

import pytest

from gaesup_tui.domain.errors import GaesupError, Invalid, NotFound
from gaesup_tui.service import project
from gaesup_tui.service.train_project import seen, train_command, train_spec

MODULE = b"\0asm\1\0\0\0"
UNITS = """\
apiVersion: gaesup/v1
environments:
  production: {replicas: 2}
units:
  cart:
    artifact: cart-{version}.wasm
    versions: {v41: , v42: }
    dependsOn: [catalog]
  catalog:
    artifact: catalog-{version}.wasm
    versions: {v21: , v22: }
    strategy: canary
"""
TRAIN = """\
trains:
  spring:
    environment: production
    units: {cart: v42, catalog: v22}
    onFailure: hold
    atOnce: 1
    expiry: 2h
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("cart-v41", "cart-v42", "catalog-v21", "catalog-v22"):
        (tmp_path / f"{name}.wasm").write_bytes(MODULE)
    return tmp_path


def loaded(folder: Path, trains: str) -> project.Project:
    (folder / "gaesup.yaml").write_text(UNITS + trains)
    return project.load(project.find())


def test_a_train_becomes_one_command_with_every_unit_as_it_would_be_deployed(folder: Path) -> None:
    file = loaded(folder, TRAIN)
    command = train_command(file, "spring", train_spec(file, "spring"), "spring release")
    assert [order.deployment for order in command.orders] == [
        "cart@production",
        "catalog@production",
    ]
    assert [order.strategy for order in command.orders] == ["rolling", "canary"]
    assert [order.replicas for order in command.orders] == [2, 2]
    assert (command.on_failure, command.at_once, command.expiry_s) == ("hold", 1, 7200.0)
    assert (command.gate, command.why) == ("between", "spring release")
    bound = seen(command, {"cart@production": 9})
    assert [order.expect_seq for order in bound.orders] == [9, None]
    assert [order.replicas for order in bound.orders] == [None, 2]


def test_a_train_may_say_another_strategy_for_all(folder: Path) -> None:
    file = loaded(folder, TRAIN + "    strategy: blueGreen\n")
    command = train_command(file, "spring", train_spec(file, "spring"))
    assert {order.strategy for order in command.orders} == {"blueGreen"}


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ("units: {card: v42}", "gaesup.yaml:16: trains.spring.units.card: there is no unit 'card'"),
        ("units: {cart: v43}", "trains.spring.units.cart: cart has no version 'v43'"),
        ("units: {cart: v42, cart: v41}", "gaesup.yaml:16: "),
        ("units: {}", "trains.spring.units: "),
        ("units: {cart: v42}\n    gate: after", "gaesup.yaml:17: trains.spring.gate: "),
        ("units: {cart: v42}\n    atOnce: 0", "gaesup.yaml:17: trains.spring.atOnce: "),
        ("units: {cart: v42}\n    onFail: hold", "did you mean onFailure?"),
    ],
)
def test_what_is_wrong_is_one_error_with_its_line(folder: Path, train: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        loaded(folder, f"trains:\n  spring:\n    environment: production\n    {train}\n")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_environment_there_is_not_is_said_with_its_line(folder: Path) -> None:
    with pytest.raises(Invalid, match=r"gaesup\.yaml:15: .*no environment 'moon'"):
        loaded(folder, "trains:\n  spring:\n    environment: moon\n    units: {cart: v42}\n")


def test_one_bad_module_and_there_is_no_command(folder: Path) -> None:
    file = loaded(folder, TRAIN)
    (folder / "catalog-v22.wasm").write_bytes(b"not a module")
    with pytest.raises(GaesupError, match="is not a WebAssembly module"):
        train_command(file, "spring", train_spec(file, "spring"))


def test_a_train_there_is_not_is_answered_with_those_there_are(folder: Path) -> None:
    with pytest.raises(NotFound, match=r"has no train 'autumn'.*trains here: spring"):
        train_spec(loaded(folder, TRAIN), "autumn")
