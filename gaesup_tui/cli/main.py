"""``gaesup``: the console, or one command.

Every error is one line on standard error and an exit code of ``exits``.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence

from gaesup_tui.cli.exits import FAILED, INTERRUPTED, INVALID, REFUSED, UNREACHABLE
from gaesup_tui.cli.grammar import Command
from gaesup_tui.cli.output import Output
from gaesup_tui.cli.parsing import parse
from gaesup_tui.domain.errors import GaesupError, Invalid, Refused, Unavailable
from gaesup_tui.domain.text import printable_line


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit code, never a traceback."""
    _open_closed()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code
    except GaesupError as error:
        return _say(error)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _mute()  # nobody reads any more
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno in _UNWRITABLE:
            _mute()
            return _say(GaesupError(f"the output cannot be written: {error.strerror}"))
        return _unforeseen(error)


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a write to a full disk, beyond a quota or to a terminal that is gone ends with. An error
about a file of our own has that file's name."""


def _open_closed() -> None:
    """A stream that was closed by who started us (``>&-``) takes what is written and drops it."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _mute() -> None:
    """The interpreter must not complain about what is still in the buffer when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(argv: Sequence[str]) -> int:
    command, values = parse(argv)
    if command is None:
        return open_console(values)
    _check_writable(command, values)
    module = importlib.import_module(f"gaesup_tui.cli.{command.module}")
    code: int = module.run(values, Output())
    return code


def _check_writable(command: Command, values: argparse.Namespace) -> None:
    reads = getattr(values, "what", None) in command.reads
    if command.mutating and values.read_only and not reads:
        raise Refused(
            f"{command.name} changes something, and this is --read-only",
            hint="leave --read-only out",
        )


def open_console(values: argparse.Namespace) -> int:
    """Hands over to the console."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Invalid(
            "the console needs a terminal", hint="for scripts there is `gaesup status --json`"
        )
    from gaesup_tui.console import app, options

    return int(app.run(options.of(values)) or 0)


def open_default_console() -> int:
    """The console as ``gaesup`` without anything opens it."""
    return open_console(parse([])[1])


def _say(error: GaesupError) -> int:
    print(f"gaesup: {printable_line(str(error), 2000)}", file=sys.stderr)
    if isinstance(error, Invalid):
        return INVALID
    if isinstance(error, Refused):
        return REFUSED
    return UNREACHABLE if isinstance(error, Unavailable) else FAILED


def _unforeseen(error: Exception) -> int:
    from gaesup_tui.cli.crash import record

    where = record(error)
    kind = f"{type(error).__name__}: {error}"
    print(
        f"gaesup: {printable_line(kind, 300)}: this is a defect of gaesup, details are in {where}",
        file=sys.stderr,
    )
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
