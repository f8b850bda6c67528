"""Small models and data that the tests of pruned models share."""

import torch

from vaehub import Dataset, Step, generator
from vaehub.core.random import seeded_construction
from vaehub.core.recipe import TrainParams
from vaehub.plugins.models.pruned.geco import GecoL0Arm
from vaehub.plugins.models.pruned.mask import MaskAae
from vaehub.plugins.models.pruned.params import GecoL0ArmParams, MaskAaeParams
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams
from vaehub.training.fit import fit


def points(n=64):
    return Dataset(torch.rand(n, 6, generator=generator(0, "x"))).with_validation(0.2, generator(0, "split"))


def plane(n=640):
    """Observations that a linear map makes of two standard normal numbers each, in ten dimensions."""
    hidden, directions = torch.randn(n, 2, generator=generator(0, "h")), torch.randn(2, 10, generator=generator(0, "d"))
    return Dataset(hidden @ directions).with_validation(0.1, generator(0, "split"))


def build(kind, params, data, hidden=(8,)):
    with seeded_construction(0):
        network = Mlp(MlpParams(hidden=hidden), data.spec, params.latent_dim, kind.n_statistics)
        return kind(params, network, data.spec)


def geco(data=None, hidden=(8,), **params):
    return build(GecoL0Arm, GecoL0ArmParams(**({"latent_dim": 3} | params)), data or points(), hidden)


def mask(data=None, hidden=(8,), **params):
    params = {"latent_dim": 3, "critic_hidden": (8,)} | params
    return build(MaskAae, MaskAaeParams(**params), data or points(), hidden)


def step(index=0):
    return Step(index, 0, generator(0, "noise"))


def train(model, data=None, checkpoint=None, on_epoch=None, **params):
    params = TrainParams(**({"epochs": 4, "batch_size": 16, "learning_rate": 0.01} | params))
    return fit(model, data or points(), params, seed=0, checkpoint=checkpoint, on_epoch=on_epoch).history
