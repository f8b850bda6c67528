"""Pythae's side of the training comparison; prints images per second, of its trainer or its step, and peak memory.

Of two seeds, one after the other, it prints seconds.
"""

import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

# Read on import; its trainer always adds a progress bar, which should not be timed.
os.environ["TQDM_DISABLE"] = "1"

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import nn

EPOCHS, WARM_UP = 3, 1
LATENTS = {"mlp": 20, "conv_higgins": 10}
DEVICE = [*sys.argv, "cpu"][4]
BATCH = {"mlp": 256, "conv_higgins": 64}


def down(inputs: int, outputs: int, kernel: int, padding: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, stride=2, padding=padding), nn.ReLU()]


def up(inputs: int, outputs: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)


class Encoder(BaseEncoder):
    def __init__(self, network: str) -> None:
        super().__init__()
        if network == "mlp":
            self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU())
            width = 400
        else:
            convolutions = [*down(1, 32, 4, 1), *down(32, 32, 4, 1), *down(32, 64, 2, 0), *down(64, 64, 2, 0)]
            self.hidden = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(1024, 256), nn.ReLU())
            width = 256
        self.mean, self.logvar = nn.Linear(width, LATENTS[network]), nn.Linear(width, LATENTS[network])

    def forward(self, x: torch.Tensor) -> ModelOutput:
        hidden = self.hidden(x)
        return ModelOutput(embedding=self.mean(hidden), log_covariance=self.logvar(hidden))


class Decoder(BaseDecoder):
    def __init__(self, network: str) -> None:
        super().__init__()
        if network == "mlp":
            flat = [nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid()]
            self.layers = nn.Sequential(*flat, nn.Unflatten(1, (1, 28, 28)))
        else:
            flat = [nn.Linear(10, 256), nn.ReLU(), nn.Linear(256, 1024), nn.ReLU(), nn.Unflatten(1, (64, 4, 4))]
            maps = [up(64, 64), nn.ReLU(), up(64, 32), nn.ReLU(), up(32, 32), nn.ReLU(), up(32, 1), nn.Sigmoid()]
            self.layers = nn.Sequential(*flat, *maps)

    def forward(self, z: torch.Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.layers(z))


def model(network: str, shape: tuple[int, ...], seed: int = 0) -> VAE:
    torch.manual_seed(seed)
    config = VAEConfig(input_dim=shape, latent_dim=LATENTS[network], reconstruction_loss="bce")
    return VAE(config, Encoder(network), Decoder(network))


def whole(x: torch.Tensor, network: str, epochs: int, seed: int = 0) -> float:
    """Return images per second of its trainer."""
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=epochs,
            per_device_train_batch_size=BATCH[network],
            learning_rate=1e-3,
            no_cuda=DEVICE == "cpu",
            seed=seed,
        )
        built = model(network, tuple(x.shape[1:]), seed)
        trainer = BaseTrainer(built, BaseDataset(x, torch.zeros(len(x))), training_config=config)
        started = time.perf_counter()
        trainer.train()
        return epochs * len(x) / (time.perf_counter() - started)


def step(x: torch.Tensor, network: str, epochs: int) -> float:
    """Return images per second of its model: forward, backward and Adam."""
    built, x = model(network, tuple(x.shape[1:])).to(DEVICE), x.to(DEVICE)
    optimiser = torch.optim.Adam(built.parameters(), lr=1e-3)
    started = time.perf_counter()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).to(DEVICE).split(BATCH[network]):
            loss = built({"data": x[rows]}).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return epochs * len(x) / (time.perf_counter() - started)


def main() -> None:
    """Train once to warm up, and time a second training; or train two seeds."""
    logging.disable(logging.CRITICAL)
    x = torch.from_numpy(np.load(sys.argv[1])).float() / 255
    network = sys.argv[2]
    if sys.argv[3] == "seeds":
        epochs = int(sys.argv[5])
        taken = sum(epochs * len(x) / whole(x, network, epochs, seed) for seed in (0, 1))
        sys.stdout.write("\n" + json.dumps({"seconds": taken}) + "\n")
        return
    way = {"step": step, "whole": whole}[sys.argv[3]]
    for epochs in (WARM_UP, EPOCHS):
        found = {"rate": way(x, network, epochs)}
    # Not ru_maxrss, which includes the parent process's memory at the fork.
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    found["memory"] = int(peak.split()[1]) / 1024
    sys.stdout.write("\n" + json.dumps(found) + "\n")


main()
