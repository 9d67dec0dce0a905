"""Whoever asks for events that are no longer kept is told so, through the real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gaesup_tui.cli.main import main
from gaesup_tui.domain.errors import NotFound, Refused
from tests.service_world import Running, Watcher, service, short_folder

CART = "cart@production"


@pytest.fixture
async def removed() -> AsyncIterator[Running]:
    """Two rollouts happened; the events of the first are gone."""
    with short_folder() as folder:
        async with service(folder) as it:
            for version in ("v1", "v2"):
                quick = {"strategy": "rolling", "spec": {"rolling": {"bake": 0}}}
                await it.deploy(CART, version, **quick)
                await it.at_rest(CART)
                await it.engine._upkeep.snapshot(it.engine.world)
            it.engine._retention.keep_s = 0.0
            assert await it.engine._retention.prune() > 3
            yield it


async def test_a_stream_from_before_the_beginning_is_refused_with_the_way_on(
    removed: Running,
) -> None:
    hello = await removed.call(removed.client.hello)
    assert hello["begins"] > 1
    watcher = Watcher(removed.client, after=0)
    await watcher.until(lambda w: w.over, "the refusal")
    assert isinstance(watcher.error, Refused)
    assert f"events 1 to {hello['begins'] - 1}" in watcher.error.message
    assert "no longer kept" in watcher.error.message
    assert "/v1/snapshot" in watcher.error.hint
    follows = Watcher(removed.client, after=hello["begins"] - 1)
    await follows.until(
        lambda w: [event["seq"] for event in w.of("journal")][:1] == [hello["begins"]], "the rest"
    )


async def test_history_from_before_the_beginning_is_refused_and_the_newest_is_not(
    removed: Running,
) -> None:
    with pytest.raises(Refused, match="no longer kept"):
        await removed.call(removed.client.history, after=0)
    newest = await removed.call(removed.client.history, limit=5)
    assert len(newest) == 5


async def test_an_old_rollout_may_have_been_removed(removed: Running) -> None:
    with pytest.raises(NotFound) as told:
        await removed.call(removed.client.rollout, f"{CART}#99")
    assert "are no longer kept" in told.value.hint


async def test_commands_say_on_the_side_that_older_events_are_gone(
    removed: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    socket = ["--socket", str(removed.socket)]
    for command in (
        ["history", "cart"],
        ["engine", "export", "--since", "0"],
        ["engine", "status"],
    ):
        code = await removed.call(main, [*socket, *command])
        out, said = capsys.readouterr()
        assert code == 0, said
        assert "are no longer kept: see keepHistory" in said, command
        assert "no longer kept" not in out
    begins = (await removed.call(removed.client.hello))["begins"]
    for command in (["engine", "export", "--since", str(begins)], ["history", "--limit", "2"]):
        assert await removed.call(main, [*socket, *command]) == 0
        assert not capsys.readouterr().err
