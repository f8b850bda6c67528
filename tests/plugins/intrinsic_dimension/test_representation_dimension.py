"""The dimension of what a model makes of observations."""

import math

import pytest
import torch
from torch import nn

from vaehub import DataError, Dataset, VaehubError, WorkFailed, generator, wrap
from vaehub.hub.refusals import refuse
from vaehub.plugins.intrinsic_dimension.kernels import anchors, mle, mle_in_runs, nearest, two_nn
from vaehub.plugins.intrinsic_dimension.params import RepresentationParams
from vaehub.plugins.intrinsic_dimension.representation import RepresentationDimension

ALL = {"split": "all"}


class Encoder(nn.Module):
    """Means and log variances that are functions of x."""

    def __init__(self, mu, logvar=-6.0):
        super().__init__()
        self.mu, self.logvar = mu, logvar

    def forward(self, x):
        mu = self.mu(x.flatten(1))
        return mu, torch.full_like(mu, self.logvar)


@pytest.fixture
def data():
    return Dataset(torch.randn(800, 6, generator=generator(0, "x")))


def model_of(mu, n=6, logvar=-6.0):
    return wrap(encoder=Encoder(mu, logvar), decoder=nn.Sequential(nn.Linear(n, 50), nn.ReLU(), nn.Linear(50, 6)))


def copies(x):
    """Six latents on a plane."""
    return torch.stack([x[:, 0], x[:, 1], x[:, 0] + x[:, 1], 2 * x[:, 0], x[:, 1] - x[:, 0], 0 * x[:, 0]], dim=1)


def test_mean_and_sampled_representation_are_told_apart(hub, data):
    found = hub.measure("representation_dimension", model_of(copies, logvar=-2.0), data=data, settings=ALL)
    for name in ("mle", "twonn"):
        vector = found.result.vectors[name]
        assert (vector.index, vector.labels) == ("layer", ("mean", "sampled"))
        assert vector.values[0] == pytest.approx(2, rel=0.15)
        assert vector.values[1] > 3.5
    assert found["mle"][0] == pytest.approx(mle(copies(data.x).double()), rel=1e-5)
    assert found["twonn"][0] == pytest.approx(two_nn(copies(data.x).double()), rel=1e-5)
    assert (found["n_samples"], found["n_collapsed"]) == (800, 0)
    assert found["n_distinct"].tolist() == [800, 800]


def test_any_layers_can_be_asked_for_in_any_order(hub, data):
    names = ["decoder_1", "input", "sampled", "mean", "input"]
    found = hub.measure("representation_dimension", model_of(copies), data=data, settings={**ALL, "of": names})
    assert found.result.vectors["mle"].labels == tuple(names)
    assert found["mle"][1] == found["mle"][4] == pytest.approx(mle(data.x), rel=1e-12)
    assert found["mle"][0] < 4


def test_convolutions_are_flattened(hub):
    settings = {"train.epochs": 1, "metric.of": ["input", "encoder_1", "mean", "decoder_1"], "metric.n_samples": 300}
    found = hub.run("vae", "representation_dimension", dataset="digits", settings=settings)[0]
    assert len(found["mle"]) == 4
    assert (found["mle"] > 1).all()
    assert len(hub.figure(found.id).axes) == 1


def test_a_collapsed_representation_has_no_dimension_and_says_so(hub, data):
    model = model_of(lambda x: torch.full_like(x, 0.3), logvar=0.0)
    found = hub.measure("representation_dimension", model, data=data, settings=ALL)
    assert math.isnan(found["mle"][0])
    assert math.isnan(found["twonn"][0])
    assert found["n_distinct"].tolist() == [1, 800]
    assert found["is_collapsed"].tolist() == [1, 0]
    assert found["n_collapsed"] == 1
    # Noise has all dimensions that there are.
    assert found["mle"][1] == pytest.approx(5.3, abs=0.7)
    assert "collapsed" in [text.get_text() for text in hub.figure(found.id).axes[0].texts]


@pytest.mark.parametrize(
    "mu",
    [
        lambda x: 0.3 + 1e-8 * x,
        lambda x: 0.3 + 1e-7 * x,
        lambda x: 0.3 + 2e-7 * x,
        lambda x: torch.where(x[:, :1] > 0.5, x, 0.0),
        lambda x: x.sign(),
    ],
    ids=["constant", "rounding", "noise", "mostly_one", "corners"],
)
def test_representations_that_tell_few_observations_apart_are_collapsed(hub, data, mu):
    found = hub.measure("representation_dimension", model_of(mu), data=data, settings={**ALL, "of": ["mean"]})
    assert found["is_collapsed"].tolist() == [1]
    assert math.isnan(found["mle"][0])


def test_faint_means_of_which_none_is_far_from_zero_are_measured(hub, data):
    found = hub.measure("representation_dimension", model_of(lambda x: 1e-9 * copies(x)), data=data, settings=ALL)
    assert found["mle"][0] == pytest.approx(2, rel=0.15)


def test_the_seed_decides_the_noise(hub, data):
    once, again, other = (
        hub.measure("representation_dimension", model_of(copies), data=data, seed=seed, settings=ALL, force=True)
        for seed in (0, 0, 1)
    )
    assert once["mle"].tolist() == again["mle"].tolist()
    assert once["mle"][1] != other["mle"][1]


def test_runs_average_over_draws_of_the_share_asked_for(hub, data):
    """Draws are replayed; neighbours stay those among all observations."""
    plain, anchored, several = (
        hub.measure("representation_dimension", model_of(copies), data=data, settings={**ALL, "of": ["input"], **more})
        for more in ({}, {"anchor": 0.25}, {"anchor": 0.25, "runs": 3})
    )
    table = nearest(data.x.double(), 20)
    draws = anchors(800, 0.25, 3, generator(0, "measurement", "anchors"))
    assert [len(rows) for rows in draws] == [200] * 3
    estimates = mle_in_runs(table, 20, draws)
    assert len(set(estimates)) == 3
    assert anchored["mle"][0] == pytest.approx(estimates[0], rel=1e-12)
    assert several["mle"][0] == pytest.approx(estimates.mean(), rel=1e-12)
    assert plain["mle"][0] == pytest.approx(mle(data.x), rel=1e-12)
    assert not {"anchor", "runs"} & RepresentationParams().identity().keys(), "what was measured before keeps its id"


def test_aggregation_and_normaliser_are_those_asked_for(hub, data):
    settings = {**ALL, "aggregation": "mean", "normaliser": "k-2", "k": 10, "of": ["input"]}
    found = hub.measure("representation_dimension", model_of(copies), data=data, settings=settings)
    assert found["mle"][0] == pytest.approx(mle(data.x, 10, "mean", "k-2"), rel=1e-12)


# Options


def measured(data, **params):
    metric = RepresentationDimension(RepresentationDimension.Params(**{"of": ("input",), **params}))
    model = model_of(copies)
    model.meet(data.batch(slice(0, 2)), data.spec)
    refuse(metric, model, data)
    return metric.measure(model, data)


def test_the_split_and_the_number_of_observations_are_those_asked_for(data):
    parted = Dataset(data.x, splits={"train": range(300), "test": range(300, 800)})
    found = {name: measured(parted, split=name) for name in ("train", "test", "all")}
    assert [each.scalars["n_samples"] for each in found.values()] == [300, 500, 800]
    assert found["train"].vectors["mle"].values[0] == pytest.approx(mle(data.x[:300]), rel=1e-12)
    assert found["test"].vectors["mle"].values[0] == pytest.approx(mle(data.x[300:]), rel=1e-12)
    assert measured(parted).scalars == found["train"].scalars
    for n_samples, n in ((100, 100), (10_000, 300), ("all", 300)):
        assert measured(parted, n_samples=n_samples).scalars["n_samples"] == n
        assert measured(parted, n_samples=n_samples).vectors["n_distinct"].values.tolist() == [n]


def test_twonn_discards_the_share_and_has_the_distribution_asked_for(data):
    for discard, cdf in ((0.3, "i/n"), (0.1, "(i-1)/n")):
        found = measured(data, discard=discard, cdf=cdf).vectors["twonn"].values[0]
        assert found == pytest.approx(two_nn(data.x, discard, cdf), rel=1e-12)


def test_more_copies_than_may_be_collapse_a_representation(data):
    doubled = Dataset(torch.cat([data.x[:300], data.x[:100]]))
    found = [measured(doubled, max_duplicates=share).vectors["is_collapsed"].values.tolist() for share in (0.2, 0.3)]
    assert found == [[1], [0]]


def test_the_plot_has_a_line_for_each_estimate_over_the_layers_in_their_order(data):
    found = measured(data, of=("sampled", "input"), n_samples=200)
    [axes] = RepresentationDimension(RepresentationDimension.Params()).plot(found).axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["sampled", "input"]
    assert [line.get_label() for line in axes.lines] == ["maximum likelihood", "TwoNN"]
    assert axes.lines[0].get_ydata().tolist() == found.vectors["mle"].values.tolist()
    assert axes.lines[1].get_ydata().tolist() == found.vectors["twonn"].values.tolist()


# What is refused


def test_an_unknown_layer_is_refused_before_work(data):
    metric = RepresentationDimension(RepresentationDimension.Params(of=("mean", "encoder_9", "mu")))
    model = model_of(copies)
    model.meet(data.batch(slice(0, 2)), data.spec)
    with pytest.raises(VaehubError, match="the model has no layer 'encoder_9', 'mu', it has input, mean, var"):
        refuse(metric, model, data)


def test_too_few_observations_are_refused_before_work(data):
    metric = RepresentationDimension(RepresentationDimension.Params(n_samples=20))
    with pytest.raises(DataError, match="needs at least 21 observations, and got 20: "):
        refuse(metric, model_of(copies), data)


def test_a_model_that_gives_no_numbers_fails_with_the_reason(hub, data):
    model = model_of(lambda x: torch.where(x > 2, float("nan"), x))
    with pytest.raises(WorkFailed, match="NaN or infinite values for .* of 800 observations in the layer 'mean'"):
        hub.measure("representation_dimension", model, data=data, settings=ALL)
