"""Response matrices and the structure score, as metrics."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import DataError, Dataset, Factors, VaehubError, WorkFailed, generator, wrap

ALL = {"split": "all"}
QUICK = {"model.latent_dim": 4, "train.epochs": 3}
CONDITIONED = {"n_groups": 20, "n_interventions": 10}


def table(found, name):
    return found.result.tables[name]


# The latent response matrix


def test_a_perfect_autoencoder_has_the_root_of_two_deviations_on_the_diagonal_and_no_edges(hub, perfect, data):
    found = hub.measure("latent_response_matrix", perfect, data=data, settings={**ALL, "n_samples": 4000})
    # 4000 draws: a relative error of sqrt(1 / 8000), four times; the variances of posteriors are 2e-9.
    assert found["self_response"] == pytest.approx(math.sqrt(2) * np.array([0.5, 1, 2]), rel=0.045)
    assert found["self_response"] == pytest.approx(math.sqrt(2) * found["deviation"], rel=0.045)
    off_diagonal = found["matrix"] - np.diag(found["self_response"])
    assert np.abs(off_diagonal).max() == 0
    assert found["intrinsic_dimension"] == 3
    assert found["n_edges"] == found["n_symmetric_pairs"] == 0
    assert found["n_variables"] == 3
    assert "edges" not in found.result.tables


def test_a_latent_that_collapsed_is_no_dimension(hub, make, data):
    # The decoder ignores the second latent, and the encoder's mean of it is constant.
    kept = torch.diag(torch.tensor([1.0, 0.0, 1.0]))
    found = hub.measure("latent_response_matrix", make(kept, kept, 0.0), data=data, settings=ALL)
    assert (found["matrix"][1] == 0).all()
    assert (found["matrix"][:, 1] == 0).all()
    assert found["is_causal"].tolist() == [1, 0, 1]
    assert found["intrinsic_dimension"] == 2
    assert np.isnan(found["variable"][1])


def test_edges_pairs_and_variables_are_rows_of_the_database(hub, make, data):
    mixing = torch.tensor([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.2, 0.0, 1.0]])
    same = Dataset(torch.randn(1000, 3, generator=generator(0, "x")))
    found = hub.measure("latent_response_matrix", make(mixing, torch.eye(3)), data=same, settings=ALL)
    edges = table(found, "edges")
    assert set(zip(edges.keys["cause"], edges.keys["effect"], strict=True)) == {(0, 1), (1, 0), (2, 0)}
    assert edges.columns["response"] == pytest.approx(
        [found["matrix"][at] for at in zip(edges.keys["cause"], edges.keys["effect"], strict=True)]
    )
    assert table(found, "symmetric_pairs").keys == {"first": (0,), "second": (1,)}
    assert found["variable"].tolist() == [0, 0, 1]
    rows = hub.sql("""
        select (keys ->> '$.cause')::int, (keys ->> '$.effect')::int from results
        where metric = 'latent_response_matrix' and name = 'response' and value > 0.4 order by all
    """)
    assert list(rows) == [(0, 1), (1, 0)]


def rotation(angle=0.7):
    turned = torch.eye(3)
    turned[:2, :2] = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return turned @ torch.linalg.qr(torch.arange(9.0).reshape(3, 3) ** 2 % 7)[0]


@pytest.mark.parametrize(
    "decoder", [torch.eye(3), rotation(), torch.eye(3)[[2, 0, 1]]], ids=["identity", "turned", "permuted"]
)
@pytest.mark.parametrize("more", [{}, {"source": "prior"}, {"use_mean": True}, {"edge_share": 1e-5}])
def test_a_perfect_autoencoder_has_no_edges_in_spite_of_rounding(hub, make, data, decoder, more):
    # Whatever layers lie between: responses are latents, up to rounding.
    scaled = 1000.3 * decoder
    found = hub.measure(
        "latent_response_matrix",
        make(scaled, torch.linalg.inv(scaled)),
        data=Dataset(data.x @ scaled),
        settings={**ALL, **more},
    )
    assert found["n_edges"] == found["n_symmetric_pairs"] == found["n_displaced"] == 0
    assert found["n_variables"] == 3
    assert (found["null_response"] > 0).all()


GRAPHS = {
    "chain": {(0, 1): 0.5, (1, 2): 0.5},
    "collider": {(0, 2): 0.4, (1, 2): 0.4},
    "fork": {(0, 1): 0.4, (0, 2): 0.4},
    "cycle": {(0, 1): 0.5, (1, 2): 0.5, (2, 0): 0.5},
    "weak": {(0, 2): 0.15},
}


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("logvar", [-20.0, -4.0])
def test_known_graphs_are_found_also_through_the_noise_of_an_encoder(hub, make, name, logvar):
    mixing = torch.eye(3)
    for at, weight in GRAPHS[name].items():
        mixing[at] = weight
    data = Dataset(torch.randn(2000, 3, generator=generator(0, "x")))
    found = hub.measure("latent_response_matrix", make(mixing, torch.eye(3), logvar), data=data, settings=ALL)
    edges = found.result.tables["edges"]
    # Deviations of 0.14 in the encoder are a null of 0.2 times a weight, and responses 1.4 times as much.
    assert set(zip(edges.keys["cause"], edges.keys["effect"], strict=True)) == set(GRAPHS[name])
    assert found["n_variables"] == 3
    assert (edges.columns["response_low"] < edges.columns["response"]).all()
    for at, share in zip(
        zip(edges.keys["cause"], edges.keys["effect"], strict=True), edges.columns["share"], strict=True
    ):
        assert share == pytest.approx(found["matrix"][at] / found["reach"][at[1]])


def test_what_the_encoders_noise_does_as_well_is_no_edge(hub, make):
    # Latents hardly differ between observations, and their posteriors are wide: a weight of 0.5 moves as noise does.
    mixing = torch.eye(3)
    mixing[0, 1] = mixing[2, 1] = 0.5
    data = Dataset(0.7 * torch.randn(2000, 3, generator=generator(0, "x")))
    narrow, wide = (
        hub.measure("latent_response_matrix", make(mixing, torch.eye(3), logvar), data=data, settings=ALL)
        for logvar in (-20.0, 0.0)
    )
    assert narrow["n_edges"] == 2
    assert wide["n_edges"] == 0
    # Two latents of weight 0.5 and variance 1, drawn twice.
    assert wide["null_response"][1] == pytest.approx(1, rel=0.35)
    assert wide["edge_threshold"][1] == wide["null_response"][1]
    assert narrow["edge_threshold"] == pytest.approx(0.1 * narrow["reach"])


def test_two_coordinates_of_an_angle_are_one_variable(hub):
    class OntoRing(nn.Module):
        def forward(self, z):
            ring = z[:, :2] / z[:, :2].norm(dim=1, keepdim=True).clamp_min(1e-6)
            return torch.cat([ring, z[:, 2:]], dim=1)

    class Narrow(nn.Module):
        def forward(self, x):
            return x, torch.full_like(x, -20)

    angle = 2 * math.pi * torch.rand(4000, generator=generator(0, "angle"))
    alone = torch.randn(4000, 1, generator=generator(0, "alone"))
    data = Dataset(torch.cat([angle.cos()[:, None], angle.sin()[:, None], alone], dim=1))
    model = wrap(encoder=Narrow(), decoder=OntoRing())
    found = hub.measure("latent_response_matrix", model, data=data, settings=ALL)
    assert found["variable"].tolist() == [0, 0, 1]
    apart = hub.measure("latent_response_matrix", model, data=data, settings={**ALL, "pair_share": 0.3})
    assert apart["n_variables"] == 3
    assert apart["n_symmetric_pairs"] == 1


def test_swapped_latents_are_named_and_kept(hub, make, data, caplog):
    swapped = torch.eye(3)[[1, 0, 2]]
    same = Dataset(torch.randn(1000, 3, generator=generator(0, "x")))
    found = hub.measure("latent_response_matrix", make(swapped, torch.eye(3)), data=same, settings=ALL)
    assert found["is_causal"].tolist() == [0, 0, 1]
    assert found["is_displaced"].tolist() == [1, 1, 0]
    assert found["n_displaced"] == 2
    edges = found.result.tables["edges"]
    assert set(zip(edges.keys["cause"], edges.keys["effect"], strict=True)) == {(0, 1), (1, 0)}
    assert found["n_variables"] == 3
    assert "latents 0, 1 have no response of their own" in caplog.text


def test_thresholds_by_number_and_share(hub, make, data, caplog):
    mixing = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.05, 0.0, 1.0]])
    model = make(mixing, torch.eye(3))
    same = Dataset(torch.randn(1000, 3, generator=generator(0, "x")))

    def edges(**more):
        return hub.measure("latent_response_matrix", model, data=same, settings={**ALL, **more})

    assert [edges(**more)["n_edges"] for more in ({}, {"edge_threshold": 0.01}, {"edge_threshold": 5})] == [1, 2, 0]
    assert [edges(edge_share=share)["n_edges"] for share in (0.01, 0.1, 0.6)] == [2, 1, 0]
    assert not caplog.text
    below = edges(edge_threshold=1e-9)
    assert below["n_below_null"] == 3
    assert "the edge threshold 1e-09 is below the null of latents 0, 1, 2" in caplog.text


def test_an_interval_that_must_hold_more_surely_has_fewer_edges(hub, make):
    mixing = torch.eye(3)
    mixing[0, 1] = 0.16
    data = Dataset(torch.randn(60, 3, generator=generator(0, "x")))
    found = [
        hub.measure("latent_response_matrix", make(mixing, torch.eye(3)), data=data, settings={**ALL, "confidence": c})
        for c in (0.5, 0.9999)
    ]
    assert [each["n_edges"] for each in found] == [1, 0]


def test_pairs_need_as_much_symmetry_as_asked(hub, make):
    mixing = torch.tensor([[1.0, 0.5, 0.0], [0.3, 1.0, 0.0], [0.0, 0.0, 1.0]])
    data = Dataset(torch.randn(2000, 3, generator=generator(0, "x")))
    counts = [
        hub.measure("latent_response_matrix", make(mixing, torch.eye(3)), data=data, settings={**ALL, "symmetry": each})
        for each in (0.2, 0.5)
    ]
    assert [(each["n_symmetric_pairs"], each["n_variables"]) for each in counts] == [(0, 3), (1, 2)]


def test_a_share_of_rounding_is_refused_before_training(hub):
    with pytest.raises(
        VaehubError, match=r"was given the edge share 1e-08, below 1e-05, up to which responses are round"
    ):
        hub.run("vae", "latent_response_matrix", settings={**QUICK, "metric.edge_share": 1e-8})
    assert not hub.store.exists


def test_the_prior_and_means_are_other_sources(shared):
    recipe = shared.recipe("vae", settings=QUICK)
    plain, means, prior = (
        shared.measure("latent_response_matrix", recipe, settings=each)
        for each in ({}, {"use_mean": True}, {"source": "prior", "n_samples": 4000})
    )
    assert (means["deviation"] < plain["deviation"]).all()
    assert prior["deviation"] == pytest.approx(1, abs=0.05)
    assert "rows" not in prior.result.arrays
    assert len(plain["rows"]) == 1024


def test_the_same_seed_gives_the_same_bits_and_another_does_not(shared):
    recipe = shared.recipe("vae", settings=QUICK)
    found = [shared.measure("latent_response_matrix", recipe, seed=seed, force=True)["matrix"] for seed in (0, 0, 1)]
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()


# The conditioned response matrix


def test_a_latent_for_each_factor_scores_one_on_both(hub, make, with_factors):
    turned = torch.eye(3)[[2, 0, 1]]
    model = make(turned.T, turned)
    found = hub.measure("conditioned_response_matrix", model, data=with_factors, settings=CONDITIONED)
    assert (found["matrix"] > 1e-3).astype(int).tolist() == turned.int().tolist()
    for name in ("causal_disentanglement_score", "causal_completeness_score"):
        assert found[name] == pytest.approx(1, abs=1e-3)
        assert found[f"{name}_raw"] == pytest.approx(1, abs=1e-3)
    assert found.result.vectors["factor_response"].labels == ("a", "b", "c")


def test_a_response_is_the_root_of_the_mean_square_over_pairs_of_values(hub, perfect, with_factors):
    settings = {"n_groups": 300, "n_interventions": 60, "use_mean": True}
    found = hub.measure("conditioned_response_matrix", perfect, data=with_factors, settings=settings)
    # Of two values among s, which may be the same, the mean squared difference is twice the variance (s^2 - 1) / 12.
    expected = [math.sqrt((size**2 - 1) / 6) for size in (3, 4, 5)]
    assert found["matrix"].diagonal() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("n_values", [2, 3, 8])
def test_a_latent_that_encodes_a_factor_responds_by_the_root_of_two_deviations_however_few_values(hub, n_values):
    factors = Factors.grid(("few", "many"), (n_values, 40))
    values = torch.linspace(-1, 1, n_values)[factors.classes[:, 0]]
    data = Dataset(torch.stack([values, factors.classes[:, 1] / 39.0], dim=1), factors=factors)
    model = wrap(encoder=Means(), decoder=nn.Identity())
    settings = {"n_groups": 400, "n_interventions": 40, "use_mean": True, "causal_only": False}
    found = hub.measure("conditioned_response_matrix", model, data=data, settings=settings)
    expected = [[math.sqrt(2) * float(values.std(correction=0)), 0], [0, math.sqrt((40**2 - 1) / 6) / 39]]
    np.testing.assert_allclose(found["matrix"], expected, rtol=0.02, atol=1e-7)


class Means(nn.Module):
    """The values as means, and hardly any variance."""

    def forward(self, x):
        return x, torch.full_like(x, -20)


def test_latents_that_every_factor_moves_alike_score_zero(hub, make, with_factors):
    # Each value is a sum of all factors, scaled to move by as much; so is each latent.
    scaled = with_factors.x / torch.tensor([math.sqrt((size**2 - 1) / 6) for size in (3, 4, 5)])
    data = Dataset(scaled @ torch.ones(3, 3), factors=with_factors.factors)
    settings = {"n_groups": 300, "n_interventions": 60, "use_mean": True}
    found = hub.measure("conditioned_response_matrix", make(torch.eye(3), torch.eye(3)), data=data, settings=settings)
    assert found["matrix"] == pytest.approx(1, rel=0.03)
    assert found["causal_disentanglement_score"] == pytest.approx(0, abs=0.03)
    assert found["causal_completeness_score"] == pytest.approx(0, abs=0.03)


def test_latents_that_are_not_causal_are_left_out_of_scores(hub, make, with_factors):
    # The third latent is of no causal size, and would move with the third factor.
    model = make(torch.diag(torch.tensor([1.0, 1, 10])), torch.diag(torch.tensor([1.0, 1, 0.1])))
    found, whole = (
        hub.measure("conditioned_response_matrix", model, data=with_factors, settings={**CONDITIONED, **more})
        for more in ({}, {"causal_only": False})
    )
    assert found["is_kept"].tolist() == [1, 1, 0]
    assert found["n_latents"] == 2
    assert whole["n_latents"] == 3
    assert found["matrix"] == pytest.approx(whole["matrix"])


def test_without_causal_latents_scores_are_undefined(hub, perfect, with_factors):
    settings = {**CONDITIONED, "causal_threshold": 100}
    found = hub.measure("conditioned_response_matrix", perfect, data=with_factors, settings=settings)
    assert found["n_latents"] == 0
    for name in ("causal_disentanglement_score", "causal_completeness_score_raw"):
        assert np.isnan(found[name])
    assert found["matrix"].max() > 1


def test_the_codes_reduction_is_at_most_the_papers(hub, perfect, with_factors):
    papers, codes = (
        hub.measure(
            "conditioned_response_matrix", perfect, data=with_factors, settings={**CONDITIONED, "group_reduction": how}
        )
        for how in ("rms", "mean")
    )
    assert (codes["matrix"].diagonal() < papers["matrix"].diagonal()).all()


def test_some_factors_can_be_asked_for_and_those_of_one_value_are_left_out(hub, perfect, with_factors):
    found = hub.measure(
        "conditioned_response_matrix", perfect, data=with_factors, settings={**CONDITIONED, "factors": ["c", "a"]}
    )
    assert found.result.vectors["factor_response"].labels == ("c", "a")
    held = with_factors.subset((with_factors.factors.classes[:, 1] == 0).nonzero()[:, 0])
    assert hub.measure("conditioned_response_matrix", perfect, data=held, settings=CONDITIONED)["n_factors"] == 2


def test_incomplete_groups_are_taken_when_asked(hub, perfect, with_factors):
    rows = torch.randperm(60, generator=generator(0, "rows"))[:20]
    some = with_factors.subset(rows)
    settings = {**CONDITIONED, "complete": False}
    found = hub.measure("conditioned_response_matrix", perfect, data=some, settings=settings)
    assert found["causal_disentanglement_score"] == pytest.approx(1, abs=1e-3)


# The structure score


def test_a_perfect_autoencoder_responds_as_the_prior_does(hub, perfect, data):
    settings = {**ALL, "n_draws": 300, "n_repeats": 3}
    found = hub.measure("structure_score", perfect, data=data, settings=settings)
    assert found["null_low"] < found["mmd2"] < found["null_high"]
    assert found["p_value"] > 0.01
    assert found["mmd2_of_repeat"].mean() == pytest.approx(found["mmd2"])
    assert found["structure_score"] == pytest.approx(math.sqrt(max(found["mmd2"], 0)))


def test_responses_that_shrink_are_told_from_the_prior(hub, make, data):
    model = make(0.5 * torch.eye(3), torch.eye(3))
    found = hub.measure("structure_score", model, data=data, settings={**ALL, "n_draws": 300, "n_repeats": 3})
    assert found["mmd2"] > found["null_high"]
    assert found["p_value"] == pytest.approx(1 / 201)
    gaussian = hub.measure(
        "structure_score", model, data=data, settings={**ALL, "n_draws": 300, "n_repeats": 3, "kernel": "rbf"}
    )
    assert gaussian["p_value"] == pytest.approx(1 / 201)


def test_a_latent_that_collapsed_lowers_the_score_of_draws_and_raises_that_of_means(hub, make, data):
    # q(z|x) of the collapsed latents is the prior.
    class Collapsed(nn.Module):
        def forward(self, x):
            mu = x * torch.tensor([1.0, 0.0, 0.0])
            return mu, torch.tensor([-20.0, 0.0, 0.0]).expand_as(mu)

    model = wrap(encoder=Collapsed(), decoder=nn.Identity())
    sampled, mean = (
        hub.measure(
            "structure_score", model, data=data, settings={**ALL, "n_draws": 300, "n_repeats": 3, "response": how}
        )
        for how in ("sampled", "mean")
    )
    assert sampled["mmd2"] < sampled["null_high"]
    assert mean["mmd2"] > 0.3
    # Of the causal latents, of which the collapsed ones are none, both are alike.
    assert sampled["n_causal"] == mean["n_causal"] == 1
    assert mean["causal_mmd2"] < 0.01


def test_without_causal_latents_that_score_is_undefined(hub, perfect, data):
    found = hub.measure("structure_score", perfect, data=data, settings={**ALL, "n_draws": 50, "causal_threshold": 100})
    for name in ("causal_mmd2", "causal_structure_score", "causal_p_value"):
        assert np.isnan(found[name])
    assert np.isfinite(found["structure_score"])
    assert "there are none" in hub.figure(found.id).axes[1].get_title()


def test_without_exchanges_there_is_no_interval(hub, perfect, data):
    settings = {**ALL, "n_draws": 50, "n_permutations": 0, "n_repeats": 1}
    found = hub.measure("structure_score", perfect, data=data, settings=settings)
    assert "p_value" not in found.result.scalars
    assert np.isnan(found["mmd2_deviation"])
    assert not hub.figure(found.id).axes[0].patches


# What is refused


@pytest.mark.parametrize("metric", ["latent_response_matrix", "structure_score", "response_field", "latent_path"])
def test_models_that_cannot_respond_are_refused_before_training(hub, metric):
    with pytest.raises(VaehubError, match=rf"metric '{metric}' needs a model with a decoder"):
        hub.run("classifier", metric, settings=QUICK)
    with pytest.raises(VaehubError, match="of which no factors or labels are known, and this model cannot"):
        hub.run("ivae", metric, settings={**QUICK, "metric.split": "all"})
    assert not hub.store.exists


@pytest.mark.parametrize(
    ("metric", "more", "remedy"),
    [
        ("structure_score", {}, "'vae' has one"),
        ("latent_response_matrix", {"source": "prior"}, "'-s metric.source=posterior' needs none"),
        ("response_field", {"source": "prior"}, "'-s metric.source=posterior' needs none"),
    ],
)
def test_models_without_a_prior_are_refused_where_one_is_drawn_from(hub, perfect, data, metric, more, remedy):
    def without(n, random):
        raise VaehubError("model 'mine' has no prior")

    perfect.prior_sample = without
    with pytest.raises(VaehubError, match=f"'{metric}' draws from the prior: model 'mine' has no prior; {remedy}"):
        hub.measure(metric, perfect, data=data, settings={**ALL, **more})


def test_a_bandwidth_is_for_its_kernel(hub):
    with pytest.raises(VaehubError, match="was given a bandwidth, and the kernel 'imq' has none"):
        hub.run("vae", "structure_score", settings={**QUICK, "metric.bandwidth": 2})


def test_one_observation_is_refused(hub, perfect, data):
    apart = Dataset(data.x, splits={"train": range(1, 4000), "test": range(1)})
    with pytest.raises(DataError, match="needs at least 2 observations, and got 1: the split 'test' has 1"):
        hub.measure("latent_response_matrix", perfect, data=apart, settings={"split": "test"})


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


def test_what_is_not_a_number_is_a_failure_with_its_reason(hub, data):
    class Broken(nn.Module):
        def forward(self, x):
            return x / (x.abs().max() < 6), torch.zeros_like(x)

    model = wrap(encoder=Broken(), decoder=nn.Linear(3, 3))
    with pytest.raises(WorkFailed, match="gives NaN or infinite"):
        hub.measure("latent_response_matrix", model, data=data, settings=ALL)


# Plots


def test_a_plot_has_the_matrix_beside_the_graph(hub, make, data):
    mixing = torch.tensor([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0]])
    found = hub.measure("latent_response_matrix", make(mixing, torch.eye(3)), data=data, settings=ALL)
    figure = hub.figure(found.id)
    assert figure.axes[0].get_title() == "2 of 3 latents are causal (bold)"
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), found["matrix"])
    weights = [label.get_fontweight() for label in figure.axes[0].get_xticklabels()]
    assert weights == ["bold", "bold", "normal"]
    graph = figure.axes[1]
    assert [text.get_text() for text in graph.texts] == ["0", "1", "2"]
    assert graph.get_title().startswith("2 edges above thresholds of 0.")


def test_a_plot_without_causal_latents_says_so(hub, perfect, data):
    found = hub.measure("latent_response_matrix", perfect, data=data, settings={**ALL, "causal_threshold": 100})
    assert hub.figure(found.id).axes[1].get_title() == "no two latents are causal"


def test_a_plot_of_conditioned_responses_names_factors(hub, perfect, with_factors):
    found = hub.measure("conditioned_response_matrix", perfect, data=with_factors, settings=CONDITIONED)
    axes = hub.figure(found.id).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert axes.get_title() == "causal disentanglement 1.00, completeness 1.00"
    np.testing.assert_allclose(axes.images[0].get_array(), found["matrix"])


def test_groups_of_many_factors_are_told_apart(hub, rng):
    # More combinations than a number of 64 bits can count.
    names = tuple(f"f{at}" for at in range(80))
    classes = torch.as_tensor(rng.integers(0, 2, size=(200, 80)))
    flipped = classes.clone()
    flipped[:, 0] = 1 - flipped[:, 0]
    both = torch.cat([classes, flipped])
    data = Dataset(2 * both.float() - 1, factors=Factors(names, (2,) * 80, both))
    model = wrap(encoder=nn.Linear(80, 2), decoder=nn.Linear(2, 80))
    settings = {**CONDITIONED, "factors": ["f0"], "causal_only": False}
    assert hub.measure("conditioned_response_matrix", model, data=data, settings=settings)["n_factors"] == 1
    with pytest.raises(DataError, match=r"different values of 'f1' .* there are at most 1"):
        hub.measure("conditioned_response_matrix", model, data=data, settings={**settings, "factors": ["f1"]})
