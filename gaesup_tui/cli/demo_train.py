"""The demo's release trains: begun from the example's file, and taken back when a story ends."""

from __future__ import annotations

from pathlib import Path

from gaesup_tui.cli import rest
from gaesup_tui.cli.output import Output
from gaesup_tui.cli.stories import ENVIRONMENT, Story
from gaesup_tui.domain.train_views import TrainView
from gaesup_tui.service.client import Client


def begin(engine: Client, project: Path, story: Story, why: str, out: Output) -> None:
    """Starts the story's train; where all of its units run their version already, the other."""
    from gaesup_tui.service.project import load
    from gaesup_tui.service.train_project import seen, train_command

    file = load(project)
    rows = engine.status()["deployments"]
    running = {row["key"]: row for row in rows if row["version"]}
    units = file.file.trains[story.candidate].units
    there = all(
        (row := running.get(f"{unit}@{ENVIRONMENT}")) and row["version"] == version
        for unit, version in units.items()
    )
    name = story.otherwise if there else story.candidate
    command = train_command(file, name, file.file.trains[name], why)
    bound = seen(command, {key: row["seq"] for key, row in running.items()})
    receipt = engine.command(bound.model_dump(mode="json", by_alias=False))
    out.line(f"began the {receipt['text']}", "ok")


def end(engine: Client, why: str, out: Output, within_s: float) -> None:
    """Takes back every train of a demo that is under way."""
    for train in _under_way(engine):
        if train["phase"] != "back":
            engine.command({"action": "train_abort", "train": train["name"], "why": why})
        out.line(f"ended the train {train['name']}: its units go back")
    keys = {car["deployment"] for t in _under_way(engine) for group in t["groups"] for car in group}
    if keys:
        rest.wait(
            lambda: [row for row in engine.status()["deployments"] if row["key"] in keys],
            within_s,
            lambda row: None,
        )


def _under_way(engine: Client) -> list[TrainView]:
    trains = engine.status()["engine"]["trains"]
    return [train for train in trains if train["phase"] != "finished" and train["why"] == "demo"]
