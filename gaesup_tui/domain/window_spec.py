"""What a person writes about freeze windows in ``gaesup.yaml``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.model import Name, Spec
from gaesup_tui.domain.windows import FreezeWindow, check, is_zone, parse_moment


def _moment(value: str) -> str:
    try:
        parse_moment(value, "")
    except Invalid as error:
        raise ValueError(f"{error.message.removeprefix(': ')}: {error.hint}") from None
    return value.strip()


def _zone(value: str) -> str:
    if not is_zone(value):
        raise ValueError(f"{value[:60]!r} is not a time zone here: write Europe/Berlin or UTC")
    return value


Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment)]


class WindowSpec(Spec):
    """A time in which nothing begins and nothing goes forward by itself."""

    name: Name
    """What it is called wherever it is in the way."""
    from_: Moment = Field(alias="from")
    """When it begins: ``Fri 16:00`` each week, or ``2026-12-20T00:00`` once."""
    until: Moment
    """When it ends, written like ``from``."""
    timezone: Annotated[str, Field(max_length=60), AfterValidator(_zone)] = "UTC"
    """Whose clock that is: ``Europe/Berlin``; ``UTC`` when nothing is said."""

    @model_validator(mode="after")
    def _has_a_length(self) -> Any:
        try:
            check(self.window())
        except Invalid as error:
            message = error.message.partition(": ")[2]
            raise ValueError(f"{message}: {error.hint}") from None
        return self

    def window(self) -> FreezeWindow:
        """As the engine keeps it."""
        return FreezeWindow(
            name=self.name, begins=self.from_, ends=self.until, timezone=self.timezone
        )
