"""Which latents act on which, as a metric."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import DataError, Dataset, VaehubError, WorkFailed, generator, wrap

ALL = {"split": "all"}
QUICK = {"model.latent_dim": 4, "train.epochs": 3}


def table(found, name):
    return found.result.tables[name]


def test_a_perfect_autoencoder_has_the_root_of_two_deviations_on_the_diagonal_and_no_edges(shared, perfect, data):
    found = shared.measure("latent_response_matrix", perfect, data=data, settings={**ALL, "n_samples": 4000})
    # 4000 draws: a relative error of sqrt(1 / 8000), four times; the variances of posteriors are 2e-9.
    assert found["self_response"] == pytest.approx(math.sqrt(2) * np.array([0.5, 1, 2]), rel=0.045)
    assert found["self_response"] == pytest.approx(math.sqrt(2) * found["deviation"], rel=0.045)
    off_diagonal = found["matrix"] - np.diag(found["self_response"])
    assert np.abs(off_diagonal).max() == 0
    assert found["intrinsic_dimension"] == 3
    assert found["n_edges"] == found["n_symmetric_pairs"] == 0
    assert found["n_variables"] == 3
    assert "edges" not in found.result.tables


def test_a_latent_that_collapsed_is_no_dimension(shared, make, data):
    # The decoder ignores the second latent, and the encoder's mean of it is constant.
    kept = torch.diag(torch.tensor([1.0, 0.0, 1.0]))
    found = shared.measure("latent_response_matrix", make(kept, kept, 0.0), data=data, settings=ALL)
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
def test_a_perfect_autoencoder_has_no_edges_in_spite_of_rounding(shared, make, data, decoder, more):
    # Whatever layers lie between: responses are latents, up to rounding.
    scaled = 1000.3 * decoder
    found = shared.measure(
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
def test_known_graphs_are_found_also_through_the_noise_of_an_encoder(shared, make, name, logvar):
    mixing = torch.eye(3)
    for at, weight in GRAPHS[name].items():
        mixing[at] = weight
    data = Dataset(torch.randn(2000, 3, generator=generator(0, "x")))
    found = shared.measure("latent_response_matrix", make(mixing, torch.eye(3), logvar), data=data, settings=ALL)
    edges = found.result.tables["edges"]
    # Deviations of 0.14 in the encoder are a null of 0.2 times a weight, and responses 1.4 times as much.
    assert set(zip(edges.keys["cause"], edges.keys["effect"], strict=True)) == set(GRAPHS[name])
    assert found["n_variables"] == 3
    assert (edges.columns["response_low"] < edges.columns["response"]).all()
    for at, share in zip(
        zip(edges.keys["cause"], edges.keys["effect"], strict=True), edges.columns["share"], strict=True
    ):
        assert share == pytest.approx(found["matrix"][at] / found["reach"][at[1]])


def test_what_the_encoders_noise_does_as_well_is_no_edge(shared, make):
    # Latents hardly differ between observations, and their posteriors are wide: a weight of 0.5 moves as noise does.
    mixing = torch.eye(3)
    mixing[0, 1] = mixing[2, 1] = 0.5
    data = Dataset(0.7 * torch.randn(2000, 3, generator=generator(0, "x")))
    narrow, wide = (
        shared.measure("latent_response_matrix", make(mixing, torch.eye(3), logvar), data=data, settings=ALL)
        for logvar in (-20.0, 0.0)
    )
    assert narrow["n_edges"] == 2
    assert wide["n_edges"] == 0
    # Two latents of weight 0.5 and variance 1, drawn twice.
    assert wide["null_response"][1] == pytest.approx(1, rel=0.35)
    assert wide["edge_threshold"][1] == wide["null_response"][1]
    assert narrow["edge_threshold"] == pytest.approx(0.1 * narrow["reach"])


def test_two_coordinates_of_an_angle_are_one_variable(shared):
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
    found = shared.measure("latent_response_matrix", model, data=data, settings=ALL)
    assert found["variable"].tolist() == [0, 0, 1]
    apart = shared.measure("latent_response_matrix", model, data=data, settings={**ALL, "pair_share": 0.3})
    assert apart["n_variables"] == 3
    assert apart["n_symmetric_pairs"] == 1


def test_swapped_latents_are_named_and_kept(shared, make, data, caplog):
    swapped = torch.eye(3)[[1, 0, 2]]
    same = Dataset(torch.randn(1000, 3, generator=generator(0, "x")))
    found = shared.measure("latent_response_matrix", make(swapped, torch.eye(3)), data=same, settings=ALL)
    assert found["is_causal"].tolist() == [0, 0, 1]
    assert found["is_displaced"].tolist() == [1, 1, 0]
    assert found["n_displaced"] == 2
    edges = found.result.tables["edges"]
    assert set(zip(edges.keys["cause"], edges.keys["effect"], strict=True)) == {(0, 1), (1, 0)}
    assert found["n_variables"] == 3
    assert "latents 0, 1 have no response of their own" in caplog.text


def test_thresholds_by_number_and_share(shared, make, data, caplog):
    mixing = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.05, 0.0, 1.0]])
    model = make(mixing, torch.eye(3))
    same = Dataset(torch.randn(1000, 3, generator=generator(0, "x")))

    def edges(**more):
        return shared.measure("latent_response_matrix", model, data=same, settings={**ALL, **more})

    assert [edges(**more)["n_edges"] for more in ({}, {"edge_threshold": 0.01}, {"edge_threshold": 5})] == [1, 2, 0]
    assert [edges(edge_share=share)["n_edges"] for share in (0.01, 0.1, 0.6)] == [2, 1, 0]
    assert not caplog.text
    below = edges(edge_threshold=1e-9)
    assert below["n_below_null"] == 3
    assert "the edge threshold 1e-09 is below the null of latents 0, 1, 2" in caplog.text


def test_an_interval_that_must_hold_more_surely_has_fewer_edges(shared, make):
    mixing = torch.eye(3)
    mixing[0, 1] = 0.16
    data = Dataset(torch.randn(60, 3, generator=generator(0, "x")))
    found = [
        shared.measure(
            "latent_response_matrix", make(mixing, torch.eye(3)), data=data, settings={**ALL, "confidence": c}
        )
        for c in (0.5, 0.9999)
    ]
    assert [each["n_edges"] for each in found] == [1, 0]


def test_pairs_need_as_much_symmetry_as_asked(shared, make):
    mixing = torch.tensor([[1.0, 0.5, 0.0], [0.3, 1.0, 0.0], [0.0, 0.0, 1.0]])
    data = Dataset(torch.randn(2000, 3, generator=generator(0, "x")))
    counts = [
        shared.measure(
            "latent_response_matrix", make(mixing, torch.eye(3)), data=data, settings={**ALL, "symmetry": each}
        )
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


def test_one_observation_is_refused(hub, perfect, data):
    apart = Dataset(data.x, splits={"train": range(1, 4000), "test": range(1)})
    with pytest.raises(DataError, match="needs at least 2 observations, and got 1: the split 'test' has 1"):
        hub.measure("latent_response_matrix", perfect, data=apart, settings={"split": "test"})


def test_what_is_not_a_number_is_a_failure_with_its_reason(hub, data):
    class Broken(nn.Module):
        def forward(self, x):
            return x / (x.abs().max() < 6), torch.zeros_like(x)

    model = wrap(encoder=Broken(), decoder=nn.Linear(3, 3))
    with pytest.raises(WorkFailed, match="gives NaN or infinite"):
        hub.measure("latent_response_matrix", model, data=data, settings=ALL)


def test_a_plot_has_the_matrix_beside_the_graph(shared, make, data):
    mixing = torch.tensor([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0]])
    found = shared.measure("latent_response_matrix", make(mixing, torch.eye(3)), data=data, settings=ALL)
    figure = shared.figure(found.id)
    assert figure.axes[0].get_title() == "2 of 3 latents are causal (bold)"
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), found["matrix"])
    weights = [label.get_fontweight() for label in figure.axes[0].get_xticklabels()]
    assert weights == ["bold", "bold", "normal"]
    graph = figure.axes[1]
    assert [text.get_text() for text in graph.texts] == ["0", "1", "2"]
    assert graph.get_title().startswith("2 edges above thresholds of 0.")


def test_a_plot_without_causal_latents_says_so(shared, perfect, data):
    found = shared.measure("latent_response_matrix", perfect, data=data, settings={**ALL, "causal_threshold": 100})
    assert shared.figure(found.id).axes[1].get_title() == "no two latents are causal"
