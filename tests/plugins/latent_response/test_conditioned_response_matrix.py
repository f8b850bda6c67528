"""Which factors move which latents, as a metric."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import DataError, Dataset, Factors, generator, wrap

QUICK = {"model.latent_dim": 4, "train.epochs": 3}
CONDITIONED = {"n_groups": 20, "n_interventions": 10}


def test_a_latent_for_each_factor_scores_one_on_both(shared, make, with_factors):
    turned = torch.eye(3)[[2, 0, 1]]
    model = make(turned.T, turned)
    found = shared.measure("conditioned_response_matrix", model, data=with_factors, settings=CONDITIONED)
    assert (found["matrix"] > 1e-3).astype(int).tolist() == turned.int().tolist()
    for name in ("causal_disentanglement_score", "causal_completeness_score"):
        assert found[name] == pytest.approx(1, abs=1e-3)
        assert found[f"{name}_raw"] == pytest.approx(1, abs=1e-3)
    assert found.result.vectors["factor_response"].labels == ("a", "b", "c")


def test_a_response_is_the_root_of_the_mean_square_over_pairs_of_values(shared, perfect, with_factors):
    settings = {"n_groups": 300, "n_interventions": 60, "use_mean": True}
    found = shared.measure("conditioned_response_matrix", perfect, data=with_factors, settings=settings)
    # Of two values among s, which may be the same, the mean squared difference is twice the variance (s^2 - 1) / 12.
    expected = [math.sqrt((size**2 - 1) / 6) for size in (3, 4, 5)]
    assert found["matrix"].diagonal() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("n_values", [2, 3, 8])
def test_a_latent_that_encodes_a_factor_responds_by_the_root_of_two_deviations_however_few_values(shared, n_values):
    factors = Factors.grid(("few", "many"), (n_values, 40))
    values = torch.linspace(-1, 1, n_values)[factors.classes[:, 0]]
    data = Dataset(torch.stack([values, factors.classes[:, 1] / 39.0], dim=1), factors=factors)
    model = wrap(encoder=Means(), decoder=nn.Identity())
    settings = {"n_groups": 400, "n_interventions": 40, "use_mean": True, "causal_only": False}
    found = shared.measure("conditioned_response_matrix", model, data=data, settings=settings)
    expected = [[math.sqrt(2) * float(values.std(correction=0)), 0], [0, math.sqrt((40**2 - 1) / 6) / 39]]
    np.testing.assert_allclose(found["matrix"], expected, rtol=0.02, atol=1e-7)


class Means(nn.Module):
    """The values as means, and hardly any variance."""

    def forward(self, x):
        return x, torch.full_like(x, -20)


def test_latents_that_every_factor_moves_alike_score_zero(shared, make, with_factors):
    # Each value is a sum of all factors, scaled to move by as much; so is each latent.
    scaled = with_factors.x / torch.tensor([math.sqrt((size**2 - 1) / 6) for size in (3, 4, 5)])
    data = Dataset(scaled @ torch.ones(3, 3), factors=with_factors.factors)
    settings = {"n_groups": 300, "n_interventions": 60, "use_mean": True}
    found = shared.measure(
        "conditioned_response_matrix", make(torch.eye(3), torch.eye(3)), data=data, settings=settings
    )
    assert found["matrix"] == pytest.approx(1, rel=0.03)
    assert found["causal_disentanglement_score"] == pytest.approx(0, abs=0.03)
    assert found["causal_completeness_score"] == pytest.approx(0, abs=0.03)


def test_latents_that_are_not_causal_are_left_out_of_scores(shared, make, with_factors):
    # The third latent is of no causal size, and would move with the third factor.
    model = make(torch.diag(torch.tensor([1.0, 1, 10])), torch.diag(torch.tensor([1.0, 1, 0.1])))
    found, whole = (
        shared.measure("conditioned_response_matrix", model, data=with_factors, settings={**CONDITIONED, **more})
        for more in ({}, {"causal_only": False})
    )
    assert found["is_kept"].tolist() == [1, 1, 0]
    assert found["n_latents"] == 2
    assert whole["n_latents"] == 3
    assert found["matrix"] == pytest.approx(whole["matrix"])


def test_without_causal_latents_scores_are_undefined(shared, perfect, with_factors):
    settings = {**CONDITIONED, "causal_threshold": 100}
    found = shared.measure("conditioned_response_matrix", perfect, data=with_factors, settings=settings)
    assert found["n_latents"] == 0
    for name in ("causal_disentanglement_score", "causal_completeness_score_raw"):
        assert np.isnan(found[name])
    assert found["matrix"].max() > 1


def test_the_codes_reduction_is_at_most_the_papers(shared, perfect, with_factors):
    papers, codes = (
        shared.measure(
            "conditioned_response_matrix", perfect, data=with_factors, settings={**CONDITIONED, "group_reduction": how}
        )
        for how in ("rms", "mean")
    )
    assert (codes["matrix"].diagonal() < papers["matrix"].diagonal()).all()


def test_some_factors_can_be_asked_for_and_those_of_one_value_are_left_out(shared, perfect, with_factors, caplog):
    found = shared.measure(
        "conditioned_response_matrix", perfect, data=with_factors, settings={**CONDITIONED, "factors": ["c", "a"]}
    )
    assert found.result.vectors["factor_response"].labels == ("c", "a")
    assert not caplog.text
    held = with_factors.subset((with_factors.factors.classes[:, 1] == 0).nonzero()[:, 0])
    assert shared.measure("conditioned_response_matrix", perfect, data=held, settings=CONDITIONED)["n_factors"] == 2
    assert "nothing can respond to 'b', without a second value in the split 'all'; left out" in caplog.text


def test_incomplete_groups_are_taken_when_asked(shared, perfect, with_factors):
    rows = torch.randperm(60, generator=generator(0, "rows"))[:20]
    some = with_factors.subset(rows)
    settings = {**CONDITIONED, "complete": False}
    found = shared.measure("conditioned_response_matrix", perfect, data=some, settings=settings)
    assert found["causal_disentanglement_score"] == pytest.approx(1, abs=1e-3)


def test_groups_of_many_factors_are_told_apart(shared, rng):
    # More combinations than a number of 64 bits can count.
    names = tuple(f"f{at}" for at in range(80))
    classes = torch.as_tensor(rng.integers(0, 2, size=(200, 80)))
    flipped = classes.clone()
    flipped[:, 0] = 1 - flipped[:, 0]
    both = torch.cat([classes, flipped])
    data = Dataset(2 * both.float() - 1, factors=Factors(names, (2,) * 80, both))
    model = wrap(encoder=nn.Linear(80, 2), decoder=nn.Linear(2, 80))
    settings = {**CONDITIONED, "factors": ["f0"], "causal_only": False}
    assert shared.measure("conditioned_response_matrix", model, data=data, settings=settings)["n_factors"] == 1
    with pytest.raises(DataError, match=r"different values of 'f1' .* there are at most 1"):
        shared.measure("conditioned_response_matrix", model, data=data, settings={**settings, "factors": ["f1"]})


def test_data_without_factors_are_refused(hub):
    with pytest.raises(DataError, match="needs data with known factors of variation, and these have none"):
        hub.run("vae", "conditioned_response_matrix", settings=QUICK)
    assert not hub.store.exists


def test_factors_that_there_are_not_or_that_do_not_vary_are_refused(hub, perfect, with_factors):
    held = with_factors.subset((with_factors.factors.classes[:, 1] == 0).nonzero()[:, 0])
    with pytest.raises(DataError, match="there is no factor 'd' in this data, there is a, b, c"):
        hub.measure("conditioned_response_matrix", perfect, data=held, settings={"factors": ["d"]})
    with pytest.raises(DataError, match=r"factor 'b', which has one value in the split 'all', .*; leave it out"):
        hub.measure("conditioned_response_matrix", perfect, data=held, settings={"factors": ["b"]})
    alone = held.subset(((held.factors.classes[:, [0, 2]] == 0).all(dim=1)).nonzero().repeat(2, 1)[:, 0])
    with pytest.raises(DataError, match="needs a factor that takes at least two values, and the split 'all' has none"):
        hub.measure("conditioned_response_matrix", perfect, data=alone, settings={})


def test_too_few_observations_that_share_the_other_factors_are_counted_and_refused(hub, perfect, with_factors):
    rows = [row for row in range(60) if row not in (0, 25)]
    most = with_factors.subset(torch.tensor(rows))
    # Of the lines of c, all but two are complete.
    hub.measure("conditioned_response_matrix", perfect, data=most, settings={**CONDITIONED, "factors": ["c"]})
    every_other = with_factors.subset(torch.arange(0, 60, 2))
    message = (
        r"needs 5 observations with different values of 'c' that share all other factors, and in the split 'all' there "
        r"are at most 3; '-s metric.complete=false' takes groups of two"
    )
    with pytest.raises(DataError, match=message):
        hub.measure("conditioned_response_matrix", perfect, data=every_other, settings={"factors": ["c"]})
    diagonal = with_factors.subset(torch.tensor([0, 26]))
    with pytest.raises(DataError, match=r"needs 2 observations .* there are at most 1; the whole data"):
        hub.measure("conditioned_response_matrix", perfect, data=diagonal, settings={"complete": False})


def test_a_plot_of_conditioned_responses_names_factors(shared, perfect, with_factors):
    found = shared.measure("conditioned_response_matrix", perfect, data=with_factors, settings=CONDITIONED)
    axes = shared.figure(found.id).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert axes.get_title() == "causal disentanglement 1.00, completeness 1.00"
    np.testing.assert_allclose(axes.images[0].get_array(), found["matrix"])
