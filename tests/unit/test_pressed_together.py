"""Two people at one gate, hundreds of times: the abort always acts, at most one promotion does, and
whoever comes too late is told who decided and when."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import GaesupError, Moved, Refused
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.engine.draft import Receipt

from .engine_rig import GATED, KEY, KIM, MARA, Rig

ROUNDS = 300
LEE = Actor(name="lee", uid=1002)


async def press(rig: Rig, command: cmd.Command, by: Actor, after_s: float) -> Receipt | GaesupError:
    """What becomes of it."""
    await asyncio.sleep(after_s)
    try:
        return await rig.engine.submit(command, by)
    except GaesupError as error:
        return error


def test_promote_and_abort_pressed_together_have_one_outcome(tmp_path: Path) -> None:
    chance = random.Random(3)
    went_forward_first = 0

    async def one_round(rig: Rig) -> None:
        nonlocal went_forward_first
        await rig.deploy("v42", strategy="canary", spec=GATED)
        await rig.until(lambda: rig.deployment.active and rig.deployment.active.index == 3)
        seq = rig.deployment.seq
        looked: list[tuple[cmd.Command, Actor]] = [
            (cmd.Promote(deployment=KEY, expect_seq=seq), KIM),
            (cmd.Promote(deployment=KEY, full=True, expect_seq=seq), LEE),
            (cmd.Abort(deployment=KEY, expect_seq=seq), MARA),
        ]
        chance.shuffle(looked)
        moments = [chance.choice((0.0, 0.0, 0.001, 0.02)) for _ in looked]
        answers = await asyncio.gather(
            *(press(rig, *what, after) for what, after in zip(looked, moments, strict=True))
        )
        told = {by.name: answer for (_, by), answer in zip(looked, answers, strict=True)}
        assert isinstance(told["mara"], Receipt), "nothing beats an abort"
        promoted = [name for name in ("kim", "lee") if isinstance(told[name], Receipt)]
        assert len(promoted) <= 1, "two people promoted the same gate"
        went_forward_first += len(promoted)
        for name in {"kim", "lee"} - set(promoted):
            late = told[name]
            assert isinstance(late, Moved | Refused), late
            others = {"kim", "lee", "mara"} - {name}
            assert any(f"{other}" in str(late) for other in others), late
            assert " ago" in str(late), late
        await rig.until(lambda: rig.deployment.active is None)
        assert rig.deployment.stable is not None
        assert rig.deployment.stable.version == "v41"
        assert rig.live == [100]

    async def story(rig: Rig) -> None:
        await rig.deploy("v41", replicas=2)
        await rig.until(lambda: rig.deployment.stable)
        for _ in range(ROUNDS):
            await one_round(rig)
        kinds = rig.kinds()
        assert kinds.count("decision_made") == went_forward_first
        assert kinds.count("rollout_finished") == ROUNDS + 1

    Rig(tmp_path).run(story)
    assert 0 < went_forward_first < ROUNDS, "both orders were met"
