"""An A/B test as it is written in ``gaesup.yaml``."""

from __future__ import annotations

from pathlib import Path

import pytest

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.route_spec import KeySpec
from gaesup_tui.service.project import load

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
