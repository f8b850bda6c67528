"""Models of known latents, and how scores are measured on them, for the tests of this folder."""

import pytest
import torch
from torch import nn

from vaehub import wrap
from vaehub.hub.refusals import refuse
from vaehub.plugins.disentanglement.beta_vae_score import BetaVaeScore
from vaehub.plugins.disentanglement.dci import Dci
from vaehub.plugins.disentanglement.factor_vae_score import FactorVaeScore
from vaehub.plugins.disentanglement.irs import Irs
from vaehub.plugins.disentanglement.mig import Mig
from vaehub.plugins.disentanglement.modularity import Modularity
from vaehub.plugins.disentanglement.sap import Sap

NAMES, SIZES = ("shape", "size", "place", "colour"), (3, 4, 5, 1)
QUICK = {"train.epochs": 1, "model.latent_dim": 3, "network.hidden": [16], "data.subset": 400, "data.size": 16}
FEW_GROUPS = {
    "factor_vae_score": {"n_votes": 300, "n_test_votes": 150, "group_size": 16},
    "beta_vae_score": {"n_train": 300, "n_test": 150, "n_pairs": 16},
}
METRICS = {
    "mig": (Mig, {}),
    "modularity": (Modularity, {}),
    "irs": (Irs, {}),
    "sap": (Sap, {}),
    "dci": (Dci, {"predictor": "lightgbm"}),
    "factor_vae_score": (FactorVaeScore, FEW_GROUPS["factor_vae_score"]),
    "beta_vae_score": (BetaVaeScore, FEW_GROUPS["beta_vae_score"]),
}
SCALARS = {name: name for name in METRICS} | {"dci": "disentanglement"}
MATRICES = {
    "mig": ("information", "mutual_information"),
    "modularity": ("information", "mutual_information"),
    "irs": ("robustness", "robustness"),
    "sap": ("scores", "score"),
    "dci": ("importance", "importance"),
    "factor_vae_score": ("votes", "votes"),
    "beta_vae_score": ("differences", "mean_difference"),
}
every = pytest.mark.parametrize("name", METRICS)


class Encoder(nn.Module):
    """Latents that are functions of x, with log variances."""

    def __init__(self, mu, logvar):
        super().__init__()
        self.mu, self.logvar = mu, logvar

    def forward(self, x):
        mu = self.mu(x)
        return mu, torch.tensor(self.logvar).expand_as(mu)


def model_of(mu, data, logvar=(-8.0, -8.0, -8.0)):
    model = wrap(encoder=Encoder(mu, logvar), decoder=nn.Linear(len(logvar), 4))
    model.spec = data.spec
    model.encode_all(data.first(1))  # how many latents it has
    return model


def measured(name, model, data, seed=0, **params):
    metric, quick = METRICS[name]
    made = metric(metric.Params(**{**quick, **params}), seed=seed)
    with torch.no_grad():
        refuse(made, model, data)
        return made.measure(model, data)


def matrix_of(name, result):
    table, column = MATRICES[name]
    keys = result.tables[table].keys
    shape = [len(dict.fromkeys(keys[key])) for key in ("latent", "factor")]
    return result.tables[table].columns[column].reshape(shape)
