"""Which latents go together, as a metric."""

import math

import numpy as np
import pytest

from vaehub import Result, Table
from vaehub.plugins.polarised.latent_correlation import LatentCorrelation

ALL = {"split": "all"}
QUICK = {"model.latent_dim": 4, "train.epochs": 3}


def column(found, name):
    return found.result.tables["representations"].columns[name].tolist()


def test_matrices_and_counts_of_known_latents(hub, known, data):
    found = hub.measure("latent_correlation", known, data=data, settings=ALL)
    mu = known.network.encoder.module(data.x)[0].double()
    np.testing.assert_allclose(found["correlation_mean"], np.corrcoef(mu.numpy(), rowvar=False), atol=1e-9)
    # Both passive means follow that of latent 1, and both mixed latents each other; samples of passive ones nothing.
    assert found["n_correlated_mean"].tolist() == [2, 2, 1, 0, 2, 0, 1]
    assert found["n_correlated_sampled"].tolist() == [0, 0, 1, 0, 0, 0, 1]
    assert column(found, "n_correlated_pairs") == [4, 1]
    assert column(found, "covariance_trace")[0] == pytest.approx(mu.var(dim=0).sum())
    assert found.result.vectors["type"].labels[:2] == ("passive", "active")


def test_each_pair_is_a_value_once(hub, known, data):
    found = hub.measure("latent_correlation", known, data=data, settings=ALL)
    rows = hub.sql(f"""
        select keys ->> 'representation', (keys ->> 'latent')::int, (keys ->> 'other')::int, value
        from results where measurement = '{found.id}' and name = 'correlation'
    """)
    stored = {(representation, latent, other): value for representation, latent, other, value in rows}
    pairs = {(name, i, j) for name in ("mean", "sampled") for j in range(7) for i in range(j)}
    assert set(stored) == pairs
    for name, i, j in stored:
        np.testing.assert_equal(stored[name, i, j], found[f"correlation_{name}"][i, j])
    assert len(found["pairs"].columns["correlation"]) == len(pairs) == 42


def test_pairs_of_many_latents_are_in_the_arrays_alone(hub, known, data):
    found = hub.measure("latent_correlation", known, data=data, settings={**ALL, "pairs_up_to": 6})
    assert "pairs" not in found.result.tables
    assert found["correlation_mean"].shape == (7, 7)


def test_the_threshold_decides_what_counts(hub, known, data):
    found = hub.measure("latent_correlation", known, data=data, settings={**ALL, "threshold": 0})
    assert found["n_correlated_mean"].tolist() == [6] * 7


def test_its_evolution_over_training_is_that_of_several_epochs(hub):
    hub.run("vae", "latent_correlation", at_epochs=[1, 2], settings=QUICK)
    rows = hub.sql("""
        select (recipe ->> '$.train.params.epochs')::int as epoch, sum(value) / 2 from results
        where name = 'n_correlated_mean' group by epoch order by epoch
    """)
    assert [row[0] for row in rows] == [1, 2, 3]
    assert all(0 <= row[1] <= 6 for row in rows)


def test_a_picture_has_both_matrices_ordered_by_type(hub, known, data):
    figure = hub.figure(hub.measure("latent_correlation", known, data=data, settings=ALL).id)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:2] == ["mean: pairs above 0.2: 4", "sampled: pairs above 0.2: 1"]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1", "3", "5", "2", "6", "0", "4"]
    assert len(figure.axes[0].lines) == 4


@pytest.mark.parametrize("latent_dim", [2, 64])
def test_pictures_of_any_number_of_latents_show_what_is_undefined(latent_dim):
    matrix = np.eye(latent_dim)
    matrix[0] = matrix[:, 0] = math.nan
    columns = {"n_correlated_pairs": [0, 0]}
    result = Result(
        scalars={"n_active": latent_dim, "n_mixed": 0, "n_passive": 0},
        vectors={"type": np.zeros(latent_dim)},
        tables={"representations": Table({"representation": ["mean", "sampled"]}, columns)},
        arrays={"correlation_mean": matrix, "correlation_sampled": matrix},
    )
    figure = LatentCorrelation(LatentCorrelation.Params()).plot(result)
    assert [text.get_text() for text in figure.axes[0].texts] == (["-", "-", "-", "1.0"] if latent_dim == 2 else [])
