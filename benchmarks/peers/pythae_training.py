"""Pythae's side of the training comparison; prints images a second, whole and of its step alone."""

import json
import logging
import os
import sys
import tempfile
import time

# Read on import; its trainer always adds a progress bar, which is not what is compared.
os.environ["TQDM_DISABLE"] = "1"

import numpy as np
import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import nn

EPOCHS, WARM_UP, BATCH = 3, 1, 256


class Encoder(BaseEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU())
        self.mean, self.logvar = nn.Linear(400, 20), nn.Linear(400, 20)

    def forward(self, x: torch.Tensor) -> ModelOutput:
        hidden = self.hidden(x)
        return ModelOutput(embedding=self.mean(hidden), log_covariance=self.logvar(hidden))


class Decoder(BaseDecoder):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid())

    def forward(self, z: torch.Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.layers(z).reshape(-1, 1, 28, 28))


def model() -> VAE:
    torch.manual_seed(0)
    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=20, reconstruction_loss="bce")
    return VAE(config, Encoder(), Decoder())


def whole(x: torch.Tensor, epochs: int) -> float:
    """Return images a second of its trainer."""
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=epochs, per_device_train_batch_size=BATCH, learning_rate=1e-3, no_cuda=True
        )
        trainer = BaseTrainer(model(), BaseDataset(x, torch.zeros(len(x))), training_config=config)
        started = time.perf_counter()
        trainer.train()
        return epochs * len(x) / (time.perf_counter() - started)


def step(x: torch.Tensor, epochs: int) -> float:
    """Return images a second of its model, forward, backward and Adam."""
    built = model()
    optimiser = torch.optim.Adam(built.parameters(), lr=1e-3)
    started = time.perf_counter()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(BATCH):
            loss = built({"data": x[rows]}).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return epochs * len(x) / (time.perf_counter() - started)


def main() -> None:
    """Train once to warm up and once for the clock."""
    logging.disable(logging.CRITICAL)
    x = torch.from_numpy(np.load(sys.argv[1])).float() / 255
    for epochs in (WARM_UP, EPOCHS):
        figures = {"step": step(x, epochs), "whole": whole(x, epochs)}
    sys.stdout.write("\n" + json.dumps(figures) + "\n")


main()
