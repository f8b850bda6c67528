"""Sprites on demand: drawing, memory of an epoch, and the cost of a batch relative to its training step.

The step is that of the convolutional VAE of Bonheme's thesis (Locatello et al. 2019, Table 1): batches of 64, 64x64x1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.measure import HERE, Options, Row, in_turn, measured

REPEATS = 3


def rows(_: Options) -> Iterator[Row]:
    """Measure sprites on demand against the same images in memory, loaded one by one by PyTorch's DataLoader."""
    peers = HERE / "peers"
    ours, theirs = in_turn(
        REPEATS,
        lambda: measured(sys.executable, peers / "vaehub_sprites.py"),
        lambda: measured(sys.executable, peers / "dataloader_sprites.py"),
    )
    yield Row("drawing 100,000 sprites", ours["draw"], None, "s", None, "under 10 s")
    ratio = theirs["batch"] / ours["batch"]
    yield Row(
        "a batch of 64 sprites / DataLoader on arrays", 1e3 * ours["batch"], 1e3 * theirs["batch"], "ms", ratio, ""
    )
    share = ours["batch"] / ours["step"]
    yield Row("a batch as a share of a training step", share, None, "", None, "under 0.1")
    yield Row("resident after a shuffled, trained epoch", ours["resident"], None, "GiB", None, "under 1.5 GiB")
