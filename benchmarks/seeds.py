"""Ten seeds of one recipe, trained as one batched program, against one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import partial

from benchmarks.measure import Options, Row, in_turn

SEEDS = range(10)
REPEATS = 3
CASES = {
    "digits, mlp 64-400-16, batches of 64": ("digits", {"network.hidden": [400]}, 64, 10),
    "digits, mlp 64-32-4, batches of 16": ("digits", {"network.hidden": [32], "model.latent_dim": 4}, 16, 10),
    "digits, conv_bn padded to 12x12, batches of 64": ("digits", {"data.pad": 2}, 64, 2),
}


def rows(options: Options) -> Iterator[Row]:
    """Measure the time for ten seeds."""
    for what, (dataset, settings, batch, epochs) in CASES.items():
        network = "conv_bn" if "conv_bn" in what else "mlp"
        asked = {**settings, "train.epochs": epochs, "train.batch_size": batch}
        sides = [partial(_seconds, dataset, network, asked, options.device, together=each) for each in (True, False)]
        ours, theirs = in_turn(REPEATS, *sides)
        ratio = theirs["seconds"] / ours["seconds"]
        yield Row(f"ten seeds together: {what}", ours["seconds"], theirs["seconds"], "s", ratio, "5 on a GPU")


def _seconds(
    dataset: str, network: str, settings: Mapping[str, object], device: str, *, together: bool
) -> dict[str, float]:
    from vaehub import Hub
    from vaehub.core.random import generator
    from vaehub.hub.builder import Builder
    from vaehub.training.ensemble import EnsembleMember, fit_together
    from vaehub.training.fit import fit

    hub = Hub.open("unused")
    builder = Builder(hub.catalog, hub.store, device)
    members = []
    for seed in SEEDS:
        recipe = hub.recipe("vae", network=network, dataset=dataset, seed=seed, settings=settings)
        data = builder.load(recipe.dataset).with_validation(0.1, generator(seed, "validation split"))
        members.append(EnsembleMember(builder.build(recipe, data).to(builder.device), data, seed))
    started = time.perf_counter()
    if together:
        fit_together(members, recipe.train)
    else:
        for each in members:
            fit(each.model, each.data, recipe.train, seed=each.seed)
    return {"seconds": time.perf_counter() - started}
