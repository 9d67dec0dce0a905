"""The engine's own few numbers as Prometheus text."""

from __future__ import annotations

import resource

from gaesup_tui.service.server.hub import Hub


def exposition(hub: Hub) -> str:
    """``GET /metrics``. The traffic of units is exposed by what serves them."""
    world = hub.engine.world
    states = world.deployments.values()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    now = hub.engine.now()
    numbers: list[tuple[str, str, str, float]] = [
        ("journal_seq", "counter", "Last journaled event.", hub.seq),
        ("frozen", "gauge", "1 while the journal cannot be written.", bool(hub.engine.frozen)),
        ("deployments", "gauge", "Deployments known.", len(world.deployments)),
        ("rollouts_active", "gauge", "Rollouts moving.", sum(bool(s.active) for s in states)),
        ("stops", "gauge", "Stops and freezes in force.", len(world.stops)),
        ("streams", "gauge", "Clients attached.", hub.watching),
        ("streams_cut", "counter", "Clients cut off for not reading.", hub.cut),
        ("cpu_seconds", "counter", "Processor time used.", usage.ru_utime + usage.ru_stime),
        ("uptime_seconds", "gauge", "Since this engine started.", now - hub.started_at),
    ]
    lines = []
    for name, kind, text, value in numbers:
        full = f"gaesup_engine_{name}{'_total' if kind == 'counter' else ''}"
        lines += [f"# HELP {full} {text}", f"# TYPE {full} {kind}", f"{full} {float(value):.17g}"]
    lines += [
        "# HELP gaesup_engine_backend_age_seconds Since a backend was last seen.",
        "# TYPE gaesup_engine_backend_age_seconds gauge",
    ]
    for name in hub.engine.backends:
        age = hub.engine.observer.age(name)
        if age is not None:
            lines.append(f'gaesup_engine_backend_age_seconds{{backend="{name}"}} {age:.3f}')
    return "\n".join(lines) + "\n"
