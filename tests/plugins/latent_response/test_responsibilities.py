"""Matrices of responsibilities beside each other, from the rows of a query."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from vaehub import VaehubError
from vaehub.plugins.latent_response.kernels import rank_agreement
from vaehub.plugins.latent_response.responsibilities import Responsibilities

FACTORS = ["shape", "size"]


def rows_of(*panels, **more):
    """Return the columns of a query of named matrices of two factors."""
    cells = [
        (name, factor, float(latent), value)
        for name, matrix in panels
        for factor, row in zip(FACTORS, matrix, strict=True)
        for latent, value in enumerate(row)
    ]
    names, factors, latents, values = zip(*cells, strict=True)
    return {
        "panel": np.array(names, dtype=object),
        "factor": np.array(factors, dtype=object),
        "latent": np.array(latents),
        "value": np.array(values),
        **{name: np.array(column) for name, column in more.items()},
    }


def measured(rows, **params):
    metric = Responsibilities(Responsibilities.Params(**params))
    metric.check(rows)
    return metric, metric.measure(rows)


IMPORTANCE = [[0.9, 0.1, 0.0], [0.0, 0.2, 0.8]]
RESPONSE = [[1.3, 0.4, 0.1], [0.1, 0.5, 1.2]]
BOTH = rows_of(("dci", IMPORTANCE), ("response", RESPONSE))


# The kernel

matrices = arrays(np.float64, (4, 3), elements=st.floats(-100, 100))


@given(matrices, matrices)
def test_agreement_is_the_rank_correlation_of_scipy(first, second):
    found = rank_agreement(first, second)
    assert found.n_shared == 12
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert math.isnan(found.spearman_rho)
    else:
        assert found.spearman_rho == pytest.approx(spearmanr(first.ravel(), second.ravel()).statistic, abs=1e-12)


def test_agreement_knows_no_scale(rng):
    first = rng.random((5, 4))
    assert rank_agreement(first, np.exp(3 * first)).spearman_rho == pytest.approx(1, abs=1e-12)
    assert rank_agreement(first, -first).spearman_rho == pytest.approx(-1, abs=1e-12)


def test_cells_that_one_side_has_not_are_left_out(rng):
    first, second = rng.random((2, 5, 4))
    first[0], second[:, 1] = np.nan, np.inf
    shared = np.isfinite(first) & np.isfinite(second)
    found = rank_agreement(torch.from_numpy(first), torch.from_numpy(second))
    assert found.n_shared == shared.sum() == 12
    assert found.spearman_rho == pytest.approx(spearmanr(first[shared], second[shared]).statistic)


def test_agreement_of_two_cells_or_of_a_constant_is_undefined():
    assert math.isnan(rank_agreement(np.array([1.0, 2.0]), np.array([1.0, 2.0])).spearman_rho)
    assert math.isnan(rank_agreement(np.zeros(5), np.arange(5.0)).spearman_rho)
    assert rank_agreement(np.full(3, np.nan), np.zeros(3)).n_shared == 0
    with pytest.raises(VaehubError, match=r"one shape, got shapes \(2,\) and \(3,\)"):
        rank_agreement(np.zeros(2), np.zeros(3))


# The metric


def test_values_are_rows_and_panels_are_compared():
    _, found = measured(BOTH)
    table = found.tables["responsibilities"]
    assert list(table.keys) == ["panel", "row", "column"]
    assert table.keys["column"][:3] == (0, 1, 2)
    np.testing.assert_allclose(table.columns["value"], np.ravel([IMPORTANCE, RESPONSE]))
    agreement = found.tables["agreement"]
    assert agreement.keys == {"first": ("dci",), "second": ("response",)}
    expected = spearmanr(np.ravel(IMPORTANCE), np.ravel(RESPONSE)).statistic
    assert agreement.columns["spearman_rho"] == pytest.approx([expected])
    assert agreement.columns["n_shared"].tolist() == [6]
    assert found.scalars == {"n_panels": 2, "n_undefined": 0}


def test_cells_are_paired_by_name_in_whatever_order_they_come(rng):
    order = rng.permutation(12)
    _, found = measured({name: column[order] for name, column in BOTH.items()})
    _, sorted_ = measured(BOTH)
    for name in ("spearman_rho", "n_shared"):
        np.testing.assert_allclose(*(each.tables["agreement"].columns[name] for each in (found, sorted_)))


def test_panels_of_different_groups_are_not_compared():
    panels = [("dci", IMPORTANCE), ("response", RESPONSE), ("irs", RESPONSE)]
    rows = rows_of(*panels, *panels[:2], beta=[1.0] * 18 + [4.0] * 12)
    metric, found = measured(rows, group="beta")
    agreement = found.tables["agreement"]
    assert agreement.keys["group"] == (1, 1, 1, 4)
    assert agreement.keys["second"] == ("response", "irs", "irs", "response")
    assert agreement.columns["spearman_rho"][2] == pytest.approx(1)
    titles = [axes.get_title() for axes in metric.plot(found).axes if axes.get_title()]
    assert titles == ["dci", "response", "irs", "dci", "response"]


def test_one_panel_is_compared_with_nothing():
    metric, found = measured(rows_of(("dci", IMPORTANCE)))
    assert list(found.tables) == ["responsibilities"]
    assert metric.plot(found).axes[0].get_title() == "dci"


def test_undefined_values_are_kept_counted_and_not_compared():
    broken = [[math.nan, 0.1, 0.0], [0.0, math.inf, 0.8]]
    metric, found = measured(rows_of(("irs", broken), ("response", RESPONSE)))
    assert found.scalars["n_undefined"] == 2
    assert found.tables["agreement"].columns["n_shared"].tolist() == [4]
    assert [text.get_text() for text in metric.plot(found).axes[0].texts] == ["-", "0.10", "0.00", "0.00", "-", "0.80"]


@pytest.mark.parametrize(
    ("rows", "params", "sentence"),
    [
        (
            BOTH,
            {"group": "beta"},
            "asked for the column 'beta', and the query has 'panel', 'factor', 'latent', 'value'",
        ),
        (BOTH, {"row": "latent"}, "takes each column for one thing, and was given 'latent' twice"),
        (
            {**BOTH, "more": BOTH["panel"]},
            {"value": "more"},
            "is of numbers, which are not in 'more'; they are in 'latent', 'value'",
        ),
        ({name: column[:0] for name, column in BOTH.items()}, {}, "is of rows, and the query has none"),
        (
            rows_of(("dci", IMPORTANCE), ("dci", RESPONSE)),
            {},
            r"two for panel 'dci', factor 'shape', latent 0; name the column of trainings as the parameter",
        ),
    ],
)
def test_rows_that_are_no_matrices_are_refused(rows, params, sentence):
    with pytest.raises(VaehubError, match=sentence):
        measured(rows, **params)


# Through the store


@pytest.mark.slow
def test_matrices_of_two_metrics_meet_in_a_query(hub):
    quick = {"train.epochs": 1, "model.latent_dim": 3, "network.hidden": [16], "data.size": 16}
    settings = {**quick, "data.split": [0.001, 0, 0.999]}
    responses = {"metric.n_groups": 5, "metric.n_interventions": 4, "metric.n_samples": 50}
    [response] = hub.run(
        "beta_vae", "conditioned_response_matrix", dataset="sprites", settings={**settings, **responses}
    )
    trees = {"metric.predictor": "lightgbm", "metric.n_train": 500, "metric.n_test": 200}
    hub.run("beta_vae", "dci", dataset="sprites", settings={**settings, **trees})
    rows = hub.sql("""
        select
            'beta ' || beta as trained,
            metric,
            keys ->> '$.factor' as factor,
            cast(keys ->> '$.latent' as int) as latent,
            value
        from results
        where (metric = 'conditioned_response_matrix' and name = 'response') or (metric = 'dci' and name = 'importance')
        order by metric, index
    """)
    found = hub.measure("responsibilities", rows, settings={"group": "trained", "panel": "metric"})
    assert found.result.tables["agreement"].columns["n_shared"].tolist() == [15]
    stored = hub.sql("select value from results where metric = 'responsibilities' and name = 'spearman_rho'")
    rho = float(stored.to_numpy()["value"][0])
    figure = hub.figure(found.id)
    maps = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in maps] == ["conditioned_response_matrix", "dci"]
    np.testing.assert_allclose(maps[0].images[0].get_array(), response["matrix"], rtol=1e-12)
    factors = ["shape", "scale", "orientation", "position_x", "position_y"]
    assert all([label.get_text() for label in axes.get_yticklabels()] == factors for axes in maps)
    # Each has its own scale, and the scale says so.
    for axes in maps:
        assert axes.images[0].get_clim() == (0, axes.images[0].get_array().max())
    assert figure.subfigs[0].get_suptitle() == f"beta 4.0: rank correlation {rho:.2f}, 15 cells"
