"""``gaesup init``: a commented ``gaesup.yaml`` to begin with. It never overwrites."""

from __future__ import annotations

import argparse
from pathlib import Path

from gaesup_tui.cli.output import Output
from gaesup_tui.domain.errors import Invalid

TEMPLATE = """\
# What gaesup deploys, and how. Every field: docs/configuration.md; check with `gaesup validate`.
apiVersion: gaesup/v1

environments:
  # Any names. `local` is the node on this machine.
  production: {backend: local, replicas: 2}
  development: {backend: local, replicas: 1, strategy: rolling}

units:
  hello: # one DNS label: requests come to http://hello.production.localhost:PORT
    # Relative to this file; {version} stands for the version.
    artifact: artifacts/hello-{version}.wasm
    versions:
      v1: {} # with {sha256: "..."} another module under this name is refused
      # v2: {config: {greeting: "hi"}}  # config and limits may differ per version
    memory: 64Mi # of one replica
    deadline: 500ms # longest time one request may take
    # config: {greeting: "hello"}

    # `canary` (a growing share), `rolling` (replica by replica), `blueGreen`, `abTest`, or one of
    # your own: docs/strategies.md.
    strategy: canary
    canary:
      steps:
        - weight: 5 # percent of the traffic
        - pause: 60s # hold for a time
        - weight: 25
        - analysis: 2m # let the judge compare both revisions
        - pause: {expiry: 30m, onExpiry: abort} # wait for a person
        - weight: 50
      bake: 10m # the old revision stays warm, guards keep watching

    # Broken once, the rollout goes back by itself.
    guards:
      - {metric: healthFailures, above: 2}
      - {metric: restarts, above: 2}
      - {metric: errorRatio, above: 0.05, window: 10s, minRequests: 20}
      - {metric: p95, above: 1s, window: 10s, minRequests: 20}

    # Sent to the new revision before it gets a user's request.
    smokeTests:
      - {path: /health, status: 200}
"""


def run(args: argparse.Namespace, out: Output) -> int:
    """Writes the file and says what comes next."""
    path = Path(args.file)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise Invalid(
            f"{path} exists already and was not touched", hint="name another with --file"
        ) from None
    except OSError as error:
        raise Invalid(f"{path} cannot be written", hint=str(error.strerror)) from None
    out.line(f"wrote {path}: name your units in it, then `gaesup validate`", "ok")
    return 0
