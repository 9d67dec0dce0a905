"""Copies of reads to a candidate: nobody sees the replies, and no user waits for one.

A copy is made after the user's own request is on its way, and dropped rather than kept waiting.
"""

from __future__ import annotations

from random import random
from typing import Final

from gaesup_backends.local import frames
from gaesup_backends.local.cgi import parse_reply
from gaesup_backends.local.exchange import Request
from gaesup_backends.local.metrics import Mirrored
from gaesup_backends.local.router import RevisionRoute

READS: Final = (b"GET", b"HEAD")
MOST_WAITING: Final = 8
"""Copies at one replica of a candidate without a share of its own."""
_MARK: Final = b"x-gaesup-mirror: 1"


class Mirror:
    """Copies a share of the requests it is shown to one revision."""

    __slots__ = ("_most", "_share", "_target")

    def __init__(self, target: RevisionRoute, percent: int, *, serves: bool) -> None:
        """``serves``: users' requests go there as well; then one copy at most is before them."""
        self._target = target
        self._share = percent / 100
        self._most = 1 if serves else MOST_WAITING

    def show(self, request: Request, target: bytes) -> None:
        """Copy it, perhaps. The request is spent: its own payload must have been made."""
        if request.method not in READS or random() >= self._share:
            return
        mirrored = self._target.metrics.mirrored
        replica = self._target.pick()
        link = replica.link if replica is not None else None
        if replica is None or link is None or replica.inflight >= self._most:
            mirrored.dropped += 1
            return
        request.lines.append(_MARK)
        if not link.send(request.payload(target), Copy(mirrored)):
            mirrored.dropped += 1


class Copy:
    """Takes the reply to a copy and counts it apart from what users got."""

    __slots__ = ("_mirrored",)

    def __init__(self, mirrored: Mirrored) -> None:
        self._mirrored = mirrored

    def done(self, outcome: int, payload: bytes) -> None:
        """The worker answered, or died."""
        reply = parse_reply(payload) if outcome == frames.OK else None
        self._mirrored.count(500 if reply is None else reply[0])
