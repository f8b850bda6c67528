"""Small models and data that the tests of training share."""

import math
from contextlib import contextmanager

import pytest
import torch
from checkpoints import Interrupted

from vaehub import (
    Dataset,
    LatentModel,
    Losses,
    ModelParams,
    Network,
    Params,
    Posterior,
)
from vaehub import generator as stream
from vaehub.core.random import seeded_construction
from vaehub.core.recipe import TrainParams
from vaehub.training.fit import fit


class Noisy(LatentModel):
    """A linear autoencoder with noise, which records what it sees."""

    def __init__(self, spec, *, rows=None, poison=None):
        super().__init__(ModelParams(latent_dim=2), Network(Params(), spec, 2, 2), spec)
        self.inside, self.outside = torch.nn.Linear(3, 4), torch.nn.Linear(2, 3)
        self.rows, self.poison = rows, poison
        self.seen, self.ended = [], 0

    def encode(self, batch):
        return Posterior.split(self.inside(batch.x))

    def decode(self, z):
        return self.outside(z)

    def loss(self, batch, step):
        if self.training:
            self.seen.append((step.epoch, step.index, batch.x[:, 0].tolist()))
        posterior = self.encode(batch)
        error = (self.decode(posterior.sample(step.generator)) - batch.x).square().sum(1).mean()
        if self.poison is not None and step.index >= self.poison:
            error = error * math.nan
        return Losses(error, {"reconstruction": error})

    def prior_sample(self, n, generator):
        return torch.randn(n, 2, generator=generator)

    def epoch_started(self, epoch):
        return self.rows

    def training_ended(self, epoch):
        self.ended += 1


def data(n=41, share=0.2):
    x = torch.rand(n, 3, generator=stream(0, "x"))
    return Dataset(x).with_validation(share, stream(0, "split"))


def model(**more):
    with seeded_construction(0):
        return Noisy(data().spec, **more)


def train(seed=0, built=None, dataset=None, checkpoint=None, on_epoch=None, **params):
    built = built or model()
    params = TrainParams(**({"epochs": 4, "batch_size": 8, "learning_rate": 0.01} | params))
    history = fit(built, dataset or data(), params, seed=seed, checkpoint=checkpoint, on_epoch=on_epoch)
    return built, history.history


def weights(built):
    return torch.cat([value.flatten() for value in built.state_dict().values()])


def losses(history):
    return [record.losses for record in history]


class Plain(Noisy):
    """Its loss is the mean of the first value, which no weight can change."""

    def loss(self, batch, step):
        return Losses(batch.x[:, 0].mean() + 0 * self.inside.bias.sum(), {})


class Normed(Noisy):
    """Also normalises batches, so that it holds running averages and a count beside its weights."""

    def __init__(self, spec):
        super().__init__(spec)
        self.inside = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 4))


def normed(seed=0):
    with seeded_construction(seed):
        return Normed(data().spec)


def stopped(built, memory, epoch):
    """Train until an epoch has been recorded, and then fail."""

    def interrupt(record):
        if record.index == epoch:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(built=built, checkpoint=memory, on_epoch=interrupt)


class Counter:
    """Somebody who watches the progress."""

    def __init__(self):
        self.tasks, self.done, self.notes = [], 0, []

    @contextmanager
    def begin(self, label, total):
        self.tasks.append((label, total))
        yield self.advance

    def advance(self, amount, note=""):
        self.done += amount
        self.notes.append(note)
