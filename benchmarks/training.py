"""Training a VAE of 784-400-20 with batches of 256 on MNIST, beside pythae's trainer on the same network.

Both read the same images from a file before the clock starts. Pythae is timed whole (its trainer as it is) and in its
step alone (its model, forward, backward and Adam, on a tensor in memory, without its loader). Each side is as its users
get it: we train on logits with fused Adam, pythae on probabilities with Adam as PyTorch makes it by default. We are
timed in float32, as pythae computes, and in bfloat16, which it does not offer.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measure import HERE, Options, Row, environment, in_turn, measured

REPEATS = 3


def rows(options: Options) -> Iterator[Row]:
    """Measure images a second of both sides."""
    peer = environment(options.environments, "pythae", "torch==2.13.0", "pythae==0.1.2")
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images.npy"
        np.save(images, _mnist())
        ours, theirs = in_turn(
            REPEATS,
            lambda: measured(sys.executable, HERE / "peers" / "vaehub_training.py", str(images)),
            lambda: measured(peer, HERE / "peers" / "pythae_training.py", str(images)),
        )
    for precision in ("float32", "bfloat16"):
        for name, target in (("step", 1.5), ("whole", 2.0)):
            ratio = ours[precision] / theirs[name]
            what = f"training in {precision}, beside pythae's {name}"
            yield Row(what, ours[precision], theirs[name], "images/s", ratio, f"at least {target} times")


def _mnist() -> np.ndarray:
    from vaehub.plugins.mnist.params import IdxParams
    from vaehub.plugins.mnist.source import Mnist

    return Mnist(IdxParams()).load().part("train").stored.numpy()
