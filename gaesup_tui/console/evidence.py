"""The judge's findings as the evidence table draws them. Pure."""

from __future__ import annotations

from gaesup_tui.domain.verdict_views import FindingView, VerdictView
from gaesup_widgets.cells import Cell, millis, percent
from gaesup_widgets.evidence import Evidence

_LEVELS = {"ok": "ok", "harm": "bad", "unsure": "", "no data": "dim"}
_VERDICTS = {"PROMOTE": "ok", "CONTINUE": "accent", "ABORT": "bad", "NO EVIDENCE": "warn"}


def evidence_of(finding: FindingView) -> Evidence:
    """One metric: errors in points, p95 relative to the base."""
    is_errors = finding["metric"] == "errors"
    tolerance = finding["tolerance"]
    text = f"+{tolerance * 100:.2g}{' pt' if is_errors else ' %'}"
    if finding["state"] == "ok" and (finding["difference"] or 0.0) > tolerance:
        # The judge looks at what users feel: a few milliseconds are none, however many percent.
        text += ", not felt"
    return Evidence(
        name=finding["metric"],
        baseline=_value(finding["base"], is_errors),
        candidate=_value(finding["candidate"], is_errors),
        difference=finding["difference"],
        low=finding["low"],
        high=finding["high"],
        tolerance=tolerance,
        tolerance_text=text,
        level=_LEVELS.get(finding["state"], ""),
    )


def _value(value: float | None, is_errors: bool) -> str:
    if is_errors:
        return percent(value, 2).replace(" ", "")
    return millis(None if value is None else value * 1000)


def verdict_cells(verdict: VerdictView | None) -> list[Cell]:
    """``CONTINUE  no harm seen; not yet sure``."""
    if verdict is None:
        return [Cell("No verdict yet", "dim"), Cell(": the judge looks once traffic is split")]
    return [
        Cell(verdict["kind"], _VERDICTS.get(verdict["kind"], "")),
        Cell(f"  {verdict['reason']}"),
    ]


def requests_line(verdict: VerdictView | None, base: str, candidate: str) -> str:
    """``v42 against v41: 18 240 of 54 310 requests``."""
    findings = verdict["findings"] if verdict else []
    if not findings:
        return f"{candidate} against {base}"
    new, old = findings[0]["candidate_requests"], findings[0]["base_requests"]
    return f"{candidate} against {base}: {new:,} and {old:,} requests".replace(",", " ")
