"""Which deployment a person means by ``cart``, ``cart@production`` or ``-e production``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from gaesup_tui.domain.errors import Invalid, NotFound
from gaesup_tui.domain.text import printable_line
from gaesup_tui.domain.views import StatusRow
from gaesup_tui.service.client import Client


def split(unit: str, environment: str | None) -> tuple[str, str | None]:
    """Unit and environment, when one was said.

    Raises:
        Invalid: two different environments were said.
    """
    name, at, place = unit.partition("@")
    if at and environment and place != environment:
        raise Invalid(
            f"{printable_line(unit, 130)} is not in {printable_line(environment, 80)}",
            hint="say the environment once",
        )
    if not name or (at and not place):
        raise Invalid(
            f"{printable_line(unit, 130)!r} is not a deployment",
            hint="write cart or cart@production; `gaesup status` lists them",
        )
    return name, (place if at else environment)


def find(rows: Sequence[StatusRow], unit: str, environment: str | None = None) -> StatusRow:
    """The one deployment that is meant.

    Raises:
        NotFound: there is none.
        Invalid: there are several; the hint names them.
    """
    name, place = split(unit, environment)
    meant = [row for row in rows if row["unit"] == name and place in (None, row["environment"])]
    if len(meant) == 1:
        return meant[0]
    if meant:
        keys = ", ".join(row["key"] for row in meant)
        shown = printable_line(name, 80)
        raise Invalid(f"{shown} runs in several environments", hint=f"say one of {keys}")
    raise NotFound(f"there is no deployment {_shown(name, place)}", hint=_near(rows, name, place))


def rollout_id(engine: Client, target: str, environment: str | None) -> str:
    """The rollout that is meant: by its own id (``cart@production#3``), or the one that moves or
    moved last in the deployment that is named.

    Raises:
        NotFound, Invalid: as ``find``; or the deployment never had a rollout.
    """
    if "#" in target:
        return target
    row = find(engine.status()["deployments"], target, environment)
    if row["rollout"] is None:
        raise NotFound(f"{row['key']} never had a rollout")
    return row["rollout"]["id"]


def matching(
    rows: Sequence[StatusRow], unit: str | None, environment: str | None
) -> list[StatusRow]:
    """All deployments of a unit, of an environment, or all.

    Raises:
        NotFound: something was named and nothing carries the name.
    """
    name, place = split(unit, environment) if unit else (None, environment)
    found = [
        row for row in rows if name in (None, row["unit"]) and place in (None, row["environment"])
    ]
    if not found and name:
        hint = _near(rows, name, place)
        raise NotFound(f"there is no deployment {_shown(name, place)}", hint=hint)
    if not found and place:
        there = ", ".join(sorted({row["environment"] for row in rows}))
        raise NotFound(
            f"nothing is deployed in {printable_line(place, 80)}",
            hint=f"there are {there}" if there else _near(rows, None, place),
        )
    return found


def _shown(name: str, place: str | None) -> str:
    return printable_line(f"{name}@{place}" if place else name, 130)


def _near(rows: Sequence[StatusRow], name: str | None, place: str | None) -> str:
    if not rows:
        return "nothing is deployed yet: `gaesup deploy UNIT --version VERSION` begins"
    keys = [row["key"] for row in rows]
    units = difflib.get_close_matches(name or "", [row["unit"] for row in rows], 1)
    near = [row["key"] for row in rows if row["unit"] in units]
    if near:
        best = difflib.get_close_matches(f"{name}@{place or ''}", near, 1, 0.0)[0]
        return f"did you mean {best}?"
    return f"there are {', '.join(keys[:8])}{' …' if len(keys) > 8 else ''}"
