"""Run a campaign by hand: ``python -m tests.campaigns NAME --n 200 --seed 7 --figures FOLDER``.

With ``--figures`` it says how far it is, and goes on where an earlier one of the same seed was interrupted.
"""

import argparse
import os
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from .findings import Findings

os.environ.setdefault("OMP_NUM_THREADS", "1")

NAMES = ("kills", "resuming", "places", "full_disk", "read_only_disk", "damage", "arguments", "queries", "altered")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description=__doc__)
    parser.add_argument("names", nargs="+", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--n", type=int, default=100, help="how often; of altered, of each format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figures", type=Path, help="folder of figures, to go on where an earlier one was interrupted")
    given = parser.parse_args()
    if given.figures:
        given.figures.mkdir(parents=True, exist_ok=True)
    n_faults = 0
    for name in given.names:
        started = time.monotonic()
        found = Findings.of(given.figures / f"{name}-{given.seed}.json") if given.figures else Findings()
        with tempfile.TemporaryDirectory() as folder:
            import_module(f"tests.campaigns.{name}").campaign(given.n, given.seed, Path(folder), found)
        print(f"{name}, seed {given.seed}, {time.monotonic() - started:.0f} s")
        for kind, count in sorted(found.counts.items()):
            print(f"  {kind}: {count}")
        print(f"  faults: {len(found.faults)}", *found.faults, sep="\n    ", flush=True)
        n_faults += len(found.faults)
    return min(n_faults, 1)


if __name__ == "__main__":  # workers of multiprocessing import it, too
    sys.exit(main())
