"""An A/B test told in full, as label and text: the command and the console say the same.

Standard library only.
"""

from __future__ import annotations

from gaesup_tui.domain.abtest.views import ABView, ArmView
from gaesup_tui.domain.text import duration

HEAD = ("", "USERS", "SHARE", "PLANNED", "CONVERTED", "CONVERSION")
_CAUSES = (
    "redirects or failures of one version before the key is set, bots, lost keys; mended, "
    "abort and retry begin a new test"
)
FOLLOWS = {"hold": "waits for you", "promote": "promotes", "abort": "aborts"}


def arms(view: ABView) -> list[tuple[str, ...]]:
    """One row per arm, under ``HEAD``."""
    return [_arm(view["base"]), _arm(view["candidate"])]


def told(view: ABView, now: float) -> list[tuple[str, str]]:
    """Everything but the arms; labels are empty where a text goes on."""
    lines = [("Answer", answer(view)), ("", view["reason"])]
    if view["difference"] is not None:
        lines += [("Effect", effect(view)), ("Matters", _matters(view))]
    lines.append(("Split", split(view)))
    if view["kind"] == "broken split":
        lines.append(("Look at", _CAUSES))
    lines.append(("Users", f"told apart by the {view['key']}"))
    lines.append(("Sure", f"{view['confidence'] * 100:g} %, however often one looks"))
    if view["counted_from"] is not None:
        lines.append(("Counted", _counted(view, now)))
    if when := times(view, now):
        lines.append(("Time", when))
    if view["enough"] is not None:
        lines.append(("Enough", _enough(view, now)))
    ends = [f"{kind}: {FOLLOWS[then]}" for kind, then in view["follows"].items()]
    return [*lines, ("Then", "; ".join(ends))]


def answer(view: ABView) -> str:
    """``better: waits for you``."""
    follows = FOLLOWS.get(view["next"] or "")
    return f"{view['kind']}{': ' + follows if follows else ''}"


def effect(view: ABView) -> str:
    """``+0.32 points (+0.05 to +0.59), +10 % of v41's conversion``; none as a dash."""
    change, low, high = view["difference"], view["low"], view["high"]
    if change is None or low is None or high is None:
        return "–"
    lift = ""
    if view["lift"] is not None:
        lift = f", {view['lift'] * 100:+.1f} % of {view['base']['version']}'s conversion"
    return f"{change * 100:+.2f} points ({low * 100:+.2f} to {high * 100:+.2f}){lift}"


def split(view: ABView) -> str:
    """``50.1 % of users on v42, 50 % planned``, and whether that can be."""
    new = view["candidate"]
    if new["share_seen"] is None:
        return f"no users yet, {new['share'] * 100:.0f} % planned on {new['version']}"
    seen = f"{new['share_seen'] * 100:.1f} % of users on {new['version']}"
    evidence = view["split_evidence"]
    sane = "BROKEN" if evidence >= 1 else "as it should be" if evidence < 0.5 else "suspicious"
    return f"{seen}, {new['share'] * 100:.0f} % planned: {sane}"


def times(view: ABView, now: float) -> str:
    """When an answer may come, must come, and would if everything stays as it is."""
    earliest, latest, expected = view["earliest"], view["latest"], view["expected"]
    if latest is None:
        return ""
    soon = "" if earliest is None else f"at least {_left(earliest, now)}, "
    about = "" if expected is None else f"; in about {_left(expected, now)} if it stays so"
    return f"{soon}at most {_left(latest, now)}{about}"


def _arm(arm: ArmView) -> tuple[str, ...]:
    seen = "–" if arm["share_seen"] is None else f"{arm['share_seen'] * 100:.1f} %"
    ratio = "–" if arm["ratio"] is None else f"{arm['ratio'] * 100:.2f} %"
    planned = f"{arm['share'] * 100:.0f} %"
    return (arm["version"], f"{arm['users']:,}", seen, planned, f"{arm['converted']:,}", ratio)


def _matters(view: ABView) -> str:
    bound = view["bound"] or 0.0
    share = view["min_effect"] * 100
    return (
        f"from {bound * 100:.3f} points on: {share:g} % of {view['base']['version']}'s conversion"
    )


def _counted(view: ABView, now: float) -> str:
    counting = view["latest"] is not None and view["counted_from"] is not None
    since = f"for {duration(max(0.0, now - (view['counted_from'] or now)))}, " if counting else ""
    lost = view["lost_users"]
    again = f"; at least {lost:,} users of before a restart are lost" if lost else ""
    return f"{since}at least {view['min_users']:,} users of each arm needed{again}"


def _enough(view: ABView, now: float) -> str:
    """What it takes to tell the smallest difference that matters, and whether there is time."""
    enough, latest = view["enough"] or now, view["latest"]
    what = f"{view['enough_users'] or 0:,} users tell {view['min_effect'] * 100:g} %"
    if enough <= now:
        return f"{what}: as many as there are"
    late = latest is not None and enough > latest
    more = ", which is after its end: a longer maxRun, or a larger minEffect" if late else ""
    return f"{what}: in {_left(enough, now)}{more}"


def _left(at: float, now: float) -> str:
    return duration(max(0.0, at - now))
