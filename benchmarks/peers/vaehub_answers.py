"""One build's side of the comparison of answers; prints counts and processor seconds. Runs with earlier builds too."""

import json
import sys
import tempfile
import time
from collections import Counter
from importlib import import_module
from typing import Any

from vaehub import Hub
from vaehub.store.database import Database

METRICS = ("elbo", "relevance", "variable_types")
QUICK = {"train.epochs": 1, "model.latent_dim": 3}
COUNTS: Counter[str] = Counter()


def count(owner: Any, name: str) -> None:
    """Count the calls of a function."""
    function = getattr(owner, name)

    def counted(*arguments: Any, **more: Any) -> Any:
        COUNTS[name] += 1
        return function(*arguments, **more)

    setattr(owner, name, counted)


def builder() -> Any:
    """Return the class that builds and restores models, by the name that it has in this build."""
    try:
        return import_module("vaehub.hub.builder").Builder
    except ImportError:
        return import_module("vaehub.hub.workshop").Workshop


def main() -> None:
    """Ask for what is not there, ask again, and compare what is."""
    count(Database, "_opened")
    for name in ("build", "restore"):
        count(builder(), name)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        Hub.open(folder, device="cpu").run("vae", METRICS, seed=[0, 1], settings=QUICK)
        figures |= {"fresh_built": COUNTS["build"], "fresh_restored": COUNTS["restore"]}
        Hub.open(folder, device="cpu").run("vae", METRICS, seed=[0, 1], settings=QUICK)
        hub = Hub.open(folder, device="cpu")
        COUNTS.clear()
        started = time.process_time()
        found = hub.run("vae", METRICS, seed=[0, 1], settings=QUICK)
        figures |= {"six_seconds": time.process_time() - started, "six_openings": COUNTS["_opened"]}
        assert all(each.reused for each in found), "all is stored"
        a, b = (hub.recipe(model, settings=QUICK) for model in ("vae", "beta_vae"))
        for seed in range(5):
            hub.train(a.vary(seed=seed))
            hub.train(b.vary(seed=seed))
        COUNTS.clear()
        Hub.open(folder, device="cpu").compare(a.vary(seed=0).id, a.vary(seed=1).id, "cka")
        figures["pair_restored"] = COUNTS["restore"]
        COUNTS.clear()
        Hub.open(folder, device="cpu").compare(a, b, "cka", seeds=range(5))
        figures["many_restored"] = COUNTS["restore"]
    sys.stdout.write(json.dumps(figures) + "\n")


main()
