"""Likelihoods of counts: the library size, what the encoder sees, and what they refuse."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from vaehub import Dataset, DataSpec, LikelihoodParams, OnDemand, VaehubError, generator, wrap
from vaehub import likelihood as of_params
from vaehub.core.params import COUNT_LIKELIHOODS

P = 6
COUNTS = DataSpec((P,), in_unit_interval=False, holds_counts=True)


def likelihood(name, spec=COUNTS):
    return of_params(LikelihoodParams(likelihood=name), spec)


def some(n=5, seed=0, dtype=torch.float32):
    """Return outputs of a decoder, and counts of very different totals, some of them 0."""
    random = generator(seed, "some")
    output = torch.randn(n, P, generator=random, dtype=dtype)
    depth = torch.logspace(0, 4, n, dtype=dtype)[:, None]
    return output, torch.poisson(depth * output.softmax(1), generator=random)


def spec_of(x):
    return Dataset(x).spec


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_negative_binomial_is_scipys_at_the_library_size_of_each_observation(dtype):
    output, x = some(dtype=dtype)
    found = likelihood("negative_binomial").to(dtype)
    theta = torch.linspace(0.1, 20, P, dtype=dtype)
    found.log_theta.data = theta.log()
    mean = (x.sum(1, keepdim=True) * output.softmax(1)).double().numpy()
    t = theta.double().numpy()
    expected = -stats.nbinom.logpmf(x.double().numpy(), t, t / (t + mean)).sum(1)
    result = found.reconstruction(output, x)
    assert result.dtype == dtype
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-5 if dtype == torch.float32 else 1e-12)
    assert found.omitted == 0


def test_a_poisson_is_scipys_at_the_library_size_of_each_observation():
    output, x = some()
    mean = (x.sum(1, keepdim=True) * output.softmax(1)).double().numpy()
    expected = -stats.poisson.logpmf(x.double().numpy(), mean).sum(1)
    np.testing.assert_allclose(likelihood("poisson").reconstruction(output, x).numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize(("name", "theirs"), [("negative_binomial", "nb"), ("poisson", "poisson")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_the_reconstruction_loss_of_scvi_tools(oracles, name, theirs, dtype):
    with np.load(oracles / "counts.npz") as known:
        x, expected = torch.from_numpy(known["x"]).to(dtype), known[f"{theirs}_reconstruction"]
        log_scale = torch.from_numpy(known[f"{theirs}_log_scale"]).to(dtype)
        found = likelihood(name, DataSpec((x.shape[1],), False, holds_counts=True)).to(dtype)
        if theirs == "nb":
            found.log_theta.data = torch.from_numpy(known["nb_log_theta"]).to(dtype)
    # They add 1e-8 to means and dispersions; a constant added to all outputs changes no share.
    result = found.reconstruction(log_scale + 3, x).detach().numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-4 if dtype == torch.float32 else 1e-6)


@pytest.mark.parametrize("name", COUNT_LIKELIHOODS)
def test_an_observation_without_counts_costs_nothing_and_spoils_no_gradient(name):
    output, x = some()
    x[2] = 0
    found = likelihood(name)
    output.requires_grad_()
    result = found.reconstruction(output, x)
    assert float(result[2].detach()) == 0
    result.sum().backward()
    assert bool((output.grad[2] == 0).all())
    gradients = [output.grad, *(weight.grad for weight in found.parameters())]
    assert all(bool(each.isfinite().all()) for each in gradients)


@pytest.mark.parametrize("name", COUNT_LIKELIHOODS)
def test_means_are_shares_of_the_median_total_of_the_training_split(name):
    totals = torch.tensor([1.0, 2, 3, 0, 0, 100, 50])
    x = torch.zeros(7, P)
    x[:, 1] = totals
    found = likelihood(name)
    found.prepare(Dataset(x, splits={"train": range(6), "test": range(6, 7)}).split("train"))
    # Of 1, 2, 3 and 100, the lower of the middle ones: observations without counts do not say how deep others are.
    assert float(found.library_size) == 2
    output, _ = some()
    mean = found.mean(output)
    torch.testing.assert_close(mean.sum(1), torch.full((5,), 2.0))
    torch.testing.assert_close(mean / 2, output.softmax(1))


def test_all_observations_without_counts_leave_the_library_size_as_it_was():
    found = likelihood("poisson")
    found.prepare(Dataset(torch.zeros(4, P)))
    assert float(found.library_size) == 1


@pytest.mark.parametrize("name", COUNT_LIKELIHOODS)
def test_observations_compare_with_means_at_the_reference(name):
    found = likelihood(name)
    found.library_size.fill_(10)
    x = torch.tensor([[1.0, 3, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 50, 50, 0, 0]])
    expected = torch.tensor([[2.5, 7.5, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 5, 5, 0, 0]])
    torch.testing.assert_close(found.comparable(x), expected)


@pytest.mark.parametrize("name", COUNT_LIKELIHOODS)
def test_the_encoder_sees_logarithms(name):
    x = torch.tensor([[0.0, 1, 9]])
    torch.testing.assert_close(likelihood(name).encoder_input(x), torch.tensor([[0.0, 2, 10]]).clamp_min(1).log())


@pytest.mark.parametrize("name", ["bernoulli", "squared_error", "gaussian"])
def test_for_other_likelihoods_observations_are_what_they_are(name):
    found, x = likelihood(name, DataSpec((P,), in_unit_interval=True)), torch.rand(3, P, generator=generator(0))
    found.prepare(Dataset(x))
    assert found.encoder_input(x) is x
    assert found.comparable(x) is x
    assert not any("library" in each for each in found.state_dict())


@pytest.mark.parametrize("name", COUNT_LIKELIHOODS)
@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.tensor([[1.0, 2.5]]), "and these are not"),
        (torch.tensor([[1.0, -2.0]]), "and these are not"),
        (torch.tensor([[0.25, 1.0]]), r"are numbers in \[0, 1\]"),
        (torch.rand(2, 1, 4, 4), r"are images in \[0, 1\]"),
        (torch.ones(2, 1, 4, 4), r"are images in \[0, 1\]"),
        (torch.tensor([[0, 200]], dtype=torch.uint8), r"are numbers in \[0, 1\], where bytes stand for steps of 1/255"),
    ],
)
def test_other_data_are_refused(name, x, words):
    with pytest.raises(VaehubError, match=f"'{name}' needs counts.* {words}.*'-s model.likelihood=gaussian'"):
        likelihood(name, spec_of(x))


@pytest.mark.parametrize(
    "x", [torch.tensor([[3, 0], [1, 2]]), torch.tensor([[0.0, 1.0]]), np.array([[70000, 1]], dtype=np.uint32)]
)
def test_whole_numbers_are_counts(x):
    assert spec_of(x).holds_counts
    assert isinstance(likelihood("poisson", spec_of(x)), nn.Module)


def test_data_on_demand_are_not_known_to_be_counts():
    assert not Dataset(OnDemand(2, (3,), lambda rows: torch.ones(len(rows), 3))).spec.holds_counts


def test_parts_of_counts_are_counts_and_the_text_of_a_specification_is_as_before():
    data = Dataset(torch.tensor([[3, 0], [1, 2], [0, 5]]))
    assert data.with_validation(0.3, generator(0)).split("train").spec.holds_counts
    assert "holds_counts" not in str(data.spec)


def test_a_bernoulli_likelihood_of_counts_names_those_for_counts():
    with pytest.raises(VaehubError, match=r"are counts; use '-s model.likelihood=negative_binomial' or 'poisson'"):
        likelihood("bernoulli")


@pytest.mark.parametrize("name", COUNT_LIKELIHOODS)
def test_a_wrapped_decoder_is_not_taken_for_one_of_shares(name):
    with pytest.raises(VaehubError, match=f"cannot take the likelihood '{name}'.*'squared_error'"):
        wrap(encoder=nn.Linear(P, 2), decoder=nn.Linear(2, P), likelihood=name)
