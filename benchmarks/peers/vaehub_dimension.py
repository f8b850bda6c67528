"""Our side of the intrinsic dimension comparison; prints seconds, MiB beyond the data, and the estimates."""

import json
import sys
import time
from pathlib import Path

import numpy as np

from vaehub.plugins.intrinsic_dimension.kernels import mle_of, nearest, two_nn_of


def memory(name: str) -> float:
    [found] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)]
    return int(found.split()[1]) / 1024


def main() -> None:
    """Warm up on a few observations, and time all of them: one table serves every estimate."""
    path, n, largest = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    x = np.load(path)[:n]
    nearest(x[:500], largest)
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is that of loading
    before = memory("VmRSS")
    started = time.perf_counter()
    table = nearest(x, largest)
    found = {f"mle_{k}": mle_of(table, k) for k in (3, 5, 10, 20) if k <= largest}
    found["twonn"] = two_nn_of(table)
    elapsed = time.perf_counter() - started
    found |= {"seconds": elapsed, "memory": memory("VmHWM") - before}
    sys.stdout.write(json.dumps(found) + "\n")


main()
