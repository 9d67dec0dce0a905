"""How a waiting time is said: as one number only where luck leaves a narrow span for it.

The low end of a span is rounded down and the high end up, so that what is said holds at least as
often as what was worked out.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gaesup_tui.domain.judging.forecast import Forecast

_HOURS_FROM = 120
"""Minutes from which hours are said."""
_DAYS_FROM = 48
"""Hours from which days are said."""
LONGEST_S = 30 * 86_400.0
"""Nobody waits that long, so no more than this is said."""


def ahead(forecast: Forecast | None) -> str:
    """What follows "not enough evidence yet"."""
    if forecast is None:
        return ""
    if not math.isfinite(forecast.seconds):
        return f": no requests reach the canary; slowest is {forecast.metric}"
    said = f": {_more(forecast)} more at this traffic; slowest is {forecast.metric}"
    if forecast.early_s > LONGEST_S:  # nobody sends that many either
        return said
    return f"{said}, about {round(forecast.requests):,} more canary requests"


def _more(forecast: Forecast) -> str:
    left_s, whole_s = forecast.left_s, forecast.whole_s
    if left_s is not None:
        return f"about {about(left_s)}"
    between = span(forecast.early_s, forecast.late_s)
    return between if whole_s is None else f"about {about(whole_s)} in all, {between}"


def about(seconds: float) -> str:
    """One number, to the nearest that a forecast can know."""
    return " ".join(_rounded(seconds, round, 12, least=1))


def span(early_s: float, late_s: float) -> str:
    """``3 to 26 min``, ``40 s to 6 min``, ``up to 30 s``, ``20 h to over 30 days``."""
    if early_s > LONGEST_S:
        return "over 30 days"
    low, unit = _rounded(early_s, math.floor, 6)
    if late_s > LONGEST_S:
        return f"{low} {unit} to over 30 days"
    high, wide = _rounded(late_s, math.ceil, 6, least=1)
    if low == "0":
        return f"up to {high} {wide}"
    return f"{low} to {high} {wide}" if unit == wide else f"{low} {unit} to {high} {wide}"


def _rounded(
    seconds: float, way: Callable[[float], int], most: int, least: int = 0
) -> tuple[str, str]:
    """Fewer than ``most`` tens of seconds are said as such, more in minutes, hours, days."""
    tens = max(way(seconds / 10), least)
    if tens < most:
        return str(10 * tens), "s"
    minutes = way(seconds / 60)
    if minutes < _HOURS_FROM:
        return str(minutes), "min"
    hours = way(seconds / 3600)
    return (str(hours), "h") if hours < _DAYS_FROM else (str(way(seconds / 86_400)), "days")
