"""Who was seen on which revision, and who of them converted: what a test of two arms compares.

A user is the hash of the key that keeps a client on its arm. Only a key that a client brought
counts, never one just given to it: who keeps no cookies would be a new user with every request.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from gaesup_tui.domain.route import Conversion

MOST_USERS: Final = 250_000
"""So many users of one deployment are told apart, about 20 MB; counts are exact up to there. Later
ones are counted on no arm, so that the arms stay comparable."""


class Audience:
    """The users of one deployment since a route's salt was set. Whoever was seen on two arms, since
    the route changed in between, is evidence for neither and is counted on none."""

    __slots__ = ("_converted", "_crossed", "_met", "_room", "salt")

    def __init__(self, salt: str) -> None:
        self.salt = salt
        self._room = MOST_USERS
        self._met: dict[str, set[int]] = {}
        self._converted: dict[str, set[int]] = {}
        self._crossed: set[int] = set()

    def meet(self, revision: str, user: int) -> None:
        """The user sent a request to the revision."""
        met = self._met.get(revision)
        if met is None:
            met = self._met[revision] = set()
        if user in met or user in self._crossed or self._crosses(user):
            return
        if self._room:
            met.add(user)
            self._room -= 1

    def _crosses(self, user: int) -> bool:
        """Whether the user was on another arm before; then it is on none from now on."""
        for revision, met in self._met.items():
            if user in met:
                met.remove(user)
                self._converted.get(revision, met).discard(user)
                self._crossed.add(user)
                return True
        return False

    def convert(self, revision: str, user: int) -> None:
        """The user's conversion succeeded there."""
        if user in self._met.get(revision, ()):
            self._converted.setdefault(revision, set()).add(user)

    @property
    def full(self) -> bool:
        """Whether nobody new is counted any more."""
        return not self._room

    def counts(self, revision: str) -> tuple[int, int]:
        """Users of a revision, and those of them who converted."""
        return len(self._met.get(revision, ())), len(self._converted.get(revision, ()))


class Hasher:
    """Client keys to 64 bits, differently for each salt."""

    __slots__ = ("_seed",)

    def __init__(self, salt: str) -> None:
        self._seed = blake2b(salt.encode() + b"\0", digest_size=8)

    def number(self, key: bytes) -> int:
        """The same key and salt give the same number on every machine."""
        state = self._seed.copy()
        state.update(key)
        return int.from_bytes(state.digest(), "big")


class Goal:
    """Tells a unit's conversion by its request line."""

    __slots__ = ("_method", "_path", "_starts")

    def __init__(self, conversion: Conversion) -> None:
        path = conversion.path.encode()
        self._method = conversion.method.encode()
        self._starts = path.endswith(b"*")
        self._path = path[:-1] if self._starts else path

    def is_met(self, method: bytes, target: bytes) -> bool:
        """Whether this request would be one, if it succeeds."""
        if method != self._method:
            return False
        path = target.partition(b"?")[0]
        return path.startswith(self._path) if self._starts else path == self._path
