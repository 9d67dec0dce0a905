"""An A/B test as it is written in ``gaesup.yaml``."""

from __future__ import annotations

from pathlib import Path

import pytest

from gaesup_tui.domain.abtest.wanting import key_of
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.planning import plan_of
from gaesup_tui.domain.route_spec import KeySpec
from gaesup_tui.domain.steps import Compare
from gaesup_tui.service.project import deploy_command, load

FILE = """\
apiVersion: gaesup/v1
environments:
  production: {{}}
units:
  cart:
    artifact: cart-{{version}}.wasm
    versions: {{v41: {{}}}}
    strategy: abTest
{more}
"""
CONVERTS = "    conversion: {method: POST, path: /orders}\n"


def written(folder: Path, more: str) -> Path:
    path = folder / "gaesup.yaml"
    path.write_text(FILE.format(more=more), encoding="utf-8")
    return path


def test_every_setting_can_be_written_and_has_a_default(tmp_path: Path) -> None:
    more = (
        "    abTest:\n      share: 20\n      key: {header: X-User}\n      metric: conversion\n"
        "      minRun: 1d\n      maxRun: 14d\n      minUsers: 5000\n      minEffect: 2.5\n"
        "      confidence: 99\n      onBetter: promote\n      onWorse: hold\n"
        "      onNoDifference: abort\n      onUndecided: abort\n      bake: 1h\n"
    )
    spec = load(written(tmp_path, CONVERTS + more)).file.unit("cart").ab_test
    assert spec is not None
    assert (spec.share, spec.min_run, spec.max_run) == (20, 86400.0, 14 * 86400.0)
    assert spec.key == KeySpec(header="X-User")
    assert load(written(tmp_path, CONVERTS)).file.unit("cart").ab_test is None


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [
        ("", 8, "an A/B test of cart has no conversion"),
        (CONVERTS + "    abTest: {share: 0}\n", 10, "share"),
        (CONVERTS + "    abTest: {key: {cookie: a, header: b}}\n", 10, "cookie and header"),
        (CONVERTS + "    abTest: {minRun: 2d, maxRun: 1d}\n", 10, "maxRun (86400 s)"),
        (CONVERTS + "    abTest: {metric: revenue}\n", 10, "conversion"),
        (CONVERTS + "    abTest: {onWorse: maybe}\n", 10, "onWorse"),
        (CONVERTS + "    abTest: {minEfect: 3}\n", 10, "minEffect"),
    ],
)
def test_what_is_wrong_is_one_error_with_its_line(
    tmp_path: Path, more: str, line: int, said: str
) -> None:
    path = written(tmp_path, more)
    with pytest.raises(Invalid) as error:
        load(path)
    assert f"{path}:{line}" in str(error.value)
    assert said in str(error.value)


def test_an_environment_that_tests_everything_needs_conversions_of_everything(
    tmp_path: Path,
) -> None:
    text = FILE.format(more="").replace("    strategy: abTest\n", "")
    path = tmp_path / "gaesup.yaml"
    path.write_text(text.replace("{}\nunits", "{strategy: abTest}\nunits"), encoding="utf-8")
    with pytest.raises(Invalid, match="an A/B test of cart has no conversion"):
        load(path)


LIST = """\
strategies:
  proven:
    - deploy:
    - ready:
    - smoke:
    - weight: 40
    - compare: {{minRun: 1m, onBetter: promote, key: {{header: X-User}}}}
    - approve:
    - weight: 100
    - retire:
"""


def listed(folder: Path, change: tuple[str, str] = ("", ""), more: str = CONVERTS) -> Path:
    text = FILE.replace("units:", LIST + "units:", 1).replace(
        "strategy: abTest", "strategy: proven"
    )
    path = folder / "gaesup.yaml"
    path.write_text(text.format(more=more).replace(*change), encoding="utf-8")
    return path


def test_a_list_of_ones_own_may_have_an_a_b_test_among_its_steps(tmp_path: Path) -> None:
    (tmp_path / "cart-v41.wasm").write_bytes(b"\0asm\1\0\0\0")
    command = deploy_command(load(listed(tmp_path)), "cart", "v41", "production")
    _, plan = plan_of(command, 2, 2)
    (test,) = [step for step in plan if isinstance(step, Compare)]
    assert (test.share_percent, test.min_run_s, test.on_better) == (40, 60.0, "promote")
    assert key_of(command) == KeySpec(header="X-User")
    alone = "- compare: {minRun: 1m, onBetter: promote, key: {header: X-User}}", "- compare:"
    command = deploy_command(load(listed(tmp_path, alone)), "cart", "v41", "production")
    assert key_of(command) == KeySpec(cookie="gsu-user")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("- weight: 40\n", "- weight: 5\n    - weight: 40\n"), "the share grew before it"),
        (("- weight: 40\n    ", ""), "nobody is on the new revision yet"),
        (("- approve:", "- compare:"), "compares once more"),
        (("- approve:", "- weight: 100\n    - compare:"), "all traffic is on the new revision"),
    ],
)
def test_a_list_whose_test_could_not_tell_anything_is_refused(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        load(listed(tmp_path, change))


def test_a_list_with_a_test_needs_a_conversion(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="an A/B test of cart has no conversion"):
        load(listed(tmp_path, more=""))
