"""The engine a command speaks to."""

from __future__ import annotations

import argparse

from gaesup_tui.domain.views import Hello, StatusRow
from gaesup_tui.service import places
from gaesup_tui.service.client import Client
from gaesup_tui.service.wire import Absent


def connect(args: argparse.Namespace, *, start: bool = False) -> Client:
    """The engine of ``--socket``, or this user's. With ``start`` one is started when none runs:
    for what changes something; asking starts nothing.

    Raises:
        Unavailable: it cannot be started.
    """
    if args.socket:
        return Client(args.socket)
    found = places.find()
    if start:
        from gaesup_tui.service import autostart

        autostart.ensure(found)
    return Client(found.socket)


def running(args: argparse.Namespace) -> Hello | None:
    """Who answers at ``--socket``, or this user's engine, of whatever version; None when nobody
    does.

    Raises:
        Unavailable: one runs and does not answer.
    """
    if not args.socket:
        from gaesup_tui.service import lifecycle

        return lifecycle.status(places.find())
    try:
        return Client(args.socket, any_version=True, timeout_s=3.0).hello()
    except Absent:
        return None


def row_of(engine: Client, key: str) -> StatusRow:
    """One deployment as it is now."""
    return engine.status(key)["deployments"][0]
