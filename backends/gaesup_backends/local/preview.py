"""The preview address: the candidate of a moving rollout, whatever its share.

``preview.unit.environment.localhost`` and ``/_/unit@environment:preview/``. What is asked there is
nobody's request: it counts for no revision and makes nobody a user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gaesup_backends.local.exchange import Answering, Request, text_reply
from gaesup_backends.local.metrics import RevisionMetrics
from gaesup_backends.local.router import PATH_PREFIX, RevisionRoute, Router, TrafficTable

if TYPE_CHECKING:
    from gaesup_backends.local.replica import Replica

HOST_PREFIX: Final = b"preview."
NAME_SUFFIX: Final = b":preview"


def find_preview(router: Router, request: Request) -> tuple[TrafficTable | None, bytes]:
    """As `exchange.find_table`, of the deployment that a preview address names."""
    target = request.target
    if target.startswith(PATH_PREFIX):
        name, slash, rest = target[len(PATH_PREFIX) :].partition(b"/")
        if not name.endswith(NAME_SUFFIX):
            return None, target
        table, target = router.by_path(PATH_PREFIX + name[: -len(NAME_SUFFIX)] + slash + rest)
    else:
        host = request.host.lower()
        if not host.startswith(HOST_PREFIX):
            return None, target
        table = router.by_host(host[len(HOST_PREFIX) :])
    return (_preview_of(table) if table else None), target


def _preview_of(table: TrafficTable) -> TrafficTable:
    """A table for one request to the deployment's candidate."""
    if table.target is None:
        return TrafficTable(table.name, {}, {}, _NOBODY)
    return TrafficTable(table.name, {table.target.id: 100}, {table.target.id: Aside(table.target)})


class Aside(RevisionRoute):
    """The same replicas, counted nowhere."""

    __slots__ = ("_of",)

    def __init__(self, of: RevisionRoute) -> None:
        super().__init__(of.id, RevisionMetrics())
        self._of = of

    def pick(self) -> Replica | None:
        """As the revision picks."""
        return self._of.pick()


class _Nobody:
    def dispatch(
        self, table: TrafficTable, target: bytes, client: Answering, request: Request
    ) -> bytes | None:
        """Says why there is nothing."""
        return text_reply(
            request, 404, f"{table.name} has no candidate to preview: no rollout is moving\n"
        )


_NOBODY: Final = _Nobody()
