"""Training VAEs against pythae on the same networks: 784-400-20 on MNIST, and convolutions on 64x64 sprites.

Both read the same images from a file before timing starts. Pythae is timed with its trainer, and with its training step
alone (its model, forward, backward and Adam, on a tensor in memory, without its loader). Each side runs with its own
defaults: we train on logits with fused Adam, pythae on probabilities with PyTorch's default Adam. We are timed in
float32, like pythae, and with the options that it does not offer. Each variant runs in a process of its own, so that
its peak memory is known.

Two seeds are whole commands: `vaehub run` with two worker processes, beside one process of pythae that trains them one
after the other with all cores; and the trainings alone, from the beginning of the first to the end of the last.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np

from benchmarks.measure import HERE, Options, Row, environment, in_turn, measured, seconds, vaehub

REPEATS = 3
N_SPRITES = 3200
TARGETS = {
    "mlp": {"float32": "at least 2 times", "bfloat16": "—", "bfloat16-compile": "at least 4 times"},
    "conv_higgins": {"float32": "no slower", "bfloat16-channels_last": "—"},
}
SEEDS = {
    "mlp": ("mnist", ["network.hidden=[400]", "model.latent_dim=20", "train.batch_size=256", "metric.split=test"], 10),
    "conv_higgins": ("sprites", [f"data.subset={N_SPRITES}", "model.latent_dim=10", "metric.split=train"], 10),
}
"""Data, settings and epochs of two seeds."""
TARGETS_OF_SEEDS = {"mlp": "at least 2.5 times", "conv_higgins": "at least 1.4 times"}


def rows(options: Options) -> Iterator[Row]:
    """Measure images per second of both sides, and how long two seeds take."""
    peer = environment(options.environments, "pythae", "torch==2.13.0", "pythae==0.1.2")
    with tempfile.TemporaryDirectory() as folder:
        for network, images in (("mlp", _mnist()), ("conv_higgins", _sprites())):
            path = str(Path(folder) / f"{network}.npy")
            np.save(path, images)
            yield from _compared(peer, network, path)
            yield from _two_seeds(peer, network, path)


def _two_seeds(peer: str, network: str, path: str) -> Iterator[Row]:
    epochs = str(SEEDS[network][2])

    def theirs() -> dict[str, float]:
        started = time.perf_counter()
        found = measured(peer, HERE / "peers" / "pythae_training.py", path, network, "seeds", "cpu", epochs)
        return {"whole": time.perf_counter() - started, **found}

    ours, other = in_turn(REPEATS, lambda: _our_seeds(network), theirs)
    for name, what in (("whole", "whole processes"), ("seconds", "the trainings alone")):
        ratio = other[name] / ours[name]
        target = TARGETS_OF_SEEDS[network] if name == "seconds" else "—"
        yield Row(f"two seeds of {network}, {epochs} epochs: {what}", ours[name], other[name], "s", ratio, target)


def _our_seeds(network: str) -> dict[str, float]:
    from vaehub import Hub

    dataset, settings, epochs = SEEDS[network]
    assigned = [*settings, f"train.epochs={epochs}", "train.validation=0"]
    options = [word for each in assigned for word in ("--set", each)]
    with tempfile.TemporaryDirectory() as store:
        words = ["--dataset", dataset, "--network", network, "--metric", "elbo", "--seed", "0", "--seed", "1"]
        whole = seconds(vaehub("run", "--model", "vae", *words, *options, "--store", store))
        trainings, _ = Hub.open(store).recent()
        ends = [each.started + timedelta(seconds=each.seconds) for each in trainings]
        return {"whole": whole, "seconds": (max(ends) - min(each.started for each in trainings)).total_seconds()}


def _compared(peer: str, network: str, path: str) -> Iterator[Row]:
    def ours(way: str) -> dict[str, float]:
        return measured(sys.executable, HERE / "peers" / "vaehub_training.py", path, network, way)

    def theirs(way: str) -> dict[str, float]:
        return measured(peer, HERE / "peers" / "pythae_training.py", path, network, way)

    ways = list(TARGETS[network])
    sides = [lambda way=way: ours(way) for way in ways] + [lambda way=way: theirs(way) for way in ("step", "whole")]
    *found, step, whole = in_turn(REPEATS, *sides)
    for way, figures in zip(ways, found, strict=True):
        for name, peers in (("step", step), ("whole", whole)):
            target = TARGETS[network][way] if name == "whole" else "—"
            what = f"{network} in {way}, beside pythae's {name}"
            yield Row(what, figures["rate"], peers["rate"], "images/s", figures["rate"] / peers["rate"], target)
    plain, best = found[0], found[-1]
    if network == "conv_higgins":
        what = f"{network} with options, beside our plain loop"
        ratio = best["rate"] / plain["rate"]
        yield Row(what, best["rate"], plain["rate"], "images/s", ratio, "at least 1.5 times")
    ratio = whole["memory"] / plain["memory"]
    yield Row(f"{network}: peak of memory beside pythae's", plain["memory"], whole["memory"], "MB", ratio, "no more")


def _mnist() -> np.ndarray:
    from vaehub.plugins.datasets.mnist.params import IdxParams
    from vaehub.plugins.datasets.mnist.source import Mnist

    return Mnist(IdxParams()).load().split("train").stored.numpy()


def _sprites() -> np.ndarray:
    from vaehub import Hub

    x = Hub.open().data("sprites", {"subset": N_SPRITES}).x
    return (x * 255).round().byte().numpy()
