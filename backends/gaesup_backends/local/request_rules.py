"""Requests that are whole and yet not as most are: who is asked is not said once and plainly."""

from __future__ import annotations

from gaesup_backends.local.exchange import Request


def unusual(request: Request, version: str) -> tuple[int, str] | None:
    """Makes a request whose target is a whole URL one like any other, and says what is wrong with
    one that nobody may guess about: a status and a sentence.

    Two Host headers are a request that two readers understand differently (RFC 9112, 3.2).
    """
    if request.hosts > 1:
        return 400, "more than one Host header\n"
    if not request.hosts and version == "1.1":
        return 400, "no Host header\n"
    if request.method == b"CONNECT":
        return 405, "this is no proxy: CONNECT is not offered\n"
    if request.target.startswith(b"/") or request.target == b"*":
        return None
    scheme, separator, rest = request.target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        return 400, "the target is neither a path nor an http URL\n"
    end = min((at for at in map(rest.find, (b"/", b"?")) if at >= 0), default=len(rest))
    host, target = rest[:end], rest[end:]
    # The URL counts, whatever the header says (RFC 9112, 3.2.2); the unit sees what counted.
    request.lines = [line for line in request.lines if not line.startswith(b"host: ")]
    request.lines.append(b"host: " + host)
    request.host = host
    request.target = target if target.startswith(b"/") else b"/" + target
    return None
