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


def main() -> None:
    """Train once to warm up and once for the clock."""
    images = np.load(sys.argv[1])
    data = Dataset(images, parts={"train": range(len(images))})
    for epochs in (WARM_UP, EPOCHS):
        with seeded_construction(0):
            params = VaeParams(latent_dim=20)
            model = Vae(params, Mlp(MlpParams(hidden=(400,)), data.spec, 20, 2), data.spec)
        started = time.perf_counter()
        fit(model, data, TrainParams(epochs=epochs, batch_size=256, learning_rate=1e-3, validation=0), seed=0)
        rate = epochs * len(images) / (time.perf_counter() - started)
    sys.stdout.write(json.dumps({"whole": rate}) + "\n")


main()
