"""Names that the node and those who look for it share."""

from __future__ import annotations

from typing import Final

PROTOCOL: Final = 2
SOCKET_NAME: Final = "node.sock"
LOCK_NAME: Final = "node.lock"
FACTS_NAME: Final = "node.json"
LOG_NAME: Final = "node.log"
