"""Runs every test: the fast ones and the real processes on one core, the simulation on the other.

``python -m tests.run``. The simulation needs a core to itself for minutes and disturbs nobody, so
it runs beside the rest; its output is shown when the rest is done.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time


def main() -> int:
    """The exit code: 0 when everything passed."""
    began = time.monotonic()
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    with tempfile.TemporaryFile() as output:
        simulation = subprocess.Popen(
            [*pytest, "-m", "sim", "tests/sim"], stdout=output, stderr=subprocess.STDOUT
        )
        rest = subprocess.run([*pytest, "-m", "not sim", "tests"], check=False).returncode
        waited = simulation.wait()
        output.seek(0)
        sys.stdout.write(output.read().decode(errors="replace"))
    # pytest says 5 for "no test selected": the same as a failure here.
    print(f"tests took {time.monotonic() - began:.0f} s")
    return rest or waited


if __name__ == "__main__":
    sys.exit(main())
