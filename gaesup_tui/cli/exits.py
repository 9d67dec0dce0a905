"""What exit codes mean."""

from __future__ import annotations

OK = 0
FAILED = 1
"""It came to a bad end: aborted, failed, degraded."""
INVALID = 2
"""The input was wrong; nothing changed."""
LATE = 3
"""It was not at rest, or not seen, within the time that was given."""
REFUSED = 4
"""The state does not allow it; nothing changed."""
UNREACHABLE = 5
"""The engine, or what it needs, does not answer."""
INTERRUPTED = 130
"""Ctrl-C, or the reader of a pipe went away."""
