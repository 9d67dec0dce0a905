"""The judge's findings as the evidence table draws them. Pure."""

from __future__ import annotations

from functools import partial

from gaesup_tui.console.desk import Desk
from gaesup_tui.domain.actions import BY_ID
from gaesup_tui.domain.verdict_views import FindingView, VerdictView
from gaesup_tui.domain.views import DeploymentView
from gaesup_widgets.cells import Cell, millis, percent
from gaesup_widgets.evidence import Evidence
from gaesup_widgets.paint import Runs
from gaesup_widgets.symbols import Symbols

_METER, _SHORT_METER = 20, 7
"""Cells of a meter; of two on one line."""
_LEVELS = {"ok": "ok", "harm": "bad", "unsure": "", "no data": "dim"}
STYLES = {"PROMOTE": "ok", "CONTINUE": "accent", "ABORT": "bad", "NO EVIDENCE": "warn"}


def evidence_of(finding: FindingView) -> Evidence:
    """One metric: errors in points, the others relative to the base."""
    metric, tolerance = finding["metric"], finding["tolerance"]
    sign = "-" if metric in ("traffic", "conversion") else "+"
    size = f"{tolerance * 100:.2g}" if tolerance < 1 else f"{tolerance * 100:.0f}"
    text = f"{sign}{size}{' pt' if metric == 'errors' else ' %'}"
    if _is_felt(finding):
        text = f"+{millis(tolerance * (finding['base'] or 0.0) * 1000)}"
    return Evidence(
        name="convers." if metric == "conversion" else metric,
        baseline=_value(finding["base"], metric),
        candidate=_value(finding["candidate"], metric),
        difference=finding["difference"],
        low=finding["low"],
        high=finding["high"],
        tolerance=tolerance,
        tolerance_text=text,
        level=_LEVELS.get(finding["state"], ""),
    )


def turn_figures(findings: list[FindingView]) -> list[str]:
    """One line a metric: ``errors +0.06 pt (-0.10 to +0.47), limit +0.50 points; 1,903
    and 5,700`` requests of the candidate and the base."""
    lines = []
    for finding in findings:
        metric, size = finding["metric"], partial(_signed, finding)
        if finding["difference"] is None:
            lines.append(f"{metric} no data")
            continue
        low, high = finding["low"], finding["high"]
        ends = (low, high) if metric in ("errors", "p95") else (high, low)
        between = "" if None in ends else f" ({' to '.join(size(each) for each in ends)})"
        lines.append(
            f"{metric:<10} {size(finding['difference'])}{between}, limit "
            f"{size(finding['tolerance'])}{_unit(finding)}; "
            f"{finding['candidate_requests']:,} and {finding['base_requests']:,}"
        )
    return lines


def _signed(finding: FindingView, harm: float | None) -> str:
    """As people count: more errors, longer, but fewer conversions and less traffic are harm."""
    metric = finding["metric"]
    if harm is None:
        return "–"
    if _is_felt(finding):
        return f"{harm * (finding['base'] or 0.0) * 1000:+.1f}"
    size = 100 * (harm if metric in ("errors", "p95") else -harm)
    return f"{size:+.2f}" if metric == "errors" else f"{size:+.0f}"


def _unit(finding: FindingView) -> str:
    if finding["metric"] == "errors":
        return " points"
    return " ms" if _is_felt(finding) else " %"


def _is_felt(finding: FindingView) -> bool:
    """A fast unit's limit is a time one feels; as a share of its p95 it reads like none at all."""
    return finding["metric"] == "p95" and finding["tolerance"] > 1 and finding["base"] is not None


def _value(value: float | None, metric: str) -> str:
    if metric in ("errors", "conversion"):
        return percent(value, 2).replace(" ", "")
    if metric == "traffic":
        return _count(value)
    return millis(None if value is None else value * 1000)


def verdict_cells(verdict: VerdictView | None) -> list[Cell]:
    """``CONTINUE  no harm seen; not yet sure``."""
    if verdict is None:
        return [
            Cell("No verdict yet", "dim"),
            Cell(": the judge looks a few seconds after a split"),
        ]
    return [
        Cell(verdict["kind"], STYLES.get(verdict["kind"], "")),
        Cell(f"  {verdict['reason']}"),
    ]


def helps_cells(verdict: VerdictView | None, desk: Desk, view: DeploymentView) -> list[Cell]:
    """``send it requests: m Make load  E Extend``; nothing where waiting is all there is to do."""
    if verdict is None or not (verdict["fix"] or verdict["helps"]):
        return []
    fix, cells = verdict["fix"], [Cell("helps  ", "dim")]
    hints = [desk.hint(action, view) for action in verdict["helps"] if action in BY_ID]
    keys = [Cell(f"{hint.key} {hint.title}  ", "accent") for hint in hints if hint.reason is None]
    if fix:
        cells.append(Cell(f"{fix}{':' if keys else ''} "))
    return [*cells, *keys]


def _count(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value < 10_000 else f"{value / 1000:.0f}k"


def meter_cells(
    verdict: VerdictView | None, symbols: Symbols, *, short: bool = False
) -> list[Runs]:
    """How far both keys have turned: ``abort   ██░░░░░░░░  20 %``. ``short``: on one line."""
    if verdict is None or verdict["toward_abort"] is None:
        return []
    keys = (("abort", verdict["toward_abort"], "bad"), ("promote", verdict["toward_promote"], "ok"))
    lines: list[Runs] = []
    for name, share, style in keys:
        turned = max(0.0, min(share or 0.0, 1.0))
        cells = _SHORT_METER if short else _METER
        full = int(turned * cells)
        bar = symbols.fill * full + symbols.rest * (cells - full)
        lines.append(
            [
                Cell(f"{name if short else 'to ' + name:<{8 if short else 11}}", "dim"),
                Cell(bar, style if full else "dim"),
                Cell(f" {turned * 100:3.0f} %"),
            ]
        )
    return [[*lines[0], Cell("  "), *lines[1]]] if short else lines


def requests_line(verdict: VerdictView | None, base: str, candidate: str) -> str:
    """``v42 against v41: 18 240 of 54 310 requests``."""
    findings = verdict["findings"] if verdict else []
    if not findings:
        return f"{candidate} against {base}"
    new, old = findings[0]["candidate_requests"], findings[0]["base_requests"]
    return f"{candidate} against {base}: {new:,} and {old:,} requests".replace(",", " ")
