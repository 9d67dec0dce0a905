"""The engine's process: ``python -m gaesup_tui.service.server.daemon``.

Started by the first client that finds none; outlives it. SIGTERM ends it cleanly, SIGHUP (a
terminal gone) means nothing to it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import logging.handlers
import signal
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points

import gaesup_tui
from gaesup_tui.domain.errors import GaesupError, Invalid
from gaesup_tui.engine import ports
from gaesup_tui.engine.bench import Bench
from gaesup_tui.engine.clock import SystemClock
from gaesup_tui.engine.engine import Engine
from gaesup_tui.engine.pasts import Pasts
from gaesup_tui.engine.ports import Backend
from gaesup_tui.engine.records import Records
from gaesup_tui.engine.sqlite_journal import SqliteJournal
from gaesup_tui.service import engine_settings
from gaesup_tui.service import places as where
from gaesup_tui.service.places import Places
from gaesup_tui.service.server.listening import Door
from gaesup_tui.service.server.serving import Service

GROUP = "gaesup.backends"
LOG_BYTES = 2_000_000
LOG_FILES = 3
TAKE_OVER_S = 10.0
"""How long to wait for an engine that is on its way out."""
log = logging.getLogger("gaesup.service")

BackendFinder = Callable[[ports.Places], Mapping[str, Backend]]


def installed_backends(places: ports.Places) -> dict[str, Backend]:
    """Every backend an installed package offers; one that cannot be loaded is logged, and left
    out."""
    found: dict[str, Backend] = {}
    for point in entry_points(group=GROUP):
        try:
            factory: ports.BackendFactory = point.load()
            found[point.name] = factory(places)
        except Exception as error:  # a third party's code: whatever it throws, the others work
            log.error(
                "backend %s cannot be loaded: %s: %s", point.name, type(error).__name__, error
            )
    return found


async def run(places: Places, find_backends: BackendFinder = installed_backends) -> None:
    """One life of the engine, from the lock to the last event.

    Raises:
        GaesupError: it cannot start; the message says why and what to do.
    """
    settings = engine_settings.load(places.engine_settings)
    where.make(places)
    door = Door(places.engine_lock, places.socket)
    door.lock(wait_s=TAKE_OVER_S)
    backend_places = ports.Places(runtime=places.runtime, state=places.state)
    engine = Engine(
        SqliteJournal(places.journal),
        find_backends(backend_places),
        clock=SystemClock(),
        judge=Bench(Records(places.state / "judged"), Pasts(places.state / "habits")),
        places=backend_places,
        version=gaesup_tui.__version__,
        keep_history_s=settings.keep_history_s,
    )
    await engine.start()
    _calm_collector()
    why = "it broke"
    try:
        service = Service(engine)
        _handle_signals(service)
        log.info("engine %s serves at %s", gaesup_tui.__version__, places.socket)
        why = await service.run(door)
    finally:
        await engine.stop(why)
        door.close()
        log.info("engine stopped: %s", why)


def _calm_collector() -> None:
    """What was loaded and replayed stays for good: looking through it again and again for garbage
    would stop the engine for a tenth of a second each time, with a thousand deployments."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _handle_signals(service: Service) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop, signal.Signals(number).name)


def _log_to(places: Places) -> None:
    where.make(places)
    handler = logging.handlers.RotatingFileHandler(
        places.engine_log, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-5s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def main(find_backends: BackendFinder = installed_backends) -> int:
    """The exit code: 0 after a clean stop, 2 when something given to it is wrong, else 1."""
    for number in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    try:
        places = where.find()
        _log_to(places)
        asyncio.run(run(places, find_backends))
    except GaesupError as error:
        print(f"gaesup engine: {error}", file=sys.stderr, flush=True)
        log.error("%s", error)
        return 2 if isinstance(error, Invalid) else 1
    except Exception as error:
        print(f"gaesup engine: broke: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        log.exception("the engine broke")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
