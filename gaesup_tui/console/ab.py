"""The A/B test on the rollout screen, and in full on a page of its own."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widget import Widget

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.page import Page
from gaesup_tui.console.replica import Diff
from gaesup_tui.domain.abtest import telling
from gaesup_tui.domain.abtest.views import ABView
from gaesup_tui.domain.text import duration
from gaesup_widgets.cells import Cell
from gaesup_widgets.paint import Lines, Runs, wrapped
from gaesup_widgets.symbols import Symbols

_LEVELS = {
    "better": "ok",
    "worse": "bad",
    "broken split": "bad",
    "undecided": "warn",
    "no data": "warn",
    "measuring": "accent",
}


def band_runs(view: ABView, width: int, symbols: Symbols) -> Runs:
    """``worse [··│··┼··│▬▬●▬▬··] better  limit 0.15 pt``: zero in the middle, and where a
    difference begins to matter on both sides. The scale doubles until the interval fits."""
    change, low, high, bound = view["difference"], view["low"], view["high"], view["bound"]
    if change is None or low is None or high is None or not bound:
        return [Cell("no effect can be told yet", "dim")]
    matters = f" better  limit {bound * 100:.2g} pt"
    half = max(4, min(20, (width - len(matters) - 11) // 2))
    scale = bound * 2
    while scale < max(abs(low), abs(high)):
        scale *= 2

    def place(value: float) -> int:
        return half + round(value / scale * half)

    track = [symbols.band_track] * (2 * half + 1)
    for at in range(place(low), place(high) + 1):
        track[at] = symbols.band_interval
    for at in (place(-bound), place(bound)):
        track[at] = symbols.band_limit
    track[half] = symbols.band_zero
    track[place(change)] = symbols.band_point
    line = symbols.band_edge_left + "".join(track) + symbols.band_edge_right
    return [
        Cell("worse ", "dim"),
        Cell(line, _LEVELS.get(view["kind"], "")),
        Cell(matters, "dim"),
    ]


def panel(view: ABView, now: float, width: int, symbols: Symbols) -> list[Runs]:
    """The test in a few lines: the answer, the effect, the arms, the split, the time."""
    old, new = view["base"], view["candidate"]
    kind = Cell(f"A/B {view['kind']}", _LEVELS.get(view["kind"], ""))
    users = f"{old['users']:,} and {new['users']:,}: ".replace(",", " ")
    lines = [
        *wrapped([kind, Cell(f" {view['reason']}")], width),
        band_runs(view, width, symbols),
        *wrapped([Cell("users  ", "dim"), Cell(users + telling.split(view))], width),
    ]
    if view["latest"] is not None:
        soon = "" if view["earliest"] is None else f"at least {_left(view['earliest'], now)}, "
        when = f"in {soon}at most {_left(view['latest'], now)}"
        lines.append([Cell("answer ", "dim"), Cell(when)])
    return lines


def _left(at: float, now: float) -> str:
    return duration(max(0.0, at - now))


class ABAnswer(Page):
    """One deployment's A/B test, with everything behind its answer."""

    actions = ("promote", "abort", "extend", "pause", "resume", "copy", "time")
    DEFAULT_CSS = """
    ABAnswer Lines { height: auto; }
    ABAnswer #band { margin: 1 0; }
    """

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk, f"{key} A/B test")
        self._key = key
        self._head, self._band, self._rest = Lines(), Lines(id="band"), Lines()
        self._scroll = VerticalScroll(self._head, self._band, self._rest)

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
        self._band.display = view is not None
        if view is None:
            self._head.set_lines([[Cell(f" {self._key}: its last rollout was no A/B test", "dim")]])
            self._rest.set_lines([])
            return
        self._head.set_lines(_head(view))
        band = band_runs(view, width - 1, self.desk.symbols)
        self._band.set_lines([[Cell(" "), *band]])
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
