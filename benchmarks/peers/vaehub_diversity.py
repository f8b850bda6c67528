"""Our side of the diversity comparison; prints pairs per second, seconds, and peak memory."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from vaehub.plugins.diversity.kernels import ssim_diversity


def main() -> None:
    """Warm up on a few images, and time all of them."""
    path, n, variant = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    x = torch.from_numpy(np.load(path)[:n]).float().div_(255)
    ssim_diversity(x[:200], variant)
    started = time.perf_counter()
    ssim_diversity(x, variant)
    elapsed = time.perf_counter() - started
    # Not ru_maxrss, which includes the parent process's memory at the fork.
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    found = {"rate": n * (n - 1) / 2 / elapsed, "seconds": elapsed, "memory": int(peak.split()[1]) / 1024}
    sys.stdout.write(json.dumps(found) + "\n")


main()
