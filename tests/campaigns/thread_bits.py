"""Says what has other bits with two threads than with one: ``python -m tests.campaigns.thread_bits``.

Each run has a process and a store of its own: one thread, twice; two threads; and two that measure what one has
trained. It ends with exit code 1 if the same number of threads gives other bits. Every model is trained on digits for
an epoch and measured by every metric that takes it; a VAE on sprites too, which have factors. Metrics of recipes, which
train many models, and of tables, which read what is stored, are left out.
"""

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaehub import Hub, Result, VaehubError
from vaehub.registry.entries import Metric

Numbers = dict[str, NDArray[np.generic]]

SMALL = {"model.latent_dim": 5, "train.epochs": 1}
DATA: dict[str, dict[str, object]] = {
    "digits": {},
    "sprites": {"data.subset": 800, "data.size": 16, "network.hidden": [128]},
}
PLACES = {"latent_path": {"start": 3, "end": 40}}
"""Parameters by metric, where those by default are not taken."""
TIMEOUT = 3600.0


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        stores = [Path(folder) / name for name in ("one", "again", "two", "measured")]
        one = _computed(stores[0], 1)
        shutil.copytree(stores[0], stores[3])
        again, two, measured = (_computed(store, n) for store, n in zip(stores[1:], (1, 2, 2), strict=True))
    n_numbers = sum(values.size for numbers in one.values() for values in numbers.values())
    print(f"{len(one)} weights, losses and measurements, {n_numbers} numbers")
    n_again = _compared("one thread, again", one, again)
    _compared("trained and measured with two", one, two)
    _compared("trained with one, measured with two", one, measured)
    return min(n_again, 1)


def _compared(how: str, one: Mapping[str, Numbers], other: Mapping[str, Numbers]) -> int:
    problems = {what: difference(one.get(what, {}), other.get(what, {})) for what in sorted(one.keys() | other.keys())}
    differing = {what: problem for what, problem in problems.items() if problem}
    print(
        f"{how}: {len(differing)} differ",
        *(f"  {what}: {why}" for what, why in differing.items()),
        sep="\n",
        flush=True,
    )
    return len(differing)


def difference(one: Numbers, two: Numbers) -> str:
    """Say what differs by a bit, and by how much at most, relative to the largest value of its name; else nothing."""
    if one.keys() != two.keys() or any(one[name].shape != two[name].shape for name in one):
        return f"other names or shapes: {sorted(one.keys() ^ two.keys())}"
    found = []
    for name, values in one.items():
        if values.tobytes() != two[name].tobytes():
            a, b = values.astype(np.float64), two[name].astype(np.float64)
            scale = np.abs(a[np.isfinite(a)]).max(initial=0.0) or 1.0
            found.append(f"{name} {np.nanmax(np.abs(a - b), initial=0.0) / scale:.0e}")
    return ", ".join(found)


def _computed(store: Path, n_threads: int) -> dict[str, Numbers]:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(n_threads))
    out = store.with_suffix(".pickle")
    asked = [sys.executable, "-m", __spec__.name, str(store), str(out)]
    subprocess.run(asked, env={**os.environ, **threads}, check=True, timeout=TIMEOUT)
    found: dict[str, Numbers] = pickle.loads(out.read_bytes())
    return found


def work(store: str, out: str) -> None:
    """Train and measure in this process, with as many threads as its environment says."""
    hub = Hub.open(store, device="cpu")
    found: dict[str, Numbers] = {}
    for model in _names(hub, "model"):
        for data in DATA if model == "vae" else ["digits"]:
            for what, numbers in _of_model(hub, model, data):
                found[what] = numbers
                sys.stderr.write(f"{what}\n")
    Path(out).write_bytes(pickle.dumps(found))


def _of_model(hub: Hub, model: str, data: str) -> Iterator[tuple[str, Numbers]]:
    network = "linear" if model == "linear_vae" else "mlp"
    settings = {
        name: value for name, value in {**SMALL, **DATA[data]}.items() if network == "mlp" or "hidden" not in name
    }
    recipe, other = (hub.recipe(model, dataset=data, network=network, settings=settings, seed=seed) for seed in (0, 1))
    for each in (recipe, other):
        hub.train(each)
        yield f"weights of {model} on {data}, seed {each.seed}", dict(hub.store.weights(each.id))
        losses = [epoch[part] for epoch in hub.store.epochs(each.id) for part in sorted(epoch)]
        values = {f"{at} {name}": np.array(value) for at, loss in enumerate(losses) for name, value in loss.items()}
        yield f"losses of {model} on {data}, seed {each.seed}", values
    subjects = {"model": recipe, "pair": (recipe, other), "dataset": recipe.dataset}
    for metric, kind in _metrics(hub):
        if kind == "dataset" and model != "vae":
            continue
        try:
            result = hub.measure(metric, subjects[kind], settings=PLACES.get(metric, {}), force=True).result
        except VaehubError as error:
            sys.stderr.write(f"{metric} of {model} on {data}: {error}\n")
            continue
        yield f"{metric} of {model} on {data}", _numbers(result)


def _numbers(result: Result) -> Numbers:
    found: Numbers = {name: np.array(value) for name, value in result.scalars.items()}
    found |= {name: vector.values for name, vector in result.vectors.items()}
    for name, table in result.tables.items():
        found |= {f"{name}.{column}": values for column, values in table.columns.items()}
    found |= {name: signatures.vectors for name, signatures in result.signatures.items()}
    return found | dict(result.arrays)


def _names(hub: Hub, kind: str) -> list[str]:
    return [each.entry.name for each in hub.catalog.entries(kind) if each.distribution == "vaehub"]


def _metrics(hub: Hub) -> list[tuple[str, str]]:
    """Return name and kind of subject of the built-in metrics of models, pairs and datasets."""
    subjects: Mapping[str, str] = {
        each.entry.name: each.entry.subject for each in hub.catalog.entries("metric") if isinstance(each.entry, Metric)
    }
    return [(name, subjects[name]) for name in _names(hub, "metric") if subjects[name] in ("model", "pair", "dataset")]


if __name__ == "__main__":
    if sys.argv[1:]:
        work(*sys.argv[1:])
    else:
        sys.exit(main())
