"""Our side of the training comparison; prints images a second."""

import json
import sys
import time

import numpy as np

from vaehub import Dataset, TrainParams
from vaehub.core.random import seeded_construction
from vaehub.core.training import fit
from vaehub.plugins.mlp.network import Mlp
from vaehub.plugins.mlp.params import MlpParams
from vaehub.plugins.vae.model import Vae
from vaehub.plugins.vae.params import VaeParams

EPOCHS, WARM_UP = 3, 1


def rate(images: np.ndarray, precision: str, epochs: int) -> float:
    """Return images a second of a whole training."""
    data = Dataset(images, parts={"train": range(len(images))})
    with seeded_construction(0):
        params = VaeParams(latent_dim=20)
        model = Vae(params, Mlp(MlpParams(hidden=(400,)), data.spec, 20, 2), data.spec)
    asked = TrainParams(epochs=epochs, batch_size=256, learning_rate=1e-3, validation=0, precision=precision)
    started = time.perf_counter()
    fit(model, data, asked, seed=0)
    return epochs * len(images) / (time.perf_counter() - started)


def main() -> None:
    """Train once to warm up and once for the clock, in each precision."""
    images = np.load(sys.argv[1])
    for epochs in (WARM_UP, EPOCHS):
        figures = {precision: rate(images, precision, epochs) for precision in ("float32", "bfloat16")}
    sys.stdout.write(json.dumps(figures) + "\n")


main()
