"""A past rollout replayed as a ``gaesup.yaml`` sets the judge today."""

from __future__ import annotations

from pathlib import Path

import pytest

from gaesup_tui.cli.main import main
from gaesup_tui.domain.errors import Invalid, NotFound
from gaesup_tui.domain.judged_record import Record, read_record, replay
from gaesup_tui.domain.judging import Judgement
from gaesup_tui.service.replaying import start_by

from .bench_rig import BAD, Rig

FILE = """
apiVersion: gaesup/v1
environments:
  production: {backend: local}
units:
  cart:
    artifact: cart-{version}.wasm
    versions: {v1: {}}
    strategy: canary
"""


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Of a canary with many errors, aborted by the judge."""
    rig = Rig(tmp_path / "judged", BAD)
    rig.run(600)
    rig.canary_at(25)
    rig.run(60)
    return read_record(rig.recorded())


def told(record: Record, tmp_path: Path, *lines: str) -> list[Judgement]:
    path = tmp_path / "gaesup.yaml"
    path.write_text(FILE + "".join(f"    {line}\n" for line in lines), encoding="utf-8")
    return replay(record, start_by(record, path))[1]


def test_with_the_same_settings_it_would_have_gone_the_same_way(
    record: Record, tmp_path: Path
) -> None:
    assert told(record, tmp_path) == replay(record, record.start)[1]
    assert told(record, tmp_path)[-1].kind == "ABORT"


@pytest.mark.parametrize(
    "line",
    [
        "errorTolerance: 50",
        "judge: {errors: {tolerance: 50}}",
        "judge: {errors: {critical: false}}",
    ],
)
def test_what_the_file_says_of_the_judge_holds(record: Record, tmp_path: Path, line: str) -> None:
    assert {each.kind for each in told(record, tmp_path, line)}.isdisjoint({"ABORT"})


def test_the_counts_stay_those_that_were_made(record: Record, tmp_path: Path) -> None:
    path = tmp_path / "gaesup.yaml"
    path.write_text(FILE, encoding="utf-8")
    start = start_by(record, path)
    assert (start.tick_s, start.bounds_s) == (record.start.tick_s, record.start.bounds_s)


def test_a_file_that_is_wrong_or_of_other_units_is_one_error(
    record: Record, tmp_path: Path
) -> None:
    with pytest.raises(Invalid, match=r"gaesup.yaml:10: "):
        told(record, tmp_path, "judge: {errors: {tolerance: many}}")
    with pytest.raises(NotFound, match="does not exist"):
        start_by(record, tmp_path / "none.yaml")
    path = tmp_path / "gaesup.yaml"
    path.write_text(FILE, encoding="utf-8")
    with pytest.raises(NotFound, match="there is no unit"):
        start_by(record._replace(rollout="web@production#1"), path)


def test_who_says_undo_is_told_of_rollback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["undo", "cart"]) == 2
    assert "did you mean `gaesup rollback`?" in capsys.readouterr().err
