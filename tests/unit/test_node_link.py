"""One worker's connection: a fault with one reply must not cost the others theirs."""

from __future__ import annotations

import sys

import pytest

from gaesup_backends.local import frames
from gaesup_backends.local.link import WorkerLink


class _Waiting:
    def __init__(self) -> None:
        self.outcomes: list[int] = []

    def done(self, outcome: int, payload: bytes) -> None:
        self.outcomes.append(outcome)


class _Faulty:
    def done(self, outcome: int, payload: bytes) -> None:
        raise RuntimeError("its client's reply cannot be written")


class _FullDisk:
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("log_is_full", [False, True])
async def test_a_call_that_fails_costs_the_others_nothing_also_while_the_log_is_full(
    log_is_full: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if log_is_full:
        monkeypatch.setattr(sys, "stderr", _FullDisk())
    lost: list[bool] = []
    link = WorkerLink(lambda _: None, lambda: lost.append(True))
    waiting = _Waiting()
    link.pending = {1: _Faulty(), 2: waiting}
    link.connection_lost(None)
    assert waiting.outcomes == [frames.OUTCOME_NUMBERS["replica_died"]]
    assert lost == [True]
    if not log_is_full:
        assert "its client's reply cannot be written" in capsys.readouterr().err
