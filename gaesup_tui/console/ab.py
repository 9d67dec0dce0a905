"""The A/B test on the rollout screen, and in full on a page of its own."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widget import Widget

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.page import Page
from gaesup_tui.console.replica import Diff
from gaesup_tui.console.words import wrapped
from gaesup_tui.domain.abtest import telling
from gaesup_tui.domain.abtest.views import ABView
from gaesup_widgets.cells import Cell, percent
from gaesup_widgets.evidence import Evidence, EvidenceTable
from gaesup_widgets.paint import Lines, Runs

_LEVELS = {
    "better": "ok",
    "worse": "bad",
    "broken split": "bad",
    "undecided": "warn",
    "no data": "warn",
    "measuring": "accent",
}


def evidence_of(view: ABView) -> Evidence:
    """The effect as a band: to the right the candidate is worse, as with every metric."""

    def harm(value: float | None) -> float | None:
        return None if value is None else -value

    bound = view["bound"] or 0.0
    return Evidence(
        name="A/B",
        baseline=percent(view["base"]["ratio"], 2).replace(" ", ""),
        candidate=percent(view["candidate"]["ratio"], 2).replace(" ", ""),
        difference=harm(view["difference"]),
        low=harm(view["high"]),
        high=harm(view["low"]),
        tolerance=bound,
        tolerance_text=f"-{bound * 100:.2g} pt",
        level=_LEVELS.get(view["kind"], ""),
    )


def panel(view: ABView, now: float, width: int) -> list[Runs]:
    """The test in a few lines: the answer, the arms, the split, the time."""
    old, new = view["base"], view["candidate"]
    users = f"{old['users']:,} and {new['users']:,} users".replace(",", " ")
    lines = [
        [Cell(f"A/B {view['kind']}", _LEVELS.get(view["kind"], "")), Cell(f"  {view['reason']}")],
        [Cell("users ", "dim"), Cell(f"{users}; {telling.split(view)}")],
    ]
    if when := telling.times(view, now):
        lines.append([Cell("answer ", "dim"), Cell(when)])
    return [part for line in lines for part in wrapped(line, width)]


class ABAnswer(Page):
    """One deployment's A/B test, with everything behind its answer."""

    actions = ("promote", "abort", "extend", "pause", "resume", "copy", "time")
    DEFAULT_CSS = """
    ABAnswer EvidenceTable { margin: 1 0; }
    ABAnswer Lines { height: auto; }
    """

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk, f"{key} A/B test")
        self._key = key
        self._head, self._rest = Lines(), Lines()
        self._table = EvidenceTable(symbols=desk.symbols)
        self._scroll = VerticalScroll(self._head, self._table, self._rest)

    def compose(self) -> ComposeResult:
        yield self._scroll

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def home(self) -> Widget:
        return self._scroll

    def subject(self) -> str | None:
        return self._key

    def copied(self) -> str:
        view = self._view()
        return f"{self._key} {view['kind']}: {view['reason']}" if view else self._key

    def show(self, diff: Diff) -> None:
        if diff.anything or diff.clock:
            self._draw()

    def _view(self) -> ABView | None:
        view = self.desk.replica.deployments.get(self._key)
        rollout = view["rollout"] if view else None
        return rollout["ab"] if rollout else None

    def _draw(self) -> None:
        view, width = self._view(), max(20, self._scroll.size.width - 2)
        self._table.display = view is not None
        if view is None:
            self._head.set_lines([[Cell(f" {self._key}: its last rollout was no A/B test", "dim")]])
            self._rest.set_lines([])
            return
        self._head.set_lines(_head(view))
        self._table.show(view["base"]["version"], view["candidate"]["version"], [evidence_of(view)])
        lines: list[Runs] = []
        for label, text in telling.told(view, self.desk.now()):
            style = _LEVELS.get(view["kind"], "") if label == "Answer" else ""
            parts = wrapped([Cell(text, style)], width - _LABEL)
            for number, part in enumerate(parts):
                name = label if not number else ""
                lines.append([Cell(f" {name:<{_LABEL - 1}}", "dim"), *part])
        self._rest.set_lines(lines)


_LABEL = 11


def _head(view: ABView) -> list[Runs]:
    lines: list[Runs] = []
    for number, row in enumerate((telling.HEAD, *telling.arms(view))):
        name, *numbers = row
        text = f" {name:<10}" + "".join(f"{cell:>12}" for cell in numbers)
        lines.append([Cell(text, "" if number else "dim")])
    return lines
