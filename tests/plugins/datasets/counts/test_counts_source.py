"""Simulated counts: their distribution, their factors, and what each parameter decides."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from vaehub import DataError, generator
from vaehub.plugins.datasets.counts.kernels import negative_binomial_counts, program_shares, quantile_classes
from vaehub.plugins.datasets.counts.params import CountsParams
from vaehub.plugins.datasets.counts.source import Counts


def loaded(**more):
    return Counts(CountsParams(**more)).load()


def test_it_holds_counts_of_cells_and_genes():
    data = loaded()
    assert data.spec.shape == (200,)
    assert len(data) == 2000
    assert data.spec.holds_counts
    assert data.spec.n_classes == 4
    assert data.factors.names == ("cell_type", "library_size", *[f"program_{each}" for each in range(5)])
    assert data.factors.sizes == (4,) * 7


def test_shares_are_log_linear_in_activities(rng):
    activity, loadings, baseline = rng.normal(size=(6, 2)), rng.normal(size=(2, 5)), rng.normal(size=5)
    found = program_shares(activity, loadings, baseline)
    assert found.sum(axis=1) == pytest.approx(np.ones(6))
    logs = np.log(found)
    expected = baseline + activity @ loadings
    assert logs - logs[:, :1] == pytest.approx(expected - expected[:, :1])


@pytest.mark.parametrize("theta", [0.5, 20.0])
def test_draws_have_the_mean_and_variance_of_their_distribution(theta):
    n, mean = 200_000, 30.0
    x = negative_binomial_counts(torch.full((n,), mean, dtype=torch.float64), theta, generator(0))
    variance = mean + mean**2 / theta
    assert torch.equal(x, x.floor())
    assert float(x.mean()) == pytest.approx(mean, abs=5 * math.sqrt(variance / n))
    # The excess kurtosis of a negative binomial distribution is 6 / theta + 1 / variance.
    error = variance * math.sqrt((2 + 6 / theta + 1 / variance) / n)
    assert float(x.var()) == pytest.approx(variance, abs=5 * error)


def test_classes_are_of_equal_frequency_and_in_order():
    values = torch.tensor([5.0, 1, 4, 2, 3, 0])
    classes, medians = quantile_classes(values, 3)
    assert classes.tolist() == [2, 0, 2, 1, 1, 0]
    assert medians.tolist() == [0, 2, 4]


def test_library_sizes_are_log_normal():
    n = 20_000
    totals = loaded(n_samples=n, theta=1e6, n_genes=50, library_size=5000, library_spread=0.5).x.double().sum(1).log()
    # Six standard errors; Poisson noise of 5000 counts adds 0.0002 to a variance of 0.25.
    assert float(totals.mean()) == pytest.approx(math.log(5000), abs=6 * 0.5 / math.sqrt(n))
    assert float(totals.var()) == pytest.approx(0.25, abs=0.001 + 6 * 0.25 * math.sqrt(2 / n))


def test_cells_differ_in_as_many_directions_as_there_are_programs():
    # With hardly any noise, log shares less their mean over genes are linear in the activities.
    data = loaded(n_programs=3, library_size=1e7, library_spread=0.0, theta=1e9, n_genes=60, effect=0.3)
    logs = (data.x.double() + 1e-9).log()
    logs = logs - logs.mean(dim=1, keepdim=True)
    spectrum = torch.linalg.svdvals(logs - logs.mean(dim=0))
    assert float(spectrum[2] / spectrum[3]) > 10


def test_the_seed_of_the_data_decides_all_draws():
    first, same, other = (loaded(seed=seed, n_samples=50) for seed in (3, 3, 4))
    assert torch.equal(first.x, same.x)
    assert torch.equal(first.factors.classes, same.factors.classes)
    assert not torch.equal(first.x, other.x)
    assert not torch.equal(first.labels, other.labels)


def test_labels_are_the_first_factor_and_values_say_what_classes_are():
    data = loaded(n_samples=1000)
    assert torch.equal(data.labels, data.factors.classes[:, 0])
    depth, values = data.factors.classes[:, 1], data.factors.values[1]
    medians = [float(data.x[depth == each].sum(1).median()) for each in range(4)]
    assert medians == pytest.approx(values, rel=0.05)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_types", 2),
        ("share", 0.9),
        ("effect", 0.1),
        ("within", 0.2),
        ("library_size", 100.0),
        ("library_spread", 0.0),
        ("theta", 0.1),
    ],
)
def test_every_parameter_changes_the_counts(parameter, value):
    usual = loaded(n_samples=40)
    assert not torch.equal(loaded(n_samples=40, **{parameter: value}).x, usual.x)


def test_cells_of_one_type_are_alike_without_variation_within():
    data = loaded(n_samples=400, within=0.0, theta=1e9, library_size=1e6, library_spread=0.0)
    shares = data.x / data.x.sum(1, keepdim=True)
    for each in range(4):
        of_type = shares[data.labels == each]
        # Poisson noise alone: a share s of a million counts has a standard deviation of sqrt(s) / 1000.
        assert float(((of_type - of_type.mean(0)) / of_type.mean(0).sqrt()).std()) == pytest.approx(1e-3, rel=0.1)


def test_fewer_cells_than_classes_are_refused():
    with pytest.raises(DataError, match=r"'data.n_samples' is 3, and factors are cut into 4 classes"):
        loaded(n_samples=3)


@pytest.mark.parametrize("wrong", [{"n_programs": 0}, {"theta": 0}, {"share": 1.5}, {"library_size": 0}])
def test_parameters_are_bounded(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        CountsParams(**wrong)
