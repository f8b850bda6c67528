"""Every option of a score changes what it is about."""

import numpy as np
import pytest
import torch
from disentanglement_samples import METRICS, every, matrix_of, measured, model_of

from vaehub.plugins.disentanglement.irs import Irs
from vaehub.plugins.disentanglement.kernels import irs

MIXING = torch.tensor([[1.0, 0.4, 0], [0, 1, 0.4], [0.4, 0, 1]])


@pytest.fixture(scope="module")
def mixed(data):
    """Latents of which each says something of two factors."""
    return model_of(lambda x: x[:, :3] @ MIXING, data)


@every
def test_only_the_split_that_is_named_is_scored(name, data, mixed):
    found, alone = (
        measured(name, mixed, data, split="validation"),
        measured(name, mixed, data.split("validation"), split="all"),
    )
    np.testing.assert_array_equal(matrix_of(name, found), matrix_of(name, alone))
    assert found.scalars["n_samples"] == 300
    assert METRICS[name][0].Params().split == "all"
    assert measured(name, mixed, data).scalars["n_samples"] > 300


@pytest.mark.parametrize("asked", [{"quantile": 0.7}, {"bins": 2}, {"n_samples": 200}])
def test_irs_is_that_of_the_kernel_for_its_options(data, mixed, asked):
    n = asked.get("n_samples", 1200)
    rows = torch.arange(1200)
    if n < 1200:
        rows = torch.randperm(1200, generator=Irs(Irs.Params()).generator("rows"))[:n].sort().values
    kernel = {option: value for option, value in asked.items() if option != "n_samples"}
    # The model computes in float32.
    expected = irs((data.x[rows][:, :3] @ MIXING).double(), data.factors.classes[rows][:, :3], **kernel)
    assert measured("irs", mixed, data, **asked).scalars["irs"] == pytest.approx(expected, rel=1e-6)


def test_factors_that_are_numbers_are_correlated_with_latents(data, ideal):
    discrete, continuous = (
        measured("sap", ideal, data, variant=each).scalars["sap"] for each in ("discrete", "continuous")
    )
    assert discrete < 0.6
    assert continuous > 0.98


def test_each_predictor_of_dci_has_its_own_importances(data, mixed):
    few = {"n_train": 150, "n_test": 50, "factors": ("shape", "size")}
    slow, fast = (
        matrix_of("dci", measured("dci", mixed, data, predictor=each, **few))
        for each in ("gradient_boosting", "lightgbm")
    )
    np.testing.assert_allclose(slow.sum(axis=0), 1)
    assert np.abs(slow - fast).max() > 0.01


@pytest.mark.parametrize(("alpha", "latents"), [(0.1, (0, 1)), (0.2, (0, 1, 2))])
def test_alpha_is_how_far_the_variance_of_an_active_latent_is_from_nothing(data, alpha, latents):
    model = model_of(lambda x: x[:, :3], data, logvar=(-8.0, -8.0, -2.0))
    found = measured("mig", model, data, latents="active", alpha=alpha)
    assert tuple(dict.fromkeys(found.tables["information"].keys["latent"])) == latents


def test_as_many_groups_vote_as_are_asked_for(data, mixed):
    votes = measured("factor_vae_score", mixed, data, n_votes=70, n_test_votes=30).tables["votes"].columns
    assert (votes["votes"].sum(), votes["test_votes"].sum()) == (70, 30)


def test_large_groups_tell_which_latent_varies_least(data):
    noise = torch.randn(1200, 3, generator=torch.Generator().manual_seed(0))
    model = model_of(lambda x: x[:, :3] + noise[: len(x)], data)
    small, large = (
        measured("factor_vae_score", model, data, group_size=size).scalars["factor_vae_score"] for size in (2, 64)
    )
    assert large > small + 0.2


def test_the_variance_of_latents_is_taken_over_so_many_observations(data, ideal):
    found = measured("factor_vae_score", ideal, data, n_variance=40).tables["latents"].columns["variance"]
    metric = METRICS["factor_vae_score"][0]
    rows = torch.randperm(1200, generator=metric(metric.Params()).generator("rows"))[:40]
    np.testing.assert_allclose(found, data.x[rows][:, :3].double().var(dim=0), rtol=1e-9)


@pytest.mark.parametrize(("threshold", "n_kept"), [(0, 3), (0.05, 2), (10, 0)])
def test_latents_that_vary_less_than_the_threshold_are_left_out(data, threshold, n_kept):
    model = model_of(lambda x: x[:, :3] * torch.tensor([1, 1, 0.01]), data)
    assert measured("factor_vae_score", model, data, threshold=threshold).scalars["n_kept"] == n_kept


def test_accuracies_are_shares_of_the_groups_that_are_asked_for(data):
    noise = torch.randn(1200, 3, generator=torch.Generator().manual_seed(0))
    model = model_of(lambda x: x[:, :3] + noise[: len(x)], data)
    few = measured("beta_vae_score", model, data, n_train=31, n_test=17, n_pairs=2).scalars
    for name, n in (("train_accuracy", 31), ("beta_vae_score", 17)):
        assert 0 < few[name] < 1
        assert few[name] * n == pytest.approx(round(few[name] * n))
    many = measured("beta_vae_score", model, data, n_pairs=64).scalars
    assert many["beta_vae_score"] > few["beta_vae_score"] + 0.2


def test_regression_that_runs_out_of_steps_says_so(data, mixed):
    assert [measured("beta_vae_score", mixed, data, max_iter=n).scalars["converged"] for n in (1, 1000)] == [0, 1]
