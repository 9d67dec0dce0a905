"""How release trains look: in lists, among what waits for a person, among what moves. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from gaesup_tui.console.needs import Need
from gaesup_tui.domain.train_views import CarView, TrainView
from gaesup_tui.domain.views import EngineView
from gaesup_widgets.cells import Cell, age
from gaesup_widgets.grid import Row
from gaesup_widgets.symbols import Symbols

_PHASES = {
    "forward": ("running", "moves", "accent"),
    "gate": ("waiting", "at a gate", "warn"),
    "held": ("paused", "held", "bad"),
    "back": ("warn", "goes back", "bad"),
}
_OUTCOMES = {
    "arrived": ("ok", "arrived", "ok"),
    "returned": ("failed", "returned", "warn"),
    "partly": ("bad", "partly", "bad"),
}
_PLACES = {
    "to come": ("planned", "dim"),
    "moving": ("running", "accent"),
    "gate": ("waiting", "warn"),
    "arrived": ("running", "accent"),
    "ready": ("ok", "ok"),
    "leaving": ("ok", "ok"),
    "through": ("ok", "ok"),
    "going back": ("warn", "bad"),
    "back": ("failed", "warn"),
    "elsewhere": ("warn", "warn"),
    "aside": ("paused", "warn"),
}


def trains_of(engine: EngineView | None) -> list[TrainView]:
    """All that are known: those under way first, newest first."""
    trains = engine["trains"] if engine else []
    return sorted(trains, key=lambda train: (train["phase"] == "finished", -train["at"]))


def train_named(engine: EngineView | None, name: str) -> TrainView | None:
    return next((train for train in trains_of(engine) if train["name"] == name), None)


def phase_cell(train: TrainView, symbols: Symbols) -> Cell:
    """``● arrived``: a symbol and a word."""
    outcome = train["outcome"]
    symbol, word, style = _OUTCOMES[outcome] if outcome else _PHASES[train["phase"]]
    return Cell(f"{getattr(symbols, symbol)} {word}", style)


def change_of(car: CarView, symbols: Symbols) -> str:
    """``v41→v42``."""
    arrow = "→" if symbols.fill == "█" else ">"
    return f"{car['leaves'] or '–'}{arrow}{car['to']}"


def place_cell(car: CarView, symbols: Symbols) -> Cell:
    """Where a unit stands, in words."""
    symbol, style = _PLACES[car["place"]]
    return Cell(f"{getattr(symbols, symbol)} {car['text']}", style)


def expiry(train: TrainView, now: float) -> str:
    """``back in 26m``; empty when nothing expires."""
    until = train["until"]
    return "" if until is None else f"back in {age(max(0.0, until - now))}"


def train_needs(engine: EngineView, now: float) -> list[Need]:
    """Trains that wait for a person."""
    return [
        Need(
            f"train:{train['name']}:needs",
            "",
            "train",
            train["text"],
            train["since"],
            expiry(train, now) or "stays so",
            1,
            name=train["name"],
        )
        for train in engine["trains"]
        if train["person"]
    ]


def train_rows(trains: Iterable[TrainView], symbols: Symbols) -> list[Row]:
    """Trains among what moves."""
    return [
        Row(
            f"train:{train['name']}",
            {"name": f"train {train['name']}", "text": _moving(train, symbols)},
            layout="train",
        )
        for train in trains
        if train["phase"] != "finished"
    ]


def _moving(train: TrainView, symbols: Symbols) -> list[Cell]:
    return [phase_cell(train, symbols), Cell(f"  {train['text']}")]


def train_of_row(key: str | None) -> str:
    """The train a row of ``train_needs`` or ``train_rows`` is about; empty: none."""
    return key.split(":")[1] if key and key.startswith("train:") else ""
