"""Draw 100,000 sprites, then train a convolutional VAE on a shuffled epoch of them, and time batches and steps."""

import json
import resource
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from vaehub.files import FileParams
from vaehub.plugins.datasets.sprites import kernels
from vaehub.plugins.datasets.sprites.rendering import PlainSprites

N, BATCH, STEPS = 100_000, 64, 60


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        convolutions = [nn.Conv2d(a, b, 4, 2, 1) for a, b in ((1, 32), (32, 32), (32, 64), (64, 64))]
        self.encoder = nn.Sequential(
            *(layer for each in convolutions for layer in (each, nn.ReLU())),
            nn.Flatten(),
            nn.Linear(1024, 256),
            nn.ReLU(),
            nn.Linear(256, 20),
        )
        turned = [nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in ((64, 64), (64, 32), (32, 32), (32, 1))]
        self.decoder = nn.Sequential(
            nn.Linear(10, 256),
            nn.ReLU(),
            nn.Linear(256, 1024),
            nn.ReLU(),
            nn.Unflatten(1, (64, 4, 4)),
            *(layer for each in turned for layer in (each, nn.ReLU())),
        )[:-1]

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        logits = self.decoder(mu + torch.randn_like(mu) * (logvar / 2).exp())
        reconstruction = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        return reconstruction + 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum() / len(x)


def main():
    torch.manual_seed(0)
    rows = np.random.default_rng(0).permutation(737_280)[:N]
    started = time.perf_counter()
    kernels.render(np.stack(np.unravel_index(rows, kernels.SIZES), axis=1))
    draw = time.perf_counter() - started
    data = PlainSprites(FileParams(subset=N)).load()
    model = Vae()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    batch, step = [], []
    for index, chosen in enumerate(torch.randperm(N).split(BATCH)):
        before = time.perf_counter()
        x = data.batch(chosen).x
        between = time.perf_counter()
        batch.append(between - before)
        # Every batch of the epoch is drawn, but only some are trained on, which is enough to time a step.
        if index < STEPS:
            optimiser.zero_grad(set_to_none=True)
            model(x).backward()
            optimiser.step()
            step.append(time.perf_counter() - between)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    figures = {"draw": draw, "batch": float(np.median(batch)), "step": float(np.median(step)), "resident": resident}
    print(json.dumps(figures))


main()
