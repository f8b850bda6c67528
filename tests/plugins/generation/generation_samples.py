"""Models that sample, and how their samples are measured, for the tests of this folder."""

import torch

from vaehub import (
    LatentModel,
    ModelParams,
    Network,
    Params,
    Posterior,
    VaehubError,
)
from vaehub.hub.extractors import Extractors
from vaehub.hub.refusals import refuse
from vaehub.hub.requests import metric_of
from vaehub.plugins.generation.frechet_distance import FrechetDistance
from vaehub.plugins.generation.kernel_distance import KernelDistance
from vaehub.plugins.generation.precision_recall import PrecisionRecall
from vaehub.registry.catalog import Catalog

CATALOG = Catalog()
QUICK = {"train.epochs": 2, "model.latent_dim": 3, "network.hidden": [16], "data.subset": 300}
METRICS = {"frechet_distance": FrechetDistance, "kernel_distance": KernelDistance, "precision_recall": PrecisionRecall}
FEW = {"kernel_distance": {"subset_size": 50, "n_subsets": 5}, "precision_recall": {"n_clusterings": 2}}
MODULE = '''
"""What a user has beside the data."""

import torch
from torch import nn


class Scaled(nn.Module):
    """Three values, weighted."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x * self.scale


class Thirds(Scaled):
    """Three pixels of an image, weighted."""

    def forward(self, x):
        return super().forward(x[:, 0, 2:5, 4])
'''


class Linear(LatentModel):
    """Decodes by a matrix; the third latent changes nothing, and the second next to nothing."""

    def __init__(self, data, *, prior_variance=None, has_prior=True, decodes=True, wrong=None):
        super().__init__(ModelParams(latent_dim=3), Network(Params(), data.spec, 3, 2), data.spec)
        self.matrix = torch.tensor([[1.0, 2.0, 2.0], [1e-3, 0.0, 0.0], [0.0, 0.0, 0.0]])
        self.variance, self.has_prior, self.wrong = prior_variance, has_prior, wrong
        self.decodes = decodes

    @property
    def learned_prior_variance(self):
        return self.variance

    def encode(self, batch):
        mu = torch.stack([batch.x[:, 0], torch.full_like(batch.x[:, 0], 5.0), batch.x[:, 2]], dim=1)
        return Posterior(mu, torch.full_like(mu, -2.0))

    def decode(self, z):
        return z @ self.matrix if self.wrong is None else torch.full((len(z), 3), self.wrong)

    def loss(self, batch, step):
        raise AssertionError("nothing learns here")

    def prior_sample(self, n, generator):
        if not self.has_prior:
            raise VaehubError("model 'linear' has no prior to draw from")
        scale = 1.0 if self.variance is None else self.variance.sqrt()
        return torch.randn(n, 3, generator=generator) * scale


def measured(name, model, data, seed=0, models=None, **params):
    _, part = metric_of(CATALOG, name, {**FEW.get(name, {}), **params}, str)
    metric = METRICS[name](part.params, seed, models=models, extractors=Extractors(CATALOG, models))
    refuse(metric, model, data)
    return metric.measure(model, data)
