"""The judge at work: what it is fed, what it keeps, and what survives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gaesup_tui.cli.settings import changed
from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.judged import start_of
from gaesup_tui.domain.judged_record import Record, entry_line, head_line, read_record, replay
from gaesup_tui.domain.judging import Start
from gaesup_tui.engine.records import KEEP, Records

from .bench_rig import BAD, Rig
from .judging_rig import Service
from .story import KEY


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "judged")


def test_a_candidate_with_errors_is_aborted_with_the_figures_that_say_why(rig: Rig) -> None:
    rig.canary = BAD
    rig.run(600)
    rig.canary_at(25)
    rig.run(60)
    verdict = rig.verdict()
    assert verdict is not None
    assert verdict.kind == "ABORT"
    errors = verdict.findings[0]
    assert errors.state == "harm"
    assert errors.difference is not None
    assert errors.low is not None
    assert 0 < errors.low < errors.difference
    assert verdict.toward_abort == 1
    assert "limit +0.50 points" in verdict.reason


def test_a_good_candidate_goes_through_all_weights_under_one_judge(rig: Rig) -> None:
    rig.run(600)
    rig.canary_at(25)
    rig.run(90, rps=50)
    first = rig.verdict()
    assert first is not None
    assert first.kind == "CONTINUE"
    assert first.left_span_s is not None
    assert 0 < (first.toward_promote or 0) < 1
    rig.run(1200, rps=200)
    last = rig.verdict()
    assert last is not None
    assert last.kind == "PROMOTE"
    assert last.findings[0].candidate_requests > first.findings[0].candidate_requests


def test_when_one_side_has_everything_the_last_verdict_is_still_shown_and_acts_no_more(
    rig: Rig,
) -> None:
    rig.run(600)
    rig.canary_at(25)
    rig.run(60)
    last = rig.verdict()
    assert last is not None
    rig.story.ask(cmd.Promote(deployment=KEY))
    rig.story.settle()
    assert rig.rollout.weight_percent == 100
    rig.run(30)
    assert rig.verdict() == last
    assert rig.bench.decision(rig.rollout, rig.now) is None


def test_the_history_of_the_base_is_its_last_half_hour_and_no_more(rig: Rig) -> None:
    rig.run(2400)
    rig.canary_at(25)
    rig.run(12)
    record = read_record(rig.recorded())
    assert len(record.history) == 360
    assert sum(arm.requests for arm in record.history) == pytest.approx(180_000, rel=0.01)


def test_an_engine_that_starts_again_goes_on_as_if_it_had_never_ended(tmp_path: Path) -> None:
    through, halted = Rig(tmp_path / "one", BAD), Rig(tmp_path / "two", BAD)
    for rig in (through, halted):
        rig.run(300)
        rig.canary_at(5)
        rig.run(20)
    halted.records.close()
    halted.live()
    for rig in (through, halted):
        rig.run(5)
        assert rig.verdict() is not None
    assert halted.verdict() == through.verdict()
    assert halted.recorded() == through.recorded()


def test_what_happened_while_no_engine_ran_is_caught_up(tmp_path: Path) -> None:
    through, halted = Rig(tmp_path / "one"), Rig(tmp_path / "two")
    for rig in (through, halted):
        rig.run(300)
        rig.canary_at(25)
        rig.run(20)
    halted.records.close()
    halted.live()
    through.run(60)
    halted.run(60, told=lambda n: n > 50)
    whole, caught_up = through.verdict(), halted.verdict()
    assert whole is not None
    assert caught_up is not None
    for one, other in zip(whole.findings, caught_up.findings, strict=True):
        assert one.candidate_requests == pytest.approx(other.candidate_requests, abs=125)
        assert one.base_requests == pytest.approx(other.base_requests, abs=375)


def test_a_backend_that_hangs_is_not_known_and_not_idle(rig: Rig) -> None:
    rig.run(300)
    rig.canary_at(25)
    rig.run(20)
    rig.run(60, told=lambda n: False)
    verdict = rig.verdict()
    assert verdict is not None
    assert verdict.kind == "NO EVIDENCE"
    assert "nothing seen of either side" in verdict.reason
    rig.run(6)
    verdict = rig.verdict()
    assert verdict is not None
    assert verdict.kind == "CONTINUE"
    assert verdict.findings[0].candidate_requests == pytest.approx(86 * 25, abs=130)
    ticks = [entry.tick for entry in read_record(rig.recorded()).entries]
    assert sum(tick.canary is None and tick.baseline is None for tick in ticks) >= 10
    assert not any(tick.canary and not tick.canary.requests for tick in ticks)


def test_a_restart_of_the_backend_loses_the_same_time_of_both_arms(rig: Rig) -> None:
    rig.run(300)
    rig.canary_at(25)
    rig.run(20)
    rig.restart_backend()
    rig.run(21)
    entries = read_record(rig.recorded()).entries
    for entry in entries:
        assert (entry.tick.canary is None) == (entry.tick.baseline is None)
    lost = [entry for entry in entries if entry.tick.canary is None]
    assert len(lost) == 1
    verdict = rig.verdict()
    assert verdict is not None
    assert verdict.kind == "CONTINUE"


def test_a_share_that_changes_within_a_tick_is_not_known_for_it(rig: Rig) -> None:
    rig.run(300)
    rig.canary_at(25)
    rig.run(13)
    rig.story.now = rig.now
    active = rig.rollout.model_copy(update={"weight_percent": 50})
    rig.story.world.deployments[rig.state.key] = rig.state.model_copy(update={"rollout": active})
    rig.run(13)
    weights = [entry.tick.weight for entry in read_record(rig.recorded()).entries]
    assert weights == [0.25, 0.25, None, 0.5, 0.5]


def test_a_replay_says_what_was_said_live(rig: Rig) -> None:
    rig.canary = BAD
    rig.run(300)
    rig.canary_at(5)
    rig.run(120)
    live = rig.verdict()
    record = read_record(rig.recorded())
    state, said = replay(record, record.start)
    assert live is not None
    assert state.verdict.kind == live.kind == "ABORT"
    looser, _ = replay(record, start_of_tolerance(record.start, 0.5))
    assert looser.verdict.kind != "ABORT"
    assert len(said) == len(record.entries) == 23
    assert looser.number == 22


def start_of_tolerance(start: Start, errors: float) -> Start:
    metrics = start.metrics
    return start._replace(
        metrics=metrics._replace(errors=metrics.errors._replace(tolerance=errors))
    )


def test_a_full_disk_stops_no_judgement_and_is_said_until_it_is_mended(rig: Rig) -> None:
    rig.files.parent.mkdir(exist_ok=True)
    rig.files.write_text("in the way")
    rig.canary = BAD
    rig.run(300)
    rig.canary_at(25)
    rig.run(60)
    rig.records.close()
    verdict = rig.verdict()
    assert verdict is not None
    assert verdict.kind == "ABORT"
    assert "its record cannot be written" in verdict.reason
    rig.files.unlink()
    rig.run(6)
    assert len(read_record(rig.recorded()).entries) == 13
    assert rig.records.trouble == ""


def test_records_are_private_and_only_the_last_of_a_deployment_are_kept(tmp_path: Path) -> None:
    records = Records(tmp_path / "judged")
    record = Record("x", "v41", "v42", 0.0, Start(), ())
    for number in range(1, KEEP + 6):
        for key in ("cart@production", "../cart@production"):
            rollout = f"{key}#{number}"
            records.begin(rollout, head_line(record._replace(rollout=rollout)))
    records.close()
    files = sorted((tmp_path / "judged").iterdir())
    assert len(files) == 2 * KEEP
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert list(tmp_path.iterdir()) == [tmp_path / "judged"]
    kept = records.read(f"cart@production#{KEEP + 5}")
    assert kept is not None
    assert records.read("cart@production#5") is None


def test_a_line_cut_short_by_a_power_loss_costs_that_line_only(rig: Rig) -> None:
    rig.run(300)
    rig.canary_at(25)
    rig.run(22)
    lines = rig.recorded()
    record = read_record([*lines[:-1], lines[-1][:40]])
    assert len(record.entries) == len(read_record(lines).entries) - 1
    with pytest.raises(ValueError, match="cannot be read"):
        read_record([lines[0][:40], *lines[1:]])
    assert [entry_line(entry) for entry in record.entries] == lines[1:-1]


def test_a_backend_with_buckets_that_cannot_be_is_seen_all_the_same(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.run(20)
    rig.canary_at(25)
    rig.serve(100)
    for revision, counters in rig.counted.items():
        rig.counted[revision] = replace(counters, bounds_s=(0.3, 0.2, 0.1), buckets=(0, 0, 0, 0))
    rig.observe_again()
    rig.observe_again()
    assert rig.verdict() is None
    assert len([r for r in caplog.records if "is not judged" in r.message]) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("kappa", "NAME=VALUE"),
        ("kapa=1", "no setting kapa"),
        ("tick_s=1", "no setting tick_s"),
        ("kappa=much", "not a number"),
        ("kappa=nan", "kappa"),
        ("errors.tolerance=0", "tolerance of errors"),
        ("errors.colour=1", "no setting errors.colour"),
        ("traffic.enabled=perhaps", "neither true nor false"),
        ("latency.no_data=cry", "hold, fail or ignore"),
    ],
)
def test_a_setting_that_cannot_be_is_named(change: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        changed(Start(), [change])


def test_settings_are_changed_one_after_the_other() -> None:
    start = changed(Start(), ["kappa=0.5", "errors.tolerance=0.01", "traffic.enabled=no"])
    assert start.kappa == 0.5
    assert start.metrics.errors == Start().metrics.errors._replace(tolerance=0.01)
    assert not start.metrics.traffic.enabled


def test_without_latency_buckets_or_with_sticky_clients_less_is_judged(rig: Rig) -> None:
    rig.canary_at(25)
    spec = rig.rollout.spec
    assert not start_of(spec, ()).metrics.latency.enabled
    assert start_of(spec, (0.1, 0.2, 0.3)).metrics.latency.enabled
    assert not start_of(spec.model_copy(update={"sticky": True}), ()).metrics.traffic.enabled
    exact = spec.model_copy(update={"error_tolerance": 0.0, "p95_tolerance": 0.0})
    assert start_of(exact, ()).metrics.errors.tolerance > 0


def test_fewer_conversions_are_judged_where_they_are_counted(tmp_path: Path) -> None:
    buying, browsing = (
        Service(errors=0.002, conversions=0.3),
        Service(errors=0.002, conversions=0.2),
    )
    rig = Rig(tmp_path, canary=browsing, base=buying)
    rig.run(600)
    rig.canary_at(25)
    rig.run(300)
    verdict = rig.verdict()
    assert verdict is not None
    assert verdict.kind == "ABORT"
    assert "conversion" in verdict.reason
    rig.bench.close()  # what was on its way is on the disk
    history = rig.bench.record(rig.rollout.id)
    assert history is not None
    assert {arm.conversions is not None for arm in history.history} == {True}
