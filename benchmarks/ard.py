"""Training ARD-VAE, against Algorithm 1 in a plain loop: a DataLoader, Adam, and X_alpha encoded anew at each update.

Both sides begin with the same weights, draw the same numbers, and must have the same losses but for rounding. They
take turns in one process, and seconds are those of the processor. A step includes its share of the epoch, the update of
the prior too; that is timed by itself as well, from as many digits as supplementary Table 3 has.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset, TensorDataset

from benchmarks.measure import Options, Row, in_turn
from vaehub import Dataset, Hub, TrainParams, generator
from vaehub.core.model import Epoch
from vaehub.core.random import gaussian_sample, seeded_construction
from vaehub.plugins.ard.model import ArdVae
from vaehub.plugins.ard.params import ArdParams
from vaehub.plugins.datasets.mnist.params import IdxParams
from vaehub.plugins.datasets.mnist.source import Mnist
from vaehub.plugins.networks.convolutions.ard import ArdMnist
from vaehub.plugins.networks.convolutions.params import ArdMnistParams
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams
from vaehub.training.fit import fit

REPEATS, EPOCHS, SEED = 3, 2, 0
BATCH, LEARNING_RATE, LATENTS = 100, 5e-4, 16
N = {"mlp": 10_000, "ard_mnist": 1_000}
"""Images of MNIST that each network is trained on."""
N_ALPHA, SIZES = 10_000, (16, 32, 64)
TOLERANCE = 1e-3
"""Relative, of the mean loss of an epoch: weights that batch normalisation undoes move by rounding alone."""


def rows(_: Options) -> Iterator[Row]:
    """Measure steps per second of both sides, and seconds of an update."""
    yield _compared("mlp", "digits of 8x8", Hub.open().data("digits"))
    digits = Mnist(IdxParams(pad=2)).load().split("train")
    for network, n in N.items():
        yield _compared(network, f"{n:,} of MNIST", digits.first(n))
    for latent_dim in SIZES:
        model = _model("ard_mnist", digits, latent_dim)
        what = f"ard_mnist: update of the prior from {N_ALPHA:,} digits, {latent_dim} latents"
        yield Row(what, _update(model, digits), None, "s", None, "—")


def _compared(network: str, of: str, images: Dataset) -> Row:
    data = Dataset(images.x, splits={"train": range(len(images.x))})
    begin = _model(network, data, LATENTS)
    losses: dict[str, float] = {}
    ours, theirs = in_turn(
        REPEATS, lambda: _ours(copy.deepcopy(begin), data, losses), lambda: _plain(copy.deepcopy(begin), data, losses)
    )
    np.testing.assert_allclose(losses["ours"], losses["plain"], rtol=TOLERANCE)
    ratio = ours["rate"] / theirs["rate"]
    what = f"ARD-VAE, {network} on {of}, beside a plain loop"
    return Row(what, ours["rate"], theirs["rate"], "steps/s", ratio, "at least 1.5 times")


def _model(network: str, data: Dataset, latent_dim: int) -> ArdVae:
    with seeded_construction(SEED):
        if network == "mlp":
            built = Mlp(MlpParams(hidden=(400,)), data.spec, latent_dim, 2)
        else:
            built = ArdMnist(ArdMnistParams(), data.spec, latent_dim, 2)
        return ArdVae(ArdParams(latent_dim=latent_dim), built, data.spec)


def _ours(model: ArdVae, data: Dataset, losses: dict[str, float]) -> dict[str, float]:
    params = TrainParams(epochs=EPOCHS, batch_size=BATCH, learning_rate=LEARNING_RATE, validation=0)
    started = time.process_time()
    found = fit(model, data, params, seed=SEED)
    losses["ours"] = found.history[-1].losses["train"]["total"]
    return {"rate": _n_steps(data) / (time.process_time() - started)}


def _plain(model: ArdVae, data: Dataset, losses: dict[str, float]) -> dict[str, float]:
    images = TensorDataset(data.x)
    encoder, decoder, beta = model.network.encoder, model.network.decoder, model.params.beta
    started = time.process_time()
    adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for epoch in range(EPOCHS):
        noise, total = generator(SEED, "training", "epoch", epoch), 0.0
        drawn = torch.randperm(len(images), generator=noise)
        n_alpha = _n_alpha(len(images))
        alpha, rest = drawn[:n_alpha], drawn[n_alpha:]
        model.eval()
        prior = _prior(encoder, images, alpha, noise)
        model.train()
        order = torch.randperm(len(rest), generator=generator(SEED, "training", "order", epoch))
        for (x,) in DataLoader(Subset(images, rest[order].tolist()), batch_size=BATCH):
            mu, logvar = encoder(x).chunk(2, dim=1)
            reconstruction = decoder(gaussian_sample(mu, logvar, noise)).sigmoid()
            error = (reconstruction - x).square().flatten(1).sum(dim=1).mean()
            kl = 0.5 * ((mu.square() + logvar.exp()) / prior + prior.log() - logvar - 1).sum(dim=1).mean()
            adam.zero_grad()
            loss = error + beta * kl
            loss.backward()
            adam.step()
            total += loss.item() * len(x)
        losses["plain"] = total / len(rest)
    return {"rate": _n_steps(data) / (time.process_time() - started)}


@torch.no_grad()
def _prior(encoder: torch.nn.Module, images: TensorDataset, alpha: Tensor, noise: torch.Generator) -> Tensor:
    """Return the variance of each latent (Algorithm 2, and Eqs. 8 and 9)."""
    loader = DataLoader(Subset(images, alpha.tolist()), batch_size=BATCH)
    mu, logvar = torch.cat([encoder(x) for (x,) in loader]).chunk(2, dim=1)
    return gaussian_sample(mu, logvar, noise).square().mean(dim=0)


def _n_alpha(n: int) -> int:
    return N_ALPHA if n >= 2 * N_ALPHA else -(-n // 5)


def _n_steps(data: Dataset) -> int:
    return EPOCHS * -(-(len(data.x) - _n_alpha(len(data.x))) // BATCH)


def _update(model: ArdVae, digits: Dataset) -> float:
    noise = generator(SEED, "benchmark", "update")
    model.eval()
    started = time.process_time()
    model.epoch_started(Epoch(0, digits, noise))
    return time.process_time() - started
