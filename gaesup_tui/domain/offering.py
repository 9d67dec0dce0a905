"""Of what helps with a verdict, what would be accepted now: nothing else is offered to a person."""

from __future__ import annotations

from collections.abc import Mapping

from gaesup_tui.domain.verdict import Verdict


def offered(verdict: Verdict | None, refused: Mapping[str, str | None]) -> Verdict | None:
    """The same verdict, without the actions that ``refused`` (as ``why_nots`` gives it) has a
    reason against. What is not asked about there, as logs and load, is always possible."""
    if verdict is None:
        return None
    helps = tuple(action for action in verdict.helps if refused.get(action) is None)
    return verdict if helps == verdict.helps else verdict.model_copy(update={"helps": helps})
