"""``--set NAME=VALUE``: the judge's settings, changed by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.judging import METRICS, Start
from gaesup_tui.domain.judging.settings import check_start
from gaesup_tui.domain.text import printable_line

_FIXED = ("tick_s", "bounds_s", "metrics")
"""What the record's counts were made by."""
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


def changed(start: Start, changes: Iterable[str]) -> Start:
    """``kappa=0.5``, ``errors.tolerance=0.01`` or ``traffic.enabled=false``, one after the other.

    Raises:
        Invalid: there is no such setting, or it cannot have that value.
    """
    for change in changes:
        name, is_given, value = change.partition("=")
        if not is_given:
            raise Invalid(f"--set {printable_line(change, 80)}", hint="write NAME=VALUE")
        start = _with(start, name.strip(), value.strip())
    if fault := check_start(start):
        raise Invalid(f"--set: {fault}")
    return start


def _with(start: Start, name: str, value: str) -> Start:
    metric, _, field = name.rpartition(".")
    if metric in METRICS:
        policy = getattr(start.metrics, metric)
        if field in policy._fields:
            new = policy._replace(**{field: _read(name, value, getattr(policy, field))})
            return start._replace(metrics=start.metrics._replace(**{metric: new}))
    elif not metric and field in start._fields and field not in _FIXED:
        return start._replace(**{field: _read(name, value, getattr(start, field))})
    names = [field for field in start._fields if field not in _FIXED]
    raise Invalid(
        f"the judge has no setting {printable_line(name, 80)}",
        hint=f"{', '.join(names)}, and tolerance, weight, critical, no_data, enabled of "
        f"{', '.join(METRICS)}, as in errors.tolerance",
    )


def _read(name: str, value: str, old: Any) -> Any:
    if isinstance(old, bool):
        if value.lower() in _TRUTHS:
            return _TRUTHS[value.lower()]
        raise Invalid(f"--set {name}: {printable_line(value, 80)} is neither true nor false")
    if isinstance(old, str):
        if value in ("hold", "fail", "ignore"):
            return value
        raise Invalid(f"--set {name}: give hold, fail or ignore")
    try:
        return float(value)
    except ValueError:
        raise Invalid(f"--set {name}: {printable_line(value, 80)} is not a number") from None
