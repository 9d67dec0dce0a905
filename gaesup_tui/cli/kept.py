"""Says it where a person asks for events the journal no longer has."""

from __future__ import annotations

import sys
import time

from gaesup_tui.domain.views import Hello


def tell_if_removed(hello: Hello, after: int = 0) -> None:
    """One line on standard error when events after ``after`` were removed: what is printed may
    be for a program."""
    begins = hello.get("begins", 1)
    if begins > 1 and after + 1 < begins:
        day = time.strftime("%Y-%m-%d", time.localtime(hello["begins_at"]))
        print(
            f"gaesup: events of before {day} (up to {begins - 1}) are no longer kept: "
            "see keepHistory in engine.yaml",
            file=sys.stderr,
        )
