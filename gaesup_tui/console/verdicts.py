"""The verdict's history: each metric's band and both keys over time, and every turn it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widget import Widget

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.evidence import STYLES, turn_figures
from gaesup_tui.console.page import Page
from gaesup_tui.console.replica import Diff
from gaesup_tui.console.words import active_rollout, versions
from gaesup_tui.domain.errors import GaesupError
from gaesup_tui.domain.text import duration
from gaesup_tui.domain.verdict_views import PointView, TurnView, VerdictHistory
from gaesup_widgets.band_history import STOREYS, band_rows
from gaesup_widgets.cells import Cell
from gaesup_widgets.paint import Lines, Runs, wrapped
from gaesup_widgets.sparkline import spark
from gaesup_widgets.symbols import Symbols

Each = TypeVar("Each")

_METRICS = ("errors", "p95", "conversion", "traffic")
_LABEL = 18
_AGAIN_S = 5.0
_TURNS = "When the verdict turned, newest first; requests of both sides last"
_CELLS_EACH = 4
_WIDEST = 120
"""As many points as the engine keeps."""


class Verdicts(Page):
    """One judgement from its beginning."""

    actions: ClassVar[tuple[str, ...]] = (
        "promote",
        "extend",
        "load",
        "pause",
        "abort",
        "timeline",
        "copy",
        "time",
    )
    DEFAULT_CSS = """
    Verdicts VerticalScroll { height: 1fr; }
    Verdicts VerticalScroll Lines { height: auto; }
    """

    def __init__(self, desk: Desk, key: str, rollout: str) -> None:
        super().__init__(desk, f"{key} verdict history")
        self._key, self._rollout = key, rollout
        self._lines = Lines()
        self._scroll = VerticalScroll(self._lines)
        self._history: VerdictHistory | None = None
        self._problem = ""
        self._asked_at = 0.0

    def compose(self) -> ComposeResult:
        yield self._scroll

    def on_mount(self) -> None:
        self._ask()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def home(self) -> Widget:
        return self._scroll

    def subject(self) -> str | None:
        return self._key

    def copied(self) -> str:
        return self._rollout

    def show(self, diff: Diff) -> None:
        view = self.desk.replica.deployments.get(self._key)
        moves = view is not None and active_rollout(view) is not None
        if (moves or self._history is None) and self.desk.now() - self._asked_at >= _AGAIN_S:
            self._ask()
        elif diff.clock:
            self._draw()

    def _ask(self) -> None:
        self._asked_at = self.desk.now()
        # Only reading: a worker that dies with the page is right for it.
        self.run_worker(self._load(), exclusive=True)

    async def _load(self) -> None:
        try:
            self._history = await self.desk.engine.verdicts(self._rollout)
        except GaesupError as error:
            self._problem = str(error)
        else:
            self._problem = ""
        self._draw()

    # Lines ----------------------------------------------------------------------------------

    def _draw(self) -> None:
        if not self.is_attached:
            return
        width = self._lines.content_size.width or self.size.width
        lines: list[Runs] = []
        if self._problem:
            lines += wrapped([Cell(f" {self._problem}", "warn")], width)
        history = self._history
        if history is None:
            lines += [] if self._problem else [[Cell(" The judge's record is read …", "dim")]]
            self._lines.set_lines(lines)
            return
        lines += wrapped([Cell(" "), *_title(history, self.desk.symbols)], width)
        said = [Cell(f" {history['kind']}", STYLES.get(history["kind"], ""))]
        lines += wrapped([*said, Cell(f"  {history['reason']}")], width)
        room = max(10, min(width - _LABEL - 8, _WIDEST))
        lines += self._keys(history["points"], room)
        lines += _axis(history["points"], room)
        high = self._scroll.size.height >= 34
        for metric in _METRICS:
            if any(metric in point["bands"] for point in history["points"]):
                lines += self._bands(metric, history["points"], room, 2 if high else 1)
        for text in history["flips"]:
            lines += wrapped([Cell(f" {text}", "dim")], width)
        lines += [(), [Cell(f" {_TURNS}", "heading")]]
        for turn in reversed(history["turns"]):
            lines += self._turn(turn, width)
        if history["left_out"]:
            lines.append([Cell(f" {history['left_out']} turns in between are not shown", "dim")])
        self._lines.set_lines(lines)

    def _keys(self, points: list[PointView], room: int) -> list[Runs]:
        """How far both keys had turned."""
        symbols, lines = self.desk.symbols, []
        abort = [point["toward_abort"] for point in points]
        promote = [point["toward_promote"] for point in points]
        for name, values, style in (("to abort", abort, "bad"), ("to promote", promote, "ok")):
            last = values[-1] if values else 0.0
            bars = spark(_wide(values, room), room, symbols, low=0.0, high=1.0)
            lines.append(
                [
                    Cell(f" {name:<{_LABEL - 1}}", "dim"),
                    Cell(bars, style),
                    Cell(f" {last * 100:3.0f} %"),
                ]
            )
        return [*lines]

    def _bands(self, metric: str, points: list[PointView], room: int, each: int) -> list[Runs]:
        """One metric: over its limit, within it, better than the base."""
        bands = _wide([point["bands"].get(metric) for point in points], room)
        rows = band_rows(bands, room, each, self.desk.symbols)
        lines: list[Runs] = []
        for number, row in enumerate(rows):
            storey = STOREYS[number // each] if number % each == 0 else ""
            name = metric if number == 0 else ""
            style = "warn" if number < each else ""
            lines.append([Cell(f" {name:<10} {storey:<6}", "dim"), Cell(row, style)])
        return lines

    def _turn(self, turn: TurnView, width: int) -> list[Runs]:
        when = self.desk.times.clock(turn["at"], self.desk.now())
        said = [
            Cell(f" {when}  {duration(turn['end_s']):>6}  ", "dim"),
            Cell(turn["kind"], STYLES.get(turn["kind"], "")),
            Cell(f" {turn['code']}: {turn['reason']}"),
        ]
        figures = [Cell(f"   {text}", "dim") for text in turn_figures(turn["findings"])]
        return [
            *wrapped(said, width),
            *(line for cell in figures for line in wrapped([cell], width)),
        ]


def _wide(values: Sequence[Each], room: int) -> list[Each]:
    """Each value in several cells while there are few: a minute is seen from afar."""
    times = max(1, min(_CELLS_EACH, room // max(len(values), 1)))
    return [value for value in values for _ in range(times)]


def _axis(points: list[PointView], room: int) -> list[Runs]:
    """Between which moments the charts stand."""
    if len(points) < 2:
        return []
    first, last = (duration(points[i]["end_s"]) for i in (0, -1))
    cells = min(room, len(_wide(points, room)))
    between = max(1, cells - len(first) - len(last))
    line = f"{first}{' ' * between}{last}"
    return [[Cell(" " * (_LABEL + room - cells) + line, "dim")]]


def _title(history: VerdictHistory, symbols: Symbols) -> list[Cell]:
    past = duration(history["past_s"]) if history["past_s"] else "none"
    judged = duration(history["ticks"] * history["tick_s"])
    change = versions(history["base"], history["candidate"], symbols)
    return [
        Cell(f"{history['rollout']}  {change}  ", "strong"),
        Cell(f"{judged} judged; past of {history['base']}: {past}"),
    ]
