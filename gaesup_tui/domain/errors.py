"""What goes wrong, as a small tree. Each message says what, where, and what to do next."""

from __future__ import annotations


class GaesupError(Exception):
    """Anything a person is told about. ``code`` is stable, for scripts."""

    code = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        return f"{self.message}{' ' if self.message.endswith('?') else ': '}{self.hint}"


class Invalid(GaesupError):
    """Input that can never work: an unknown unit, a weight of 130. Exit code 2."""

    code = "invalid"


class NotFound(Invalid):
    """A name that nothing carries."""

    code = "not_found"


class Refused(GaesupError):
    """A command that the present state does not allow. Nothing was changed."""

    code = "refused"


class Moved(Refused):
    """The state moved since the person looked. Look again, then decide."""

    code = "moved"


class Frozen(Refused):
    """The journal cannot be written, so nothing may move forward."""

    code = "frozen"


class Unavailable(GaesupError):
    """A part that should answer does not: the engine, a node, a cluster."""

    code = "unavailable"
