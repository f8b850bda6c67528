"""The double helix: its form, and what each parameter decides."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from vaehub.plugins.datasets.helix.kernels import double_helix
from vaehub.plugins.datasets.helix.params import HelixParams
from vaehub.plugins.datasets.helix.source import Helix


def test_points_are_those_of_the_formula(rng):
    t, strand, noise = rng.uniform(-1, 1, 50), rng.integers(2, size=50), rng.normal(size=(50, 3))
    x = double_helix(t, strand, (2.0, 3.0, 4.0), 1.5, noise)
    turned = np.exp(1j * np.pi * (1.5 * t + strand))
    expected = np.stack([2 * turned.real, 3 * turned.imag, 4 * t], axis=1) + noise
    assert x == pytest.approx(expected, abs=1e-12)


def test_strands_are_half_a_turn_apart(rng):
    t = rng.uniform(-1, 1, 20)
    still = np.zeros((20, 3))
    first, second = (double_helix(t, np.full(20, n), (1.0, 2.0, 3.0), 2.0, still) for n in (0, 1))
    assert second[:, :2] == pytest.approx(-first[:, :2], abs=1e-12)
    assert np.array_equal(second[:, 2], first[:, 2])


def test_the_frequency_is_the_turns_from_end_to_end():
    t = np.linspace(-1, 1, 1001)
    x = double_helix(t, np.zeros(1001), (1.0, 1.0, 1.0), 3.0, np.zeros((1001, 3)))
    angle = np.unwrap(np.arctan2(x[:, 1], x[:, 0]))
    assert (angle[-1] - angle[0]) / (2 * np.pi) == pytest.approx(3)


def test_defaults_are_the_papers():
    data = Helix(HelixParams()).load()
    assert data.spec.shape == (3,)
    assert len(data) == 1024
    assert data.spec.n_classes == 2
    assert not data.spec.in_unit_interval


def test_labels_are_the_strands():
    data = Helix(HelixParams(noise=0)).load()
    t = data.x[:, 2].double()
    angle = torch.pi * (t + data.labels)
    assert data.x[:, 0].numpy() == pytest.approx(torch.cos(angle).numpy(), abs=1e-5)
    assert data.x[:, 1].numpy() == pytest.approx(torch.sin(angle).numpy(), abs=1e-5)


def test_draws_have_the_stated_distributions():
    n = 20_000
    noisy, still = (Helix(HelixParams(n_samples=n, noise=noise)).load() for noise in (0.1, 0))
    t = still.x[:, 2].double()
    # Six standard errors of each estimate.
    assert float(t.mean()) == pytest.approx(0, abs=6 * (1 / 3 / n) ** 0.5)
    assert float(t.var()) == pytest.approx(1 / 3, abs=6 * (4 / 45 / n) ** 0.5)
    assert float(t.abs().max()) <= 1
    assert float(still.labels.double().mean()) == pytest.approx(0.5, abs=6 * 0.5 / n**0.5)
    # The difference to what has no noise is the noise: the same points were drawn.
    noise = (noisy.x - still.x).double()
    assert noise.std(dim=0).tolist() == pytest.approx([0.1] * 3, abs=6 * 0.1 / (2 * n) ** 0.5)
    correlations = torch.corrcoef(torch.cat([noise, t[:, None]], dim=1).T) - torch.eye(4)
    assert float(correlations.abs().max()) < 6 / n**0.5


def test_the_seed_of_the_data_decides_all_draws():
    first, same, other = (Helix(HelixParams(seed=seed)).load() for seed in (3, 3, 4))
    assert torch.equal(first.x, same.x)
    assert torch.equal(first.labels, same.labels)
    assert not torch.equal(first.x[:, 2], other.x[:, 2])
    assert not torch.equal(first.labels, other.labels)


def test_shares_are_split_off():
    data = Helix(HelixParams(split=(0.5, 0.25, 0.25))).load()
    assert {name: len(rows) for name, rows in data.splits.items()} == {"train": 512, "validation": 256, "test": 256}


@pytest.mark.parametrize("wrong", [{"noise": -1}, {"n_samples": 0}, {"amplitude": (1.0, 2.0)}])
def test_parameters_are_bounded(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        HelixParams(**wrong)
