"""The simulation is worth its minutes only if it finds bugs: here are some, planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gaesup_tui.domain import rollout_rules
from gaesup_tui.domain.strategy import way_back
from gaesup_tui.domain.world import World
from gaesup_tui.engine.conductor import Conductor
from gaesup_tui.engine.draft import Draft, Receipt
from gaesup_tui.engine.journal import Batch
from gaesup_tui.engine.keeper import Keeper
from gaesup_tui.engine.lane import Lane

from .story import Story

pytestmark = [pytest.mark.sim, pytest.mark.timeout(300)]
SEEDS = 60


def acts_before_the_journal_has_it(patch: pytest.MonkeyPatch) -> None:
    decide = Conductor._decide

    def hasty(self: Conductor) -> None:
        decide(self)
        if writing := self._ledger.writing:
            self._swap(writing.draft.world, writing.draft.keys())

    patch.setattr(Conductor, "_decide", hasty)


def forgets_a_freeze(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(World, "frozen", lambda self, key: False)


def returns_traffic_to_a_base_that_is_gone(patch: pytest.MonkeyPatch) -> None:
    def careless(base_replicas: int | None, **_: bool) -> Any:
        return way_back(base_replicas)

    patch.setattr(rollout_rules, "way_back", careless)


def never_asks_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lane, "_may_repeat", lambda self: not self.accepted)


def forgets_answers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Draft, "_answers", lambda self: ())


def calls_durable_what_is_not(patch: pytest.MonkeyPatch) -> None:
    receipt = Draft.receipt

    def bold(self: Draft, order: Any, *, durable: bool) -> Receipt:
        return receipt(self, order, durable=True)

    patch.setattr(Draft, "receipt", bold)


def loses_what_acted_from_memory(patch: pytest.MonkeyPatch) -> None:
    batch = Draft.batch

    def forgetful(self: Draft) -> Batch:
        whole = batch(self)
        return Batch((), ()) if len(whole.events) > 3 else whole

    patch.setattr(Draft, "batch", forgetful)


def takes_replicas_from_under_the_traffic(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Keeper, "_remove_others", lambda self, state, wished, weights: None)


@pytest.mark.parametrize(
    "plant",
    [
        acts_before_the_journal_has_it,
        forgets_a_freeze,
        returns_traffic_to_a_base_that_is_gone,
        never_asks_twice,
        forgets_answers,
        calls_durable_what_is_not,
        loses_what_acted_from_memory,
        takes_replicas_from_under_the_traffic,
    ],
)
def test_a_planted_bug_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant(monkeypatch)
    for seed in range(SEEDS):
        try:
            Story(seed, tmp_path).tell()
        except Exception as found:
            print(f"found by seed {seed}: {found}")
            return
    pytest.fail(f"{SEEDS} seeds did not find it")
