"""Every option of what searches measure changes the answer, on a model whose answers are known."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import Dataset, generator, wrap
from vaehub.hub.refusals import refuse
from vaehub.plugins.ard.kernels import latent_relevance
from vaehub.plugins.fondue.information_plane import InformationPlane
from vaehub.plugins.fondue.kernels import renyi_entropy, structure_preservation_index, variances
from vaehub.plugins.fondue.latent_traces import LatentTraces
from vaehub.plugins.fondue.reconstruction_error import ReconstructionError
from vaehub.plugins.fondue.structure_preservation import StructurePreservationIndex


class Encoder(nn.Module):
    """Three latents of falling size, with noise."""

    def forward(self, x):
        mu = x[:, :3] * torch.tensor([2.0, 1.0, 0.5])
        return mu, torch.tensor([math.log(0.01), math.log(0.04), 0.0]).expand_as(mu)


class Decoder(nn.Module):
    """Squares, so that relevance depends on which observations it is averaged over."""

    def forward(self, z):
        return torch.cat([z.square(), z.sum(dim=1, keepdim=True)], dim=1)


@pytest.fixture(scope="module")
def model():
    return wrap(encoder=Encoder(), decoder=Decoder())


@pytest.fixture(scope="module")
def data():
    x = torch.randn(300, 4, generator=generator(0, "x"))
    x[200:] *= 3
    return Dataset(x, splits={"train": range(200), "validation": range(200, 300)})


def measured(metric, model, data, **params):
    asked = metric(metric.Params(**params))
    refuse(asked, model, data)
    return asked.measure(model, data)


METRICS = [LatentTraces, InformationPlane, StructurePreservationIndex]


@pytest.mark.parametrize("metric", METRICS)
def test_observations_are_drawn_from_the_split_as_many_as_are_asked_for(model, data, metric):
    n = {split: measured(metric, model, data, split=split).scalars["n_samples"] for split in ("train", "validation")}
    assert n == {"train": 200, "validation": 100}
    assert measured(metric, model, data, n_samples="all", split="all").scalars["n_samples"] == 300
    few = measured(metric, model, data, n_samples=30)
    assert few.scalars["n_samples"] == len(np.unique(few.arrays["rows"])) == 30


def test_traces_are_of_the_observations_that_were_drawn(model, data):
    few = measured(LatentTraces, model, data, n_samples=30, split="validation")
    x = data.split("validation").x[torch.as_tensor(few.arrays["rows"])]
    expected = variances(x[:, :3] * torch.tensor([2.0, 1.0, 0.5]))
    assert few.vectors["variance_mean"].values == pytest.approx(expected.numpy())


def test_variances_are_rounded_down_to_three_decimals(model, data):
    exact, truncated = (measured(LatentTraces, model, data, truncate=truncate) for truncate in (False, True))
    for name in ("variance_mean", "variance_sampled"):
        assert truncated.vectors[name].values == pytest.approx(np.floor(exact.vectors[name].values * 1000) / 1000)


def test_the_entropy_of_the_input_is_that_of_the_batches_and_of_the_order(model, data):
    x = data.split("train").x
    for more, expected in (
        ({}, renyi_entropy(x)),
        ({"alpha": 1.5}, renyi_entropy(x, 1.5)),
        ({"batch": 100}, np.mean([renyi_entropy(x[:100]), renyi_entropy(x[100:])])),
        ({"compat": True}, math.floor(renyi_entropy(x[:-1]) * 100) / 100),
    ):
        found = measured(InformationPlane, model, data, **more)
        assert found.vectors["entropy"].values[0] == pytest.approx(expected, rel=1e-9)


def test_structure_is_that_of_the_decoded_means_or_of_a_draw(model, data):
    x = data.split("train").x
    mu = x[:, :3] * torch.tensor([2.0, 1.0, 0.5])
    expected = structure_preservation_index(x, Decoder()(mu))
    assert measured(StructurePreservationIndex, model, data).scalars["index"] == pytest.approx(expected, rel=1e-6)
    per_pair = measured(StructurePreservationIndex, model, data, per_pair=True).scalars["index"]
    assert per_pair == pytest.approx(expected / 200, rel=1e-6)
    drawn = measured(StructurePreservationIndex, model, data, z="sampled").scalars["index"]
    assert 1e-3 < abs(drawn / expected - 1) < 0.5


def test_the_error_is_that_of_the_split(model, data):
    for split in ("train", "validation", "all"):
        some = data if split == "all" else data.split(split)
        made = Decoder()(some.x[:, :3] * torch.tensor([2.0, 1.0, 0.5]))
        found = measured(ReconstructionError, model, data, split=split).scalars
        assert found["n_samples"] == len(some)
        assert found["mse"] == pytest.approx(float((made - some.x).square().mean()), rel=1e-5)
    assert measured(ReconstructionError, model, data).scalars["n_samples"] == 100, "validation, if none is asked for"


def test_relevance_is_that_of_so_many_observations_and_of_so_large_a_share(model, data, monkeypatch):
    counts = [
        measured(ReconstructionError, model, data, latents="relevant", explained=explained).scalars["n_relevant"]
        for explained in (0.5, 0.99999, 1)
    ]
    assert counts == [1, 3, 3]
    averaged = []

    def noted(model, data, n, *rest):
        averaged.append(n)
        return latent_relevance(model, data, n, *rest)

    monkeypatch.setattr("vaehub.plugins.fondue.reconstruction_error.latent_relevance", noted)
    measured(ReconstructionError, model, data, latents="relevant", n_jacobian=7)
    assert averaged == [7]
