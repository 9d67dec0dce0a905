"""Strategies of one's own: lists in gaesup.yaml, and functions of packages that give such lists."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_tui.cli.main import main
from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.compiling import own_plan
from gaesup_tui.domain.errors import GaesupError, Invalid
from gaesup_tui.domain.step_rules import strategy_fault
from gaesup_tui.domain.step_spec import StrategyStep
from gaesup_tui.domain.steps import Check, Scale, SetTraffic
from gaesup_tui.service import project, strategies

from .story import KEY, Story, revision

SHOP = Path(__file__).parents[2] / "examples" / "shop" / "artifacts"
FILE = """\
apiVersion: gaesup/v1
environments:
  production: {replicas: 4}
units:
  cart:
    artifact: cart-{version}.wasm
    versions: {v41: {}, v42: {}}
    strategy: careful
    smokeTests: [{path: /health}]
strategies:
  careful:
    - deploy: 25%
    - ready: 90s
    - smoke:
    - weight: 10
    - stabilise: 30s
    - analysis: 1m
    - approve: 10m
    - replicas: all
    - weight: 100
    - bake: 10m
    - retire:
"""
CAREFUL = [
    "candidate × 1",
    "healthy",
    "smoke 1",
    "10 %",
    "stabilise 30 s",
    "analyse 1m00",
    "wait for you",
    "candidate × 4",
    "healthy",
    "100 %",
    "bake 10m00",
    "base × 0",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for version in ("v41", "v42"):
        name = f"cart-{version}.wasm"
        (tmp_path / name).write_bytes((SHOP / name).read_bytes())
    (tmp_path / "gaesup.yaml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAESUP_HOME", str(tmp_path / "home"))
    return tmp_path


def deploy(**more: Any) -> cmd.Deploy:
    return project.deploy_command(project.load(project.find()), "cart", "v42", "production", **more)


def error_of(folder: Path, text: str) -> str:
    (folder / "gaesup.yaml").write_text(text)
    with pytest.raises(GaesupError) as caught:
        project.load(project.find())
    return str(caught.value)


def titles(command: cmd.Deploy, replicas: int) -> list[str]:
    return [s.title() for s in own_plan(command.steps, replicas, command.checks, replicas)]


def test_a_list_becomes_the_steps_it_says_for_as_many_replicas_as_run(folder: Path) -> None:
    command = deploy()
    assert command.strategy == "careful"
    assert titles(command, 4) == CAREFUL
    assert titles(command, 8)[0] == "candidate × 2"


def test_it_survives_the_wire(folder: Path) -> None:
    command = deploy()
    assert cmd.COMMAND.validate_json(command.model_dump_json()) == command


def test_the_engine_runs_it_like_any_other(folder: Path) -> None:
    told = Story()
    told.stable("v41")
    made = deploy()
    steps = [step.model_dump() for step in made.steps]
    command = cmd.Deploy.model_validate(
        {"deployment": KEY, "revision": revision("v42"), "strategy": "careful", "steps": steps}
    )
    told.ask(command)
    told.settle()
    told.later(31)
    assert told.deployment.weights()[revision("v42").id] == 10
    told.ask(cmd.Promote(deployment=KEY))
    told.ask(cmd.Promote(deployment=KEY))
    told.settle()
    told.later(601)
    assert told.deployment.stable == revision("v42")
    assert told.deployment.rollout is not None
    assert told.deployment.rollout.spec.strategy == "careful"


def test_a_strategy_said_at_the_deploy_wins_over_the_file(folder: Path) -> None:
    assert deploy(strategy="blueGreen").steps == ()
    with pytest.raises(GaesupError, match="no strategy 'carefull': did you mean careful"):
        deploy(strategy="carefull")


BAD = [
    ("    - ready: 90s\n", "", "13: strategies.careful[1]: step 2 is smoke, but nobody waited"),
    ("    - deploy: 25%\n", "", "12: strategies.careful[0]: step 1 is ready, but nothing was"),
    ("deploy: 25%", "deploy: 0", "12: strategies.careful[0]: step 1 leaves the new revision"),
    ("weight: 10\n", "weight: 110\n", "15: strategies.careful[3].weight: must be at most 100"),
    ("approve: 10m", "weight: 5", "18: strategies.careful[6]: step 7 goes back from 10 to 5"),
    ("    - replicas: all\n", "", "19: strategies.careful[7]: step 8 gives all traffic to 25%"),
    ("replicas: all", "replicas: 10%", "19: strategies.careful[7]: step 8 goes from 25% to 10%"),
    ("    - weight: 100\n", "", "20: strategies.careful[8]: step 9 is bake, but the old revision"),
    ("    - retire:\n", "", "21: strategies.careful[9]: it does not end: the old revision stays"),
    ("bake: 10m", "analysis: 1m", "21: strategies.careful[9]: step 10 is analysis, but all"),
    ("weight: 10\n", "base: 0\n", "15: strategies.careful[3]: step 4 takes the old revision away"),
    ("stabilise: 30s", "retire:", "16: strategies.careful[4]: step 5 is retire, but the old"),
    ("approve: 10m", "deploy: 2", "18: strategies.careful[6]: step 7 starts the new revision"),
    ("smoke:", "smoek:", "14: strategies.careful[2].smoek: there is no such field: did you mean"),
    ("deploy: 25%", "deploy: many", "12: strategies.careful[0].deploy: 'many' is no amount"),
    ("- smoke:", "- {smoke: 5s, bake: 1s}", "14: strategies.careful[2]: a step is one of deploy"),
    ("  careful:", "  canary:", "11: strategies.canary: canary is built in"),
    ("strategy: careful", "strategy: carefull", "8: units.cart.strategy: there is no strategy"),
    ("  careful:\n", "  short: []\n  careful:\n", "11: strategies.short: it has no steps"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_a_wrong_list_is_one_error_with_its_line_its_step_and_what_to_do(
    folder: Path, old: str, new: str, message: str
) -> None:
    assert old in FILE
    said = error_of(folder, FILE.replace(old, new, 1))
    assert said.startswith(f"gaesup.yaml:{message}"), said
    assert "\n" not in said
    assert said.count(": ") > 2, f"says not what to do: {said}"


def test_the_engine_refuses_a_list_no_file_would_have_let_through() -> None:
    told = Story()
    told.stable("v41")
    fields = {"deployment": KEY, "revision": revision("v42")}
    with pytest.raises(Invalid, match="strategy odd: it ends with 0 percent"):
        told.ask(cmd.Deploy(**fields, strategy="odd", steps=(StrategyStep(deploy="all"),)))
    with pytest.raises(Invalid, match="there is no strategy odd"):
        told.ask(cmd.Deploy(**fields, strategy="odd"))
    with pytest.raises(Invalid, match="cannot be called so"):
        told.ask(cmd.Deploy(**fields, strategy="rollback"))


words = st.sampled_from(
    [
        *({"deploy": n} for n in ("all", 1, "25%")),
        *({"replicas": n} for n in ("all", 2, "50%")),
        *({"base": n} for n in (0, 1, "50%")),
        *({"weight": n} for n in (0, 10, 50, 100)),
        *({"ready": None}, {"smoke": None}, {"stabilise": 1}, {"approve": None}),
        *({"analysis": 1}, {"bake": 1}, {"retire": None}),
    ]
)


@given(st.lists(words, max_size=12), st.integers(1, 9))
def test_what_is_let_through_ends_with_all_traffic_on_replicas_that_are_ready(
    given_steps: list[dict[str, Any]], replicas: int
) -> None:
    steps = [StrategyStep.model_validate(step) for step in given_steps]
    steps = [
        StrategyStep.model_validate({"deploy": None}),
        StrategyStep.model_validate({"ready": None}),
        *steps,
        StrategyStep(weight=100),
        StrategyStep.model_validate({"retire": None}),
    ]
    if strategy_fault(steps):
        return
    plan = own_plan(steps, replicas, (Check(path="/"),), replicas)
    shares = [step.weight_percent for step in plan if isinstance(step, SetTraffic)]
    sizes = [step.replicas for step in plan if isinstance(step, Scale) and step.side == "candidate"]
    bases = [step.replicas for step in plan if isinstance(step, Scale) and step.side == "base"]
    assert shares == sorted(shares)
    assert shares[-1] == 100
    assert sizes == sorted(sizes)
    assert sizes[-1] == replicas
    assert bases == sorted(bases, reverse=True)
    assert bases[-1] == 0


# Installed ones ------------------------------------------------------------------------------

PACKAGE = """
def slow(replicas, checks, options):
    first = options.get("first", 5)
    if not 0 < first < 100:
        raise ValueError(f"first is {first}, and has to be between 1 and 99")
    test = [{"smoke": None}] if checks else []
    return [{"deploy": None}, {"ready": None}, *test, {"weight": first}, {"analysis": "1m"},
            {"weight": 100}, {"retire": None}]


def wrong(replicas, checks, options):
    return [{"deploy": None}, {"weight": 5}]


def odd(replicas, checks, options):
    return [{"deploy": None}, {"wieght": 5}]


def bad(replicas, checks, options):
    return replicas / 0
"""
POINTS = """[gaesup.strategies]
acme-slow = acme_delivery:slow
acme-wrong = acme_delivery:wrong
acme-odd = acme_delivery:odd
acme-bad = acme_delivery:bad
acme-gone = acme_delivery:gone
"""


@pytest.fixture
def acme(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that is installed."""
    site = folder / "site"
    info = site / "acme_delivery-1.2.dist-info"
    info.mkdir(parents=True)
    (site / "acme_delivery.py").write_text(PACKAGE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-delivery\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(site))
    yield folder
    sys.modules.pop("acme_delivery", None)


def test_an_installed_strategy_is_named_like_any_other_and_told_its_options(acme: Path) -> None:
    text = FILE.replace("strategy: careful", "strategy: acme-slow\n    strategyOptions: {first: 7}")
    (acme / "gaesup.yaml").write_text(text)
    assert titles(deploy(), 4) == [
        "candidate × 4",
        "healthy",
        "smoke 1",
        "7 %",
        "analyse 1m00",
        "100 %",
        "base × 0",
    ]


def test_nothing_is_imported_before_it_is_used(acme: Path) -> None:
    (acme / "gaesup.yaml").write_text(FILE.replace("strategy: careful", "strategy: acme-slow"))
    project.load(project.find())
    assert "acme_delivery" not in sys.modules


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("acme-wrong", {}, "step 2 is weight, but nobody waited for the replicas"),
        ("acme-odd", {}, "step 2: wieght: Extra inputs are not permitted"),
        ("acme-bad", {}, "failed: ZeroDivisionError: division by zero"),
        ("acme-gone", {}, "cannot be loaded: AttributeError"),
        ("acme-slow", {"first": 0}, "first is 0, and has to be between 1 and 99"),
    ],
)
def test_a_broken_one_is_one_clear_error(
    acme: Path, name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(Invalid) as caught:
        strategies.steps_of(name, 4, (), options)
    assert f"strategy {name} of acme-delivery 1.2" in str(caught.value)
    assert message in str(caught.value)


# The commands --------------------------------------------------------------------------------


def test_the_list_of_strategies_names_where_each_is_from_and_what_is_wrong_with_it(
    acme: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["strategies", "--json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["careful"]["from"] == "gaesup.yaml"
    assert found["careful"]["steps"] == CAREFUL
    assert found["rolling"]["from"] == "built in"
    assert found["acme-slow"]["from"] == "acme-delivery 1.2"
    assert "division by zero" in found["acme-bad"]["problem"]


def test_one_is_shown_step_by_step(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strategies", "careful", "--replicas", "8"]) == 0
    said = capsys.readouterr().out
    assert "careful  (gaesup.yaml)" in said
    assert "   1  candidate × 2" in said
    assert main(["strategies", "nonesuch"]) == 2


def test_a_dry_run_shows_the_steps_and_starts_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deploy", "cart", "--version", "v42", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "cart@production  ·→v42 initial, 4 replicas" in said
    assert "there is no baseline" in said
    assert "nothing was changed" in said
    assert not (folder / "home").exists()


def test_a_shell_completes_the_strategies_of_the_file_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["gaesup", "deploy", "cart", "--strategy", "c"]
    assert main(["completion", "bash", "4", *words]) == 0
    assert capsys.readouterr().out.split() == ["canary", "careful"]


def test_a_dry_run_says_what_the_environment_asks_for_first(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    always = '{name: audit, from: "2020-01-01T00:00", until: "2090-01-01T08:00"}'
    asks = f"{{replicas: 4, twoPersonRule: true, freezeWindows: [{always}]}}"
    (folder / "gaesup.yaml").write_text(FILE.replace("{replicas: 4}", asks))
    assert main(["deploy", "cart", "--version", "v42", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "waits for a second person first" in said
    assert "freeze window audit until 2090-01-01 08:00 UTC: refused without --break-glass" in said


def test_a_dry_run_names_the_fresh_copy_it_is_compared_with(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "gaesup.yaml"
    text = file.read_text(encoding="utf-8")
    canary = "strategy: canary\n    canary: {freshBaseline: true}"
    file.write_text(text.replace("strategy: careful", canary), encoding="utf-8")
    runs = {"key": KEY, "version": "v41", "replicas": 4, "rollout": None}
    monkeypatch.setattr("gaesup_tui.cli.deploy._seen_if_any", lambda engine: [runs])
    assert main(["deploy", "cart", "--version", "v42", "--dry-run"]) == 0
    assert "compared with a fresh copy of v41, of as many replicas" in capsys.readouterr().out
