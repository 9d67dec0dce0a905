"""What one can go back to: how long it baked, who, what the judge said; choosing one of them."""

from __future__ import annotations

import pytest

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.errors import Refused
from gaesup_tui.domain.preview import preview
from gaesup_tui.domain.verdict import Verdict
from gaesup_tui.domain.viewing import Sight, deployment_view
from tests.console_driver import console_on

from .story import KEY, Story


def baked() -> Story:
    """v41, then v42 as a canary the judge promoted and that baked ten minutes."""
    story = Story()
    story.stable("v41")
    analysis = {"analysis": {"duration": "1m"}}
    story.deploy("v42", canary={"steps": [{"weight": 10}, analysis], "bake": "10m"})
    story.settle()
    story.verdict = Verdict(kind="PROMOTE", reason="no harm within 0.5 pt")
    story.later(61)
    story.later(601)
    return story


def test_a_release_says_how_long_it_baked_and_what_the_judge_said() -> None:
    release = baked().deployment.good[-1]
    assert release.revision.version == "v42"
    assert release.baked_s == pytest.approx(601, abs=1)
    assert release.verdict == "PROMOTE: no harm within 0.5 pt"
    assert release.by.name == "kim"


@pytest.mark.parametrize("back", [False, True])
def test_what_is_kept_is_the_last_word_of_the_judge_and_not_its_first(back: bool) -> None:
    story = Story()
    story.stable("v41")
    story.deploy("v42", canary={"steps": [{"weight": 10}, {"pause": "1m"}], "bake": "10m"})
    story.settle()
    first = Verdict(kind="CONTINUE", reason="unsure: about 9 min more", code="gathering")
    last = first.model_copy(update={"toward_promote": 0.8, "left_s": 60.0, "helps": ("load",)})
    story.verdict = first
    story.look()
    story.verdict = last
    if back:
        story.ask(cmd.Abort(deployment=KEY))
        story.settle()
    else:
        story.later(61)
        story.later(601)
    rollout = deployment_view(story.world, story.deployment, Sight(), story.now)["rollout"]
    assert rollout
    assert rollout["phase"] == "finished"
    assert rollout["verdict"]
    assert rollout["verdict"]["toward_promote"] == 0.8
    # Nobody waits for it any more, so it says nothing about waiting.
    assert rollout["verdict"]["reason"] == "nothing wrong was seen, and not enough to be sure"
    assert (rollout["verdict"]["left_s"], rollout["verdict"]["helps"]) == (None, [])
    good = {release.revision.version: release.verdict for release in story.deployment.good}
    said = "CONTINUE: nothing wrong was seen, and not enough to be sure"
    assert good.get("v42") == (None if back else said)


def test_any_good_version_can_be_chosen_but_not_the_one_that_serves() -> None:
    story = baked()
    story.stable("v43")
    shown = preview(story.world, "rollback", KEY, Sight(), story.now, version="v41")
    assert any(text.startswith("v41 100 %") for _, text in shown["lines"])
    with pytest.raises(Refused, match="it runs v43 already"):
        preview(story.world, "rollback", KEY, Sight(), story.now, version="v43")
    story.ask(cmd.Rollback(deployment=KEY, version="v41"))
    story.settle()
    story.later(31)
    assert story.deployment.stable is not None
    assert story.deployment.stable.version == "v41"


async def test_the_rollback_key_takes_the_version_under_the_cursor() -> None:
    async with console_on() as console:
        await console.press("2", "G", "enter")
        await console.expects("Known good", "v5", "baked 10m", "by kim", "PROMOTE: no harm seen")
        for _ in range(20):
            if "▌v5" in console.screen_text:
                break
            await console.press("j")
        await console.press("b")
        await console.expects("[ Cancel ]")
        await console.dead_time()
        await console.press("y")
        await console.until(lambda: console.engine.commands, "the command")
        body = console.engine.commands[0][1]
        assert (body["action"], body["version"]) == ("rollback", "v5")
