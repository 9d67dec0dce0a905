"""The small parts of commands: which deployment is meant, when it is at rest, what is printed."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest

from gaesup_tui.cli import rest, seen, targets
from gaesup_tui.cli.decide import replicas_of
from gaesup_tui.cli.load import Silence
from gaesup_tui.cli.output import Output, cells, cut
from gaesup_tui.domain.errors import Invalid, NotFound, Unavailable
from gaesup_tui.domain.views import EngineView, StatusRow


def row(key: str = "cart@production", status: str = "healthy", **more: Any) -> StatusRow:
    unit, _, environment = key.partition("@")
    made: dict[str, Any] = {
        "key": key,
        "unit": unit,
        "environment": environment,
        "seq": 7,
        "version": "v41",
        "status": status,
        "status_text": f"100 % on v41 ({status})",
        "replicas": 2,
        "ready": 2,
        "rollout": None,
        "waiting": None,
        "queued": None,
        "problem": None,
        "hold": None,
        "lock": None,
        "stop": None,
        "notice": None,
    }
    return cast(StatusRow, {**made, **more})


def moving(**more: Any) -> dict[str, Any]:
    return {
        "strategy": "canary",
        "base": "v41",
        "candidate": "v42",
        "phase": "forward",
        "outcome": None,
        "cause": None,
        "weight_wished": 25,
        "weight_seen": 5,
        "step": 4,
        "steps": 9,
        **more,
    }


ROWS = [row("cart@production"), row("cart@staging"), row("search@staging")]


def test_a_unit_that_runs_once_needs_no_environment() -> None:
    assert targets.find(ROWS, "search")["key"] == "search@staging"


@pytest.mark.parametrize(("unit", "environment"), [("cart@staging", None), ("cart", "staging")])
def test_the_environment_is_said_either_way(unit: str, environment: str | None) -> None:
    assert targets.find(ROWS, unit, environment)["key"] == "cart@staging"


def test_an_ambiguous_unit_is_answered_with_the_deployments() -> None:
    with pytest.raises(Invalid, match="say one of cart@production, cart@staging"):
        targets.find(ROWS, "cart")


def test_two_environments_contradict() -> None:
    with pytest.raises(Invalid, match="say the environment once"):
        targets.find(ROWS, "cart@staging", "production")


def test_a_misspelt_unit_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="did you mean search@staging"):
        targets.find(ROWS, "serch@staging")


def test_nothing_deployed_says_how_to_begin() -> None:
    with pytest.raises(NotFound, match="gaesup deploy"):
        targets.find([], "cart")


@pytest.mark.parametrize(
    ("status", "code"),
    [("healthy", 0), ("aborted", 1), ("failed", 1), ("degraded", 1), ("unknown", None)],
)
def test_an_exit_code_says_how_it_came_to_rest(status: str, code: int | None) -> None:
    assert rest.outcome(row(status=status)) == code


def test_what_moves_is_not_at_rest_whatever_its_health() -> None:
    assert rest.outcome(row(rollout=moving())) is None


def test_replicas_that_start_again_are_waited_for() -> None:
    settling = rest.Settling(patience_s=5.0)
    assert settling.outcome(row(status="down"), 100.0) is None
    assert settling.outcome(row(status="healthy"), 102.0) == 0
    assert settling.outcome(row(status="down"), 103.0) is None
    assert settling.outcome(row(status="down"), 107.9) is None
    assert settling.outcome(row(status="down"), 108.0) == 1


def test_an_abort_needs_no_patience() -> None:
    assert rest.Settling().outcome(row(status="aborted"), 100.0) == 1


def test_waiting_ends_with_the_worst_of_all_and_tells_each_change_once() -> None:
    looks = [
        [row(rollout=moving(), status_text="at 5 %"), row("search@staging")],
        [row(rollout=moving(), status_text="at 5 %"), row("search@staging")],
        [row(status="aborted", status_text="aborted"), row("search@staging")],
    ]
    told: list[str] = []
    code = rest.wait(lambda: looks.pop(0), 10.0, lambda r: told.append(r["status_text"]))
    assert code == 1
    assert told == ["at 5 %", "100 % on v41 (healthy)", "aborted"]


def test_waiting_too_long_is_an_exit_code_of_its_own() -> None:
    assert rest.wait(lambda: [row(rollout=moving())], 0.0, lambda r: None) == 3


@pytest.mark.parametrize(
    ("effect", "rollout", "answer"),
    [
        (seen.promoted, moving(), None),
        (seen.promoted, moving(weight_seen=25), (True, "promoted: 25 % of the traffic on v42")),
        (seen.promoted, moving(phase="back", cause="errors"), (False, "went back to v41: errors")),
        (seen.promoted_fully, moving(weight_seen=25), None),
        (seen.promoted_fully, moving(weight_wished=100, weight_seen=100), (True, "promoted: 100")),
        (seen.returned, moving(), None),
        (seen.returned, moving(phase="back", weight_seen=3), None),
        (seen.returned, moving(phase="back", weight_seen=0), (True, "back: 100 % of the traffic")),
        (seen.returned, moving(phase="back", weight_seen=0, base=None), (False, "back: nothing")),
        (seen.begun, moving(step=1), None),
        (seen.begun, moving(step=2), (True, "v41→v42 canary: replicas are starting")),
        (seen.begun, moving(phase="back", cause="trap"), (False, "went back to v41: trap")),
    ],
)
def test_an_effect_is_said_only_once_it_is_seen(
    effect: Any, rollout: Any, answer: tuple[bool, str] | None
) -> None:
    found = effect(row(rollout=rollout))
    if answer is None:
        assert found is None
    else:
        assert found is not None
        assert found[0] == answer[0]
        assert found[1].startswith(answer[1])
        assert found[1].endswith("seen")


@pytest.mark.parametrize(("text", "wanted"), [("3", 3), ("+1", 5), ("-1", 3), ("0", 0)])
def test_replicas_are_said_as_a_number_or_as_more_or_less(text: str, wanted: int) -> None:
    assert replicas_of(text, 4) == wanted


@pytest.mark.parametrize("text", ["", "+", "many", "-9", "1001", "1.5", "٣"])
def test_other_replicas_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="--replicas"):
        replicas_of(text, 4)


def test_too_many_replicas_are_not_called_no_number() -> None:
    with pytest.raises(Invalid, match="100000 is not possible"):
        replicas_of("100000", 4)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_neither_colours_nor_cuts() -> None:
    stream = io.StringIO()
    Output(stream).table(["A", "B"], [["x" * 250, "y"]], ["bad"])
    assert stream.getvalue().splitlines() == ["A" + " " * 251 + "B", "x" * 250 + "  y"]


def test_no_color_is_respected_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert Output(Terminal()).colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Output(Terminal()).colour


def test_escape_sequences_from_outside_do_not_reach_the_terminal() -> None:
    stream = io.StringIO()
    out = Output(stream)
    out.line("a\x1b[2Jb\x07c")
    out.table(["H"], [["x\x1b]0;title\x07y\nz"]])
    assert "\x1b" not in stream.getvalue()
    assert "ab·c" in stream.getvalue()
    assert "xy·z" in stream.getvalue()


def test_columns_of_wide_characters_line_up() -> None:
    stream = io.StringIO()
    Output(stream).table(["N", "V"], [["장바구니", "1"], ["cart", "2"]])
    lines = stream.getvalue().splitlines()
    assert {cells(line[: line.rindex(" ") + 1]) for line in lines} == {10}


def test_a_cut_text_fits() -> None:
    assert cut("장바구니", 5) == "장바…"
    assert cells(cut("장바구니", 5)) <= 5


def test_waiting_outlives_an_engine_that_is_killed() -> None:
    looks: list[Any] = [[row(rollout=moving())], Unavailable("gone"), [row()]]

    def look() -> list[StatusRow]:
        found = looks.pop(0)
        if isinstance(found, Exception):
            raise found
        return cast("list[StatusRow]", found)

    assert rest.wait(look, 10.0, lambda r: None) == 0


def test_without_an_engine_there_is_nothing_to_wait_for() -> None:
    def look() -> list[StatusRow]:
        raise Unavailable("no engine answers")

    with pytest.raises(Unavailable):
        rest.wait(look, 10.0, lambda r: None)


def test_bash_completes_commands_options_and_choices(tmp_path: Path) -> None:
    gaesup = tmp_path / "gaesup"
    code = "import sys; from gaesup_tui.cli.main import main; sys.exit(main())"
    gaesup.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    gaesup.chmod(0o755)
    script = """
        eval "$(gaesup completion bash)"
        try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gaesup; echo "${COMPREPLY[@]}"; }
        try gaesup roll
        try gaesup engine sta
        try gaesup demo --story b
        try gaesup promote --f
        gaesup completion bash 99 gaesup promote
    """
    done = subprocess.run(
        ["bash", "-c", script],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "GAESUP_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[:4] == ["rollback", "start status", "bad-canary", "--full"]
    assert done.stderr == ""


def test_a_narrow_terminal_keeps_the_words() -> None:
    from gaesup_tui.cli import status

    line = ("cart@production", "v41", "waiting", "2/2", "120", "0.0 %", "1ms", "v41→v42 at 25 %")
    narrow = status._fitting([status.COLUMNS, line], 80)
    assert narrow[1] == ["cart@production", "2/2", "120", "0.0 %", "1ms", "v41→v42 at 25 %"]
    assert status._fitting([status.COLUMNS, line], 0)[1] == list(line), "a pipe gets all of them"


def test_load_ends_with_what_it_was_sent_to_and_outlives_a_restart() -> None:
    silence = Silence(60.0)
    assert not silence.is_over(0, 59.0)
    assert not silence.is_over(5, 60.0)
    assert not silence.is_over(0, 119.0)
    assert silence.is_over(0, 120.0)


def test_a_stop_of_many_tells_ten_and_how_many() -> None:
    many = [f"api-{n}@production: returning traffic" for n in range(60)]
    looks = iter([many, many[:50], []])
    said = io.StringIO()
    ended = seen.stopped(
        lambda: cast(EngineView, {"still": next(looks)}), time.monotonic(), Output(said)
    )
    lines = said.getvalue().splitlines()
    assert ended == 0
    assert lines[-2] == "still moving: 50 more, 60 in all"
    assert len(lines) == 12


@pytest.mark.parametrize("text", ["0", "0s", "31d", "9" * 400 + "d"])
def test_a_length_is_more_than_nothing_and_names_its_flag(text: str) -> None:
    with pytest.raises(
        Invalid, match=r"--for: .* is not possible: give more than 0 and at most 30"
    ):
        rest.length(text, "--for", 30)
    assert rest.length("1h30m", "--for", 30) == 5400
