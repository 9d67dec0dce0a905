"""``python -m tests.sim --seed N`` replays one seed; ``--from A --to B`` a range of them."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from .story import Story, Tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--to", dest="last", type=int, default=10)
    parser.add_argument("--rollouts", type=int, default=40)
    parser.add_argument("--json", action="store_true", help="one line for a program")
    asked = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets must follow from the seed as well.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.sim", *sys.argv[1:]])
    seeds = range(asked.first, asked.last) if asked.seed is None else (asked.seed,)
    gc.set_threshold(20_000, 10, 10)  # dead engines are cycles: collect them by the many
    began, tally = time.perf_counter(), Tally()
    with tempfile.TemporaryDirectory() as files:
        for seed in seeds:
            story = Story(seed, Path(files), asked.rollouts)
            try:
                tally.add(story.tell())
            except Exception:  # whatever it is: say how to see it again, and let it go on
                again = f"python -m tests.sim --seed {seed} --rollouts {asked.rollouts}"
                print(f"seed {seed} fails: {again}", flush=True)
                print("\n".join(story.journal_tail()), flush=True)
                raise
    took = time.perf_counter() - began
    if asked.json:
        print(json.dumps({"rollouts": tally.rollouts, "crashes": tally.crashes, "took_s": took}))
        return
    print(
        f"{tally.rollouts} rollouts, {tally.crashes} crashes ({tally.crashed_rollouts} of moving "
        f"rollouts), {dict(tally.outcomes)}, {took:.1f} s"
    )
    for kind, count in tally.kinds.most_common():
        print(f"{count:9} {kind}")


main()
