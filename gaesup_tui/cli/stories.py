"""What the demo tells: versions, traffic, and what a person should watch for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gaesup_tui
from gaesup_tui.domain.errors import NotFound

ENVIRONMENT = "production"
GOOD = {"cart": "v41", "catalog": "v21", "checkout": "v12", "search": "v7"}
"""What runs before a story begins."""
RPS = {"cart": 120, "catalog": 30, "checkout": 20, "search": 20}
FLOOD_RPS = {"cart": 600, "catalog": 150, "checkout": 100, "search": 100}


@dataclass(frozen=True, slots=True)
class Story:
    """One canary of cart or one release train, and the traffic that flows meanwhile."""

    candidate: str
    """Version of cart, or name of the train."""
    otherwise: str
    """Deployed instead when ``candidate`` is what runs already."""
    rps: dict[str, int]
    expect: str
    is_train: bool = False
    users: int = 0
    """An A/B test: so many users send cart's requests, each with its cookie. 0: it is none."""


STORIES: dict[str, Story] = {
    "good-canary": Story(
        "v42",
        "v41",
        RPS,
        "5 % for 10 s, 25 % for 15 s, then it waits for you: p promotes, x aborts",
    ),
    "bad-canary": Story(
        "v43",
        "v43",
        RPS,
        "one request in twenty fails: the guard takes it back by itself within half a minute",
    ),
    "crash": Story(
        "v45",
        "v45",
        RPS,
        "its instances trap again and again: the guard takes it back by itself",
    ),
    "train": Story(
        "spring",
        "winter",
        RPS,
        "catalog, then cart, then checkout: T shows the train, p passes its gates, x takes it back",
        is_train=True,
    ),
    "train-back": Story(
        "broken",
        "broken",
        RPS,
        "the cart fails one request in twenty: it goes back by itself, and catalog with it",
        is_train=True,
    ),
    "flood": Story(
        "v42",
        "v41",
        FLOOD_RPS,
        "the same canary under a flood of requests; at 25 % it waits for you",
    ),
    "ab-test": Story(
        "v48",
        "v48",
        RPS | {"cart": 200},
        "users are split in half; V shows what they do: the new one refuses every third item, so "
        "in half a minute it converts worse and goes back",
        users=3000,
    ),
}


def example() -> Path:
    """The shop's ``gaesup.yaml``, beside the package.

    Raises:
        NotFound: the package was installed without its examples.
    """
    path = Path(gaesup_tui.__file__).resolve().parents[1] / "examples" / "shop" / "gaesup.yaml"
    if not path.is_file():
        raise NotFound(
            f"the example is not at {path.parent}",
            hint="run the demo from a checkout of the source, where it comes with the program",
        )
    return path
