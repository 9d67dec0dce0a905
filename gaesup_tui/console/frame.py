"""The frame around every screen: the truth about what one looks at, the tabs, the footer."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gaesup_tui.console.desk import Desk
from gaesup_tui.console.roots import TABS
from gaesup_tui.domain.stop_views import STOP_WORDS
from gaesup_widgets.cells import Cell, age, fit_runs, millis, width_of
from gaesup_widgets.drawn import DrawnLines
from gaesup_widgets.footer import KeyFooter, KeyHint, footer_runs
from gaesup_widgets.paint import Lines, Runs, wrapped

_ENGINE_CELLS, _DATA_CELLS, _LINE_CELLS, _AUTO_CELLS, _READ_ONLY_CELLS = 18, 10, 11, 16, 10
_OLD_AFTER_S = 5.0
_SLOW_LINE_S = 0.3


class Truth(DrawnLines):
    """Line 1: scope, engine, age of the data, lag of one's own line, automation, read-only."""

    DEFAULT_CSS = "Truth { height: 1; width: 1fr; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__(symbols=desk.symbols)
        self._desk = desk
        self.line_lag_s: float | None = None
        """Round trip to the terminal; None: it does not answer, or has not yet."""

    def show(self) -> None:
        """Say how things are now."""
        self.redraw()

    def lines_for(self, width: int) -> Sequence[Runs]:
        desk = self._desk
        every = ("all environments", "everywhere", "all") if width >= 90 else ("everywhere", "all")
        scopes = (desk.options.environment,) if desk.options.environment else every
        fields: list[tuple[int, list[Cell]]] = [
            (_ENGINE_CELLS, self._engine()),
            (_DATA_CELLS, self._data()),
            (_LINE_CELLS, self._line()),
            (_AUTO_CELLS, self._automation()),
        ]
        if desk.options.read_only:
            fields.append((_READ_ONLY_CELLS, [Cell("READ-ONLY", "warn")]))
        left = max(0, width - sum(cells for cells, _ in fields))
        runs = fit_runs(_scope(scopes, left - 1), left - 1)
        for cells, field in fields:
            runs += fit_runs([Cell(" "), *field], cells)
        return [runs]

    def _engine(self) -> list[Cell]:
        link = self._desk.link
        state = link.state
        style = {"ok": "ok", "connecting": "dim", "late": "warn"}.get(state, "bad")
        runs = [Cell("engine ", "dim"), Cell(state, style)]
        if state == "ok" and link.latency_s is not None:
            runs.append(Cell(f" {_coarse(link.latency_s)}"))
        return runs

    def _data(self) -> list[Cell]:
        age_s = self._desk.replica.age_s()
        style = "warn" if age_s is not None and age_s > _OLD_AFTER_S else ""
        # Beats come every two seconds: within that, data is as new as it can be.
        text = "now" if age_s is not None and age_s < 3 else age(age_s)
        return [Cell("data ", "dim"), Cell(text, style)]

    def _line(self) -> list[Cell]:
        lag_s = self.line_lag_s
        if lag_s is None:
            return []
        style = "warn" if lag_s > _SLOW_LINE_S else ""
        return [Cell("line ", "dim"), Cell(_coarse(lag_s), style)]

    def _automation(self) -> list[Cell]:
        engine = self._desk.replica.engine
        if engine is None:
            return [Cell("auto –", "dim")]
        if engine["stops"]:
            return [Cell("auto ", "dim"), Cell("HELD", "bad")]
        held = sum(1 for view in self._desk.deployments() if view["hold"])
        if held:
            return [Cell("auto ", "dim"), Cell(f"on, {held} held", "warn")]
        return [Cell("auto ", "dim"), Cell("on")]


def _scope(scopes: Sequence[str], cells: int) -> list[Cell]:
    """What is looked at, in the words that fit; before it is cut, the program's name goes."""
    words = next((s for s in scopes if width_of(f" gaesup  {s}") <= cells), scopes[-1])
    if width_of(f" gaesup  {words}") > cells:
        return [Cell(f" {words}")]
    return [Cell(" gaesup", "strong"), Cell(f"  {words}")]


def _coarse(seconds: float) -> str:
    """A latency with as many digits as mean something, so that it does not flicker."""
    ms = seconds * 1000
    if ms < 10:
        return "<10ms"
    step = 10 if ms < 100 else 50
    return millis(round(ms / step) * step)


class TabLine(DrawnLines):
    """Line 2: the screens, where one is in them, and how much waits for a person."""

    DEFAULT_CSS = "TabLine { height: 1; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[str, tuple[str, ...], int | None, str] = ("1", (), None, "")

    def show(self, tab: str, path: Sequence[str], waiting: int | None, filtered: str = "") -> None:
        """Mark ``tab``, with ``path`` below it; ``waiting`` things need a person, None: unknown.
        ``filtered``: the filter that hides some of what there is."""
        self._shown = (tab, tuple(path), waiting, filtered)
        self.redraw()

    def lines_for(self, width: int) -> Sequence[Runs]:
        tab, path, waiting, filtered = self._shown
        runs = [Cell(" ")]
        for key, title in TABS.items():
            if key == tab:
                runs += [Cell(f" {key} {title} ", "cursor")]
            else:
                runs += [Cell(f" {key}", "accent"), Cell(f" {title} ")]
        if filtered:  # first: nobody may take what it leaves for all there is
            runs.append(Cell(f" only /{filtered}", "warn"))
        runs += [Cell(f" > {part}", "strong") for part in path]
        right = f"{waiting} need you " if waiting else "nothing needs you "
        if waiting is None:
            right = "not known yet "
        left = fit_runs(runs, max(0, width - width_of(right) - 1))
        return [[*left, Cell(" "), Cell(right, "warn" if waiting else "dim")]]


class Foot(KeyFooter):
    """The last line: keys, or for a while what was just said."""

    DEFAULT_CSS = "Foot { height: auto; min-height: 1; }"
    SAYS_FOR_S = 6.0
    MOST_LINES = 3
    """Of a notice: why something is not possible, and what to do instead, is read to its end."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(symbols=desk.symbols)
        self._said: tuple[str, str] | None = None
        self._said_at = 0.0

    @property
    def said(self) -> str:
        """The notice in sight."""
        return self._said[0] if self._said else ""

    def say(self, text: str, style: str = "") -> None:
        """Put a notice in place of the keys until it was read or a key is pressed."""
        self._said, self._said_at = (text, style), time.monotonic()
        self.redraw()

    def hush(self, *, only_old: bool = False) -> None:
        """Take the notice away."""
        if self._said and not (only_old and time.monotonic() - self._said_at < self.SAYS_FOR_S):
            self._said = None
            self.redraw()

    def lines_for(self, width: int) -> Sequence[Runs]:
        if self._said is None:
            return super().lines_for(width)
        text, style = self._said
        pinned: list[KeyHint] = [h for h in self._hints if h.is_pinned and h.is_danger]
        if width_of(text) + 1 > width:
            lines = wrapped([Cell(text, style)], max(10, width - 2))
            if len(lines) > self.MOST_LINES:
                rest = [c for line in lines[self.MOST_LINES - 1 :] for c in (Cell(" "), *line)]
                lines = [*lines[: self.MOST_LINES - 1], rest[1:]]
            return [[Cell(" "), *line] for line in lines]
        right = footer_runs(pinned, 10, self._symbols) if width_of(text) + 12 < width else []
        left = fit_runs([Cell(f" {text}", style)], width - (10 if right else 0))
        return [[*left, *right]]


class Strip(Lines):
    """Above the footer, only while something is out of order: a stop in force with what still
    moves, or an engine that is not heard, with why."""

    DEFAULT_CSS = "Strip { height: auto; width: 1fr; display: none; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def show(self) -> None:
        """Appear, change or go."""
        lines = [*self._link_lines(), *self._stop_lines()]
        if self.display != bool(lines):
            self.display = bool(lines)
        if lines:
            self.set_lines(lines)

    def _link_lines(self) -> list[Runs]:
        link = self._desk.link
        if link.state == "lost":
            runs = [Cell(" no engine: ", "bad"), Cell(f"{link.problem}; trying again")]
            return wrapped(runs, max(20, self.app.size.width - 2))[:3]
        if link.state == "late":
            old = age(self._desk.replica.age_s())
            text = f"connected, and nothing was heard for {old}: what is shown may not be so"
            return [[Cell(" engine late: ", "warn"), Cell(text)]]
        return []

    def _stop_lines(self) -> list[Runs]:
        engine = self._desk.replica.engine
        if engine is None or not engine["stops"]:
            return []
        stops, still = engine["stops"], engine["still"]
        now, times = self._desk.now(), self._desk.times
        lines: list[Runs] = []
        for stop in stops[:2]:
            word = STOP_WORDS[stop["mode"]].upper()
            scope = stop["scope"] or "everything"
            who = f" {scope} by {stop['by']} {times.clock(stop['at'], now)}"
            why = f": {stop['why']}" if stop["why"] else ""
            lines.append([Cell(f" {word}", "bad"), Cell(f"{who}{why}   automation held")])
        for rollback in engine["rollbacks"]:
            bad = [*rollback["problems"], *(f"left: {each}" for each in rollback["skipped"])]
            lines.append([Cell(f" {rollback['text']}"), Cell(f"   {'; '.join(bad)}", "warn")])
        if still:
            text = "; ".join(still[:3]) + (f"; {len(still) - 3} more" if len(still) > 3 else "")
            return [*lines, [Cell(" still moving: ", "warn"), Cell(text)]]
        said = " all held" if all(s["mode"] == "freeze" for s in stops) else " all at rest"
        lets_go = Cell("   L lets go, with a reason", "dim")
        return [*lines, [Cell(said, "ok"), lets_go]]
