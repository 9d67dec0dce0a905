"""Text in cells, numbers for people, and the lines the small widgets draw."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from gaesup_widgets import cells
from gaesup_widgets.cells import Cell, fit, fit_runs, printable, truncate
from gaesup_widgets.evidence import Evidence, band, evidence_runs
from gaesup_widgets.footer import KeyHint, footer_runs
from gaesup_widgets.log_buffer import LogBuffer, LogLine
from gaesup_widgets.paint import wrapped
from gaesup_widgets.sparkline import extent, spark
from gaesup_widgets.symbols import ASCII, UNICODE, Symbols
from gaesup_widgets.timeline import Step, marks, step_runs
from gaesup_widgets.traffic_bar import Traffic, share_bar, traffic_runs

ANY_TEXT = st.text(max_size=60)


def shown(runs: list[Cell]) -> str:
    return "".join(cell.text for cell in runs)


@settings(deadline=None)
@given(ANY_TEXT, st.integers(0, 40), st.sampled_from(["left", "right"]))
def test_any_text_fits_exactly(text: str, width: int, align: cells.Align) -> None:
    assert cell_len(fit(text, width, align)) == width
    assert sum(cell_len(c.text) for c in fit_runs([Cell(text), Cell(text)], width, align)) == width


@settings(deadline=None)
@given(ANY_TEXT)
def test_printable_text_cannot_act_on_a_terminal(text: str) -> None:
    clean = printable(text)
    assert clean.isprintable()
    clean.encode()


@pytest.mark.parametrize(
    ("text", "clean"),
    [("a\x1b[31mb", "a·[31mb"), ("a\tb\nc", "a b c"), ("\u202eevil", "·evil"), ("\ud800", "·")],
)
def test_what_is_not_printable_is_visible(text: str, clean: str) -> None:
    assert printable(text) == clean


def test_wide_characters_are_cut_whole() -> None:
    assert truncate("日本語", 4) == "日…"
    assert fit("日本語", 4) == "日… "


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (cells.age(None), "–"),
        (cells.age(0), "0s"),
        (cells.age(271), "4m31"),
        (cells.age(99.9), "99s"),
        (cells.age(1560), "26m"),
        (cells.age(18_720), "5h12"),
        (cells.age(90_000 * 12), "12d"),
        (cells.age(float("nan")), "–"),
        (cells.duration(0.31), "0.3 s"),
        (cells.duration(0.001), "<0.1 s"),
        (cells.duration(120), "120 s"),
        (cells.duration(600), "10 m"),
        (cells.millis(88.2), "88ms"),
        (cells.millis(1234), "1.23s"),
        (cells.millis(None), "–"),
        (cells.percent(0.0), "0.0 %"),
        (cells.percent(0.0001), "<0.1 %"),
        (cells.percent(0.9999), ">99.9 %"),
        (cells.percent(1.0), "100.0 %"),
        (cells.percent(None), "–"),
        (cells.short(1234), "1.2k"),
        (cells.short(999.6), "1.0k"),
        (cells.short(34_000_000), "34M"),
        (cells.rate(310.2), "310/s"),
        (cells.rate(None), "–"),
        (cells.count(18240), "18 240"),
        (cells.size(1536), "1.5 KiB"),
        (cells.size(None), "–"),
    ],
)
def test_numbers_for_people(text: str, wanted: str) -> None:
    assert text == wanted


@pytest.mark.parametrize("symbols", [UNICODE, ASCII])
def test_every_symbol_is_one_cell(symbols: Symbols) -> None:
    for field in fields(symbols):
        for char in getattr(symbols, field.name):
            assert cell_len(char) == 1, field.name
    if symbols is ASCII:
        assert all(getattr(symbols, field.name).isascii() for field in fields(symbols))


def test_a_chart_keeps_its_gaps_and_its_width() -> None:
    assert spark([0, None, 10, float("nan"), 5], 8) == "   ▁·█·▅"
    assert spark([], 4) == "    "
    assert spark([1.0] * 20, 4) == "████"
    assert spark([3, 3], 0) == ""
    assert extent([1, 3, None]) == ("1", "3", "–")
    assert extent([]) == ("–", "–", "–")


def test_two_charts_can_share_a_scale() -> None:
    assert spark([5], 1, low=0, high=10) == "▅"
    assert spark([20], 1, low=0, high=10) == "█"


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats()), max_size=30), st.integers(0, 20))
def test_any_samples_make_a_chart(values: list[float | None], width: int) -> None:
    assert cell_len(spark(values, width)) == width


def test_the_traffic_line_tells_wish_and_truth() -> None:
    line = shown(traffic_runs(Traffic("v41", "v42", 25, 25.4), 78))
    assert line.startswith("v41 ███")
    assert "░ v42   75 / 25  seen 74.6 / 25.4 ok" in line
    assert "off plan" in shown(traffic_runs(Traffic("v41", "v42", 25, 40), 78))
    assert "not seen" in shown(traffic_runs(Traffic("v41", "v42", 25, None), 78))


def test_a_little_traffic_is_never_drawn_as_none_or_all() -> None:
    assert share_bar(0.1, 10) == "█░░░░░░░░░"
    assert share_bar(99.9, 10) == "█████████░"
    assert share_bar(0, 4, ASCII) == "...."
    assert share_bar(100, 4, ASCII) == "####"
    assert share_bar(None, 4) == "····"


def test_steps_tell_elapsed_and_planned() -> None:
    assert shown(step_runs(Step("deploy", "done", 3), 20, UNICODE)) == " ✔ deploy        3 s"
    line = shown(step_runs(Step("25 %", "running", 40, 120), 24, UNICODE, is_selected=True))
    assert line == "▌▶ 25 %     40s of 120 s"
    assert shown(step_runs(Step("wait for you", "waiting", 271), 22, ASCII)).endswith(" 4m31")
    assert shown(marks([Step("build", "done"), Step("test", "running")])) == "✔build ▶test"


def test_the_band_shows_harm_to_the_right_whatever_the_sign() -> None:
    errors = Evidence("errors", "0.40%", "0.46%", 0.06, -0.1, 0.2, 0.5, "+0.50pt")
    traffic = Evidence("traffic", "", "", -12.0, -15.0, -9.0, -20.0, "−20 %")
    assert band(errors, 17) == "[···─┼●──···│···]"
    assert band(traffic, 17).index("●") > band(traffic, 17).index("┼")
    beyond = Evidence("p95", "", "", 5.0, 1.0, 9.0, 1.0, "")
    assert band(beyond, 17).endswith(">")
    unknown = Evidence("p95", "–", "–", None, None, None, 1.0, "+10 %")
    assert "no data" in band(unknown, 17)
    assert cell_len(shown(evidence_runs(errors, 51))) == 51


def test_a_footer_keeps_what_is_pinned() -> None:
    hints = [KeyHint(chr(97 + n), "Something") for n in range(20)]
    stop = KeyHint("!", "STOP", is_pinned=True)
    line = shown(footer_runs([*hints, stop], 60))
    assert cell_len(line) == 60
    assert line.endswith("! STOP ")
    assert "…" in line
    dim = footer_runs([KeyHint("p", "Promote", reason="still analysing")], 40)
    assert Cell("p Promote", "dim") in dim


def test_a_log_counts_what_it_dropped_and_keeps_numbers() -> None:
    log = LogBuffer(capacity=80)
    log.add(LogLine(f"line {n}") for n in range(100))
    assert log.dropped == 20
    assert (log.first, log.end) == (20, 100)
    assert log[20].text == "line 20"
    log.note_lost(5)
    assert log.dropped == 25


def test_a_log_finds_round_the_end_with_smart_case() -> None:
    log = LogBuffer()
    log.add([LogLine("Error one"), LogLine("fine"), LogLine("error two")])
    assert log.find("error", 1, 1) == 2
    assert log.find("error", 3, 1) == 0
    assert log.find("Error", 2, -1) == 0
    assert log.count("error") == 2
    assert log.find("nothing", 0, 1) is None


def test_a_log_shows_only_what_is_bad_enough() -> None:
    log = LogBuffer()
    log.add([LogLine("a", "debug"), LogLine("b", "warn"), LogLine("c", "error")])
    log.set_least_level("warn")
    assert [line.text for _, line in log.window(0, 10)] == ["b", "c"]
    log.add([LogLine("d", "info"), LogLine("e", "error")])
    assert [line.text for _, line in log.window(0, 10)] == ["b", "c", "e"]


def test_a_very_long_line_is_cut_and_says_so() -> None:
    log = LogBuffer(max_chars=100)
    log.add([LogLine("x" * 1_000_000)])
    assert log[0].text == "x" * 100 + " [999900 more characters cut]"


def test_a_cut_between_two_pieces_is_announced_too() -> None:
    runs = [Cell("理由", "warn"), Cell(" "), Cell("理由")]
    assert "".join(cell.text for cell in fit_runs(runs, 5)) == "理由…"
    assert "".join(cell.text for cell in fit_runs(runs, 4)) == "理… "
    assert "".join(cell.text for cell in fit_runs([Cell("whole"), Cell("  ")], 5)) == "whole"


def test_a_word_longer_than_a_line_goes_on_in_the_next() -> None:
    told = [Cell("by mara: "), Cell("理由" * 12, "warn")]
    lines = ["".join(cell.text for cell in line) for line in wrapped(told, 20)]
    assert lines == ["by mara: ", "理由" * 5, "理由" * 5, "理由" * 2]


def test_long_versions_leave_the_shares_in_sight() -> None:
    old, new = "2026.11.24-build.123456-release-candidate-7", "新版本漢字漢字漢字漢字漢字漢字漢字"
    line = shown(traffic_runs(Traffic(old, new, 25, 25.0), 69))
    assert cell_len(line) == 69
    assert "75 / 25  seen 75.0 / 25.0 ok" in line
    assert line.startswith("2026.11.")
    assert "新版本" in line
