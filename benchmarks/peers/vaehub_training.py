"""Our side of the training comparison; prints images per second, without compilation, and peak memory."""

import json
import sys
from pathlib import Path

import numpy as np

from vaehub import Dataset, TrainParams
from vaehub.core.random import seeded_construction
from vaehub.plugins.models.vae.model import Vae
from vaehub.plugins.models.vae.params import VaeParams
from vaehub.plugins.networks.convolutions.higgins import ConvHiggins
from vaehub.plugins.networks.convolutions.params import ConvHigginsParams
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams
from vaehub.training.devices import find_devices
from vaehub.training.fit import fit

EPOCHS, WARM_UP = 3, 1
WITH = {
    "float32": {},
    "bfloat16": {"precision": "bfloat16"},
    "bfloat16-channels_last": {"precision": "bfloat16", "channels_last": True},
    "float32-compile": {"compile": True},
    "bfloat16-compile": {"precision": "bfloat16", "compile": True},
}


def rate(images: np.ndarray, network: str, options: str, device: str) -> float:
    """Return images per second of a training, after the epochs of the warm-up."""
    data = Dataset(images, splits={"train": range(len(images))})
    latents, batch = (20, 256) if network == "mlp" else (10, 64)
    with seeded_construction(0):
        if network == "mlp":
            built = Mlp(MlpParams(hidden=(400,)), data.spec, latents, 2)
        else:
            built = ConvHiggins(ConvHigginsParams(), data.spec, latents, 2)
        model = Vae(VaeParams(latent_dim=latents), built, data.spec)
    asked = TrainParams(epochs=WARM_UP + EPOCHS, batch_size=batch, learning_rate=1e-3, validation=0, **WITH[options])
    found = fit(model.to(find_devices(device)[0]), data, asked, seed=0)
    if found.notes:
        raise RuntimeError("; ".join(found.notes))
    return EPOCHS * len(images) / sum(record.seconds for record in found.history[WARM_UP:])


def main() -> None:
    """Train once, so that peak memory is that of one set of options."""
    found = {"rate": rate(np.load(sys.argv[1]), *sys.argv[2:4], device=[*sys.argv, "cpu"][4])}
    # Not ru_maxrss, which includes the parent process's memory at the fork.
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    found["memory"] = int(peak.split()[1]) / 1024
    sys.stdout.write(json.dumps(found) + "\n")


main()
