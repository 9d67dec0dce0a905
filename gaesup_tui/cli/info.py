"""``gaesup info``: where things are."""

from __future__ import annotations

import argparse
import json
import os
import sys

from gaesup_tui import __version__
from gaesup_tui.cli.output import Output
from gaesup_tui.service import places


def run(args: argparse.Namespace, out: Output) -> int:
    """Prints the places; none of them is made by asking."""
    found = places.find()
    facts = {
        "version": __version__,
        "python": sys.version.split()[0],
        "config": str(found.config),
        "state": str(found.state),
        "journal": str(found.journal),
        "logs": str(found.logs),
        "runtime": str(found.runtime),
        "socket": str(args.socket or found.socket),
        "home": os.environ.get(places.HOME, ""),
    }
    if args.json:
        out.raw(json.dumps(facts) + "\n")
        return 0
    for name, value in facts.items():
        if name == "home":
            value = value or f"not set ({places.HOME} puts everything below one folder)"
        out.line(f"{name:9} {value}")
    return 0
