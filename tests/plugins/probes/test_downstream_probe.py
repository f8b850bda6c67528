"""Probes of a model whose answer is known."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from vaehub import (
    DataError,
    Dataset,
    Factors,
    Hub,
    LatentModel,
    ModelParams,
    Network,
    Params,
    Posterior,
    VaehubError,
    WorkFailed,
    generator,
)
from vaehub.hub.refusals import refuse
from vaehub.plugins.probes import downstream_probe
from vaehub.plugins.probes.downstream_probe import DownstreamProbe
from vaehub.plugins.probes.kernels import Probe
from vaehub.plugins.probes.params import DownstreamProbeParams

ALL = ("all", "active", "mixed", "passive", "without_active", "without_mixed", "without_passive")


class Polarised(LatentModel):
    """Three active latents that say the first factor, and two passive ones whose small means say it too."""

    def __init__(self, data, *, logvar=(-6.0, -6, -6, 0, 0), prior_logvar=0.0):
        super().__init__(ModelParams(latent_dim=5), Network(Params(), data.spec, 5, 2), data.spec)
        self.logvar, self.prior_logvar = logvar, prior_logvar

    @property
    def learned_prior_variance(self):
        return torch.full((5,), self.prior_logvar).exp() if self.prior_logvar else None

    def encode(self, batch):
        mu = batch.x[:, [0, 1, 2, 0, 1]] * torch.tensor([1, 1, 1, 0.05, 0.05])
        return Posterior(mu, None if self.logvar is None else torch.tensor(self.logvar).expand_as(mu))

    def decode(self, z):
        return z

    def loss(self, batch, step):
        raise AssertionError("a probe needs no loss")

    def prior_sample(self, n, generator):
        return torch.randn(n, 5, generator=generator)


@pytest.fixture(scope="module")
def data():
    """Nine hundred observations that say which of three classes the first factor has, and nothing of the second."""
    random = generator(0, "data")
    classes = torch.stack([torch.randint(size, (900,), generator=random) for size in (3, 2, 1)], dim=1)
    x = torch.eye(3)[classes[:, 0]] + 0.01 * torch.randn(900, 3, generator=random)
    labels = classes[:, 0].clone()
    factors = Factors(("shape", "noise", "colour"), (3, 2, 1), classes)
    return Dataset(x, labels=labels, factors=factors).with_validation(1 / 3, generator(0, "split"))


@pytest.fixture(scope="module")
def whole(data):
    """All subsets of both representations."""
    return measured(Polarised(data), data)


def measured(model, data, seed=0, **params):
    metric = DownstreamProbe(DownstreamProbeParams(**params), seed)
    refuse(metric, model, data)
    return metric.measure(model, data)


def accuracies(result, factor="shape"):
    table = result.tables["probe"]
    keys = zip(*(table.keys[name] for name in ("representation", "subset", "factor")), strict=True)
    found = dict(zip(keys, table.columns["test_accuracy"], strict=True))
    return {key[:2]: value for key, value in found.items() if key[2] == factor}


def test_passive_latents_tell_by_their_means_and_not_by_samples(whole):
    found = accuracies(whole)
    assert found["mean", "active"] == found["mean", "all"] == 1
    assert found["mean", "passive"] > 0.9
    assert found["sampled", "active"] > 0.95
    assert found["sampled", "passive"] == pytest.approx(1 / 3, abs=4 * np.sqrt(2 / 9 / 300))


def test_each_factor_is_a_task_and_a_constant_one_is_none(data):
    result = measured(Polarised(data), data, subsets=("all",), representations=("mean",))
    table = result.tables["probe"]
    assert table.keys["factor"] == ("shape", "noise")
    np.testing.assert_allclose(table.columns["chance"], [1 / 3, 1 / 2])
    assert table.columns["test_accuracy"][1] == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(300))
    assert table.columns["converged"].tolist() == [1, 1]
    assert (result.scalars["n_train"], result.scalars["n_test"], result.scalars["n_factors"]) == (600, 300, 2)


def test_means_are_over_factors(whole):
    result = whole
    each, means = result.tables["probe"].columns, result.tables["mean"].columns
    np.testing.assert_allclose(means["mean_test_accuracy"], each["test_accuracy"].reshape(-1, 2).mean(1))
    np.testing.assert_allclose(means["min_test_accuracy"], each["test_accuracy"].reshape(-1, 2).min(1))
    np.testing.assert_allclose(means["mean_chance"], 5 / 12)
    assert means["n_latents"].tolist() == [5, 3, 2, 2, 5, 3] * 2


def test_subsets_without_latents_are_left_out_and_counted(data, whole):
    result = whole
    assert "mixed" not in result.tables["mean"].keys["subset"]
    assert [result.scalars[f"n_{name}"] for name in ("active", "mixed", "passive")] == [3, 0, 2]
    nothing = measured(Polarised(data), data, subsets=("mixed",))
    assert not nothing.tables
    assert DownstreamProbe(DownstreamProbeParams()).plot(nothing) is None


def test_types_are_in_units_of_a_learned_prior(data):
    model = Polarised(data, logvar=(-9.0, -9, -9, -3, -3), prior_logvar=-3.0)
    assert measured(model, data, subsets=("all",)).scalars["n_passive"] == 2
    moved = Polarised(data, logvar=(-9.0, -9, -9, -9, -9), prior_logvar=-9.0)
    assert measured(moved, data, subsets=("all",)).scalars["n_passive"] == 0


def test_a_deterministic_model_has_its_means_as_a_whole(data):
    result = measured(Polarised(data, logvar=None), data)
    table = result.tables["mean"]
    assert (table.keys["representation"], table.keys["subset"]) == (("mean",), ("all",))
    assert "n_active" not in result.scalars


@pytest.mark.parametrize("params", [{"subsets": ("active", "passive")}, {"representations": ("sampled",)}])
def test_a_deterministic_model_is_refused_what_it_has_not(data, params):
    with pytest.raises(VaehubError, match="needs posterior variances for types of latents and for samples"):
        measured(Polarised(data, logvar=None), data, **params)


def test_no_more_observations_are_taken_than_asked_for(data):
    result = measured(Polarised(data), data, n_train=200, n_test=50, subsets=("all",))
    assert (result.scalars["n_train"], result.scalars["n_test"]) == (200, 50)


def test_factors_may_be_named_and_labels_too(data):
    result = measured(Polarised(data), data, factors=("label", "noise"), subsets=("all",), representations=("mean",))
    assert result.tables["probe"].keys["factor"] == ("label", "noise")


def test_classifiers_stand_beside_each_other(data):
    asked = {"classifiers": ("logistic", "trees"), "trees": "histogram", "subsets": ("all",), "factors": ("shape",)}
    result = measured(Polarised(data), data, **asked)
    assert result.tables["probe"].keys["classifier"] == ("logistic", "trees") * 2
    panels = DownstreamProbe(DownstreamProbeParams()).plot(result).axes
    assert [axes.get_title() for axes in panels] == ["logistic regression", "gradient-boosted trees"]


def test_the_same_seed_gives_the_same_numbers(data):
    def found(seed):
        return (
            measured(Polarised(data), data, seed, n_train=200, subsets=("all",))
            .tables["probe"]
            .columns["test_accuracy"]
            .tolist()
        )

    assert found(0) == found(0) != found(1)


ONE = {"subsets": ("all",), "representations": ("mean",), "factors": ("shape",)}
"""What is probed once."""


@pytest.mark.parametrize(("alpha", "n_active"), [(0.1, 2), (0.2, 3)])
def test_alpha_is_how_far_the_variance_of_an_active_latent_is_from_nothing(data, alpha, n_active):
    model = Polarised(data, logvar=(-6.0, -6, -2, 0, 0))
    assert measured(model, data, alpha=alpha, **ONE).scalars["n_active"] == n_active


@pytest.mark.parametrize(("split", "n"), [("train", 600), ("all", 900)])
def test_classifiers_learn_from_the_split_that_is_named(data, split, n):
    assert measured(Polarised(data), data, train_split=split, **ONE).scalars["n_train"] == n


def test_classifiers_are_tested_on_the_split_that_is_named(data):
    splits = {**data.splits, "test": data.splits["train"][:70]}
    more = Dataset(data.x, factors=data.factors, splits=splits)
    assert measured(Polarised(more), more, test_split="test", **ONE).scalars["n_test"] == 70


def test_steps_of_logistic_regression_end_at_the_most_asked_for(data):
    found = measured(Polarised(data), data, max_iter=1, **ONE).tables["probe"].columns
    assert found["converged"].tolist() == [0]


def test_folds_and_kinds_of_trees_reach_the_classifiers(data, monkeypatch):
    seen = {}

    def logistic(*_, n_folds, max_iter):
        seen["n_folds"] = n_folds
        return Probe(0.5, 0.5, True)

    def trees(*_, kind, seed):
        seen["kind"] = kind
        return Probe(0.5, 0.5, True)

    monkeypatch.setattr(downstream_probe, "logistic_probe", logistic)
    monkeypatch.setattr(downstream_probe, "trees_probe", trees)
    measured(Polarised(data), data, n_folds=3, trees="histogram", classifiers=("logistic", "trees"), **ONE)
    assert seen == {"n_folds": 3, "kind": "histogram"}


def test_data_without_classes_are_refused():
    plain = Dataset(torch.rand(40, 3)).with_validation(0.2, generator(0))
    with pytest.raises(DataError, match="needs labels or factors, and these data have neither"):
        measured(Polarised(plain), plain)


def test_a_factor_that_is_not_there_is_refused(data):
    with pytest.raises(DataError, match="was asked for the factors 'size', and there is shape, noise, colour, label"):
        measured(Polarised(data), data, factors=("size",))


def test_a_constant_factor_is_refused_if_it_is_named(data):
    with pytest.raises(DataError, match="needs at least two classes, and 'colour' has one in the 600"):
        measured(Polarised(data), data, factors=("colour",))


def test_a_class_in_one_fold_alone_is_refused_for_logistic_regression(data):
    labels = data.labels.clone()
    labels[data.splits["train"][0]] = 3
    rare = Dataset(data.x, labels=labels, splits=data.splits)
    with pytest.raises(DataError, match="every class in more than one of 5 folds, and 'label' has rarer ones among"):
        measured(Polarised(rare), rare)
    measured(Polarised(rare), rare, classifiers=("trees",), trees="histogram", subsets=("all",))


def test_a_missing_split_is_refused(data):
    with pytest.raises(DataError, match="no split 'test'"):
        measured(Polarised(data), data, test_split="test")


def test_a_model_that_gives_nan_fails(data):
    with pytest.raises(WorkFailed, match="NaN or infinite means or variances"):
        measured(Polarised(data, logvar=(float("nan"), 0, 0, 0, 0)), data)


def test_the_plot_has_a_bar_for_each_subset_and_a_dot_for_each_factor(whole):
    result = whole
    [axes] = DownstreamProbe(DownstreamProbeParams()).plot(result).axes
    assert len(axes.patches) == 12
    assert [to_hex(bar.get_facecolor()) for bar in axes.patches] == [to_hex("#0072B2")] * 6 + [to_hex("#E69F00")] * 6
    assert [text.get_text() for text in axes.get_xticklabels()][:2] == ["all", "active"]
    assert [len(each.get_offsets()) for each in axes.collections] == [2] * 12
    assert axes.lines[0].get_ydata()[0] == pytest.approx(5 / 12)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["chance", "mean", "sampled"]


@pytest.mark.slow
def test_digits_are_found_in_what_a_vae_makes_of_them():
    hub = Hub.open("store")
    settings = {"train.epochs": 10, "train.learning_rate": 3e-3, "metric.subsets": ["all"], "model.latent_dim": 8}
    [found] = hub.run("vae", "downstream_probe", settings=settings)
    assert found.result.tables["mean"].columns["mean_test_accuracy"][0] > 0.5
    assert hub.figure(found.id) is not None
