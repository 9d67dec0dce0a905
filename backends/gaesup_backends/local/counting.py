"""Who was seen on which revision, and who of them converted: what a test of two arms compares.

A user is the hash of the key that keeps a client on its arm. Only a key that a client brought
counts, never one just given to it: who keeps no cookies would be a new user with every request.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b
from typing import Final

from gaesup_tui.domain.route import Conversion

MOST_USERS: Final = 1_000_000
"""So many users of one deployment are told apart, in about 20 MB; counts are exact up to there.
Later ones are counted on no arm, so that the arms stay comparable."""
_SEGMENTS: Final = 256
_CONVERTED: Final = 0x40
_CROSSED: Final = 0x80
_ARM: Final = 0x3F
"""Of a user's note: the arm, by its number."""


class Audience:
    """The users of one deployment since a route's salt was set. Whoever was seen on two arms, since
    the route changed in between, is evidence for neither and is counted on none."""

    __slots__ = ("_arms", "_converted", "_met", "_notes", "_room", "salt")

    def __init__(self, salt: str) -> None:
        self.salt = salt
        self._room = MOST_USERS
        self._notes = Notes()
        self._arms: dict[str, int] = {}
        self._met = [0] * (_ARM + 1)
        self._converted = [0] * (_ARM + 1)

    def meet(self, revision: str, user: int) -> None:
        """The user sent a request to the revision."""
        arm = self._arms.get(revision)
        if arm is None:
            # More revisions than numbers within one rollout: the last ones share one.
            arm = self._arms[revision] = min(len(self._arms), _ARM)
        note = self._notes.get(user)
        if note is None:
            if self._room:
                self._room -= 1
                self._notes.put(user, arm)
                self._met[arm] += 1
        elif note & _ARM != arm and not note & _CROSSED:
            self._notes.put(user, note | _CROSSED)
            self._met[note & _ARM] -= 1
            self._converted[note & _ARM] -= bool(note & _CONVERTED)

    def convert(self, revision: str, user: int) -> None:
        """The user's conversion succeeded there."""
        arm = self._arms.get(revision)
        if arm is not None and self._notes.get(user) == arm:  # neither crossed nor converted
            self._notes.put(user, arm | _CONVERTED)
            self._converted[arm] += 1

    @property
    def full(self) -> bool:
        """Whether nobody new is counted any more."""
        return not self._room

    def counts(self, revision: str) -> tuple[int, int]:
        """Users of a revision, and those of them who converted."""
        arm = self._arms.get(revision)
        return (0, 0) if arm is None else (self._met[arm], self._converted[arm])


class Notes:
    """A byte for each of many users, in a fifth of the memory of a dictionary: open addressing, in
    so many tables that none is ever long in growing while requests wait."""

    __slots__ = ("_counts", "_keys", "_values")

    def __init__(self) -> None:
        self._keys = [array("Q", bytes(8 * 16)) for _ in range(_SEGMENTS)]
        self._values = [bytearray(16) for _ in range(_SEGMENTS)]
        self._counts = [0] * _SEGMENTS

    def get(self, user: int) -> int | None:
        """What is noted of a user, a number of 64 bits."""
        user = user or 1  # 0 is an empty place
        keys = self._keys[user % _SEGMENTS]
        at = _find(keys, user)
        return self._values[user % _SEGMENTS][at] if keys[at] else None

    def put(self, user: int, value: int) -> None:
        """Notes something else, or for the first time."""
        user = user or 1
        segment = user % _SEGMENTS
        keys = self._keys[segment]
        at = _find(keys, user)
        if not keys[at]:
            self._counts[segment] += 1
            keys[at] = user
        self._values[segment][at] = value
        if 3 * self._counts[segment] > 2 * len(keys):
            self._grow(segment)

    @property
    def bytes(self) -> int:
        """Memory it takes."""
        return sum(9 * len(keys) for keys in self._keys)

    def _grow(self, segment: int) -> None:
        old, values = self._keys[segment], self._values[segment]
        keys, noted = array("Q", bytes(16 * len(old))), bytearray(2 * len(old))
        for user, value in zip(old, values, strict=True):
            if user:
                at = _find(keys, user)
                keys[at], noted[at] = user, value
        self._keys[segment], self._values[segment] = keys, noted


def _find(keys: array[int], user: int) -> int:
    """The user's place, or the empty one where it would be."""
    mask = len(keys) - 1
    at = (user >> 8) & mask
    while (there := keys[at]) and there != user:
        at = (at + 1) & mask
    return at


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
