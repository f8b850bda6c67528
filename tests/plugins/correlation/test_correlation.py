"""Correlation as a metric of rows."""

import numpy as np
import pytest
import torch
from matplotlib.colors import same_color
from scipy import stats

from vaehub import VaehubError
from vaehub.plugins.correlation.correlation import Correlation
from vaehub.plugins.correlation.kernels import bootstrap_intervals
from vaehub.plugins.correlation.params import CorrelationParams


@pytest.fixture
def rows(rng):
    """Sixty runs: one column of text, three of numbers, and what they are correlated with."""
    dims = rng.integers(0, 9, size=60)
    return {
        "cell": np.array(["mnist 1", "mnist 5"] * 30, dtype=object),
        "ratio_sum": 1 + 0.02 * dims + rng.normal(0, 0.02, size=60),
        "recon_difference": (0.004 - 0.0002 * dims + rng.normal(0, 1e-3, size=60)).astype(np.float32),
        "n_classes": np.tile([1, 5, 10], 20),
        "significant_dims": dims,
    }


def metric(seed=0, **settings):
    return Correlation(CorrelationParams(**{"against": "significant_dims", **settings}), seed)


def table_of(rows, **settings):
    asked = metric(**settings)
    asked.check(rows)
    return asked.measure(rows).tables["correlation"]


def test_all_other_columns_of_numbers_are_features(rows):
    table = table_of(rows)
    assert table.keys["feature"] == ("ratio_sum", "recon_difference", "n_classes")
    assert set(table.keys["against"]) == {"significant_dims"}
    for i, name in enumerate(table.keys["feature"]):
        for prefix, coefficient, oracle in (
            ("spearman", "spearman_rho", stats.spearmanr),
            ("pearson", "pearson_r", stats.pearsonr),
        ):
            expected, p = oracle(rows[name].astype(float), rows["significant_dims"])
            assert table.columns[coefficient][i] == pytest.approx(expected)
            assert table.columns[f"{prefix}_p"][i] == pytest.approx(p)
            assert table.columns[f"{prefix}_low"][i] < expected < table.columns[f"{prefix}_high"][i]
    assert table.columns["n"].tolist() == [60, 60, 60]


def test_features_that_are_named_are_measured_once_in_that_order(rows):
    table = table_of(rows, of=("n_classes", "ratio_sum", "n_classes"))
    assert table.keys["feature"] == ("n_classes", "ratio_sum")


def test_rows_without_a_value_are_left_out_and_not_counted(rows):
    rows["ratio_sum"][:10] = np.nan
    table = table_of(rows)
    assert table.columns["n"].tolist() == [50, 60, 60]
    rows["recon_difference"][:] = np.nan
    table = table_of(rows)
    assert table.columns["n"].tolist() == [50, 0, 60]
    assert np.isnan(table.columns["spearman_rho"]).tolist() == [False, True, False]


def test_a_feature_may_be_true_or_false(rows):
    rows["is_mnist"] = rows["significant_dims"] > 4
    assert table_of(rows, of=("is_mnist",)).columns["spearman_rho"][0] > 0.8


def test_intervals_depend_on_confidence_and_seed_and_may_be_left_out(rows):
    def width(**settings):
        columns = table_of(rows, **settings).columns
        return columns["spearman_high"][1] - columns["spearman_low"][1]

    assert width() == width()
    assert width(confidence=0.5) < width() != width(seed=1)
    assert list(table_of(rows, n_bootstrap=0).columns) == [
        "spearman_rho",
        "spearman_p",
        "pearson_r",
        "pearson_p",
        "n",
    ]


def test_intervals_are_those_of_the_kernel_with_as_many_resamplings(rows):
    asked = metric(seed=2, of=("n_classes",), n_bootstrap=40, confidence=0.8)
    columns = asked.measure(rows).tables["correlation"].columns
    for name in ("spearman", "pearson"):
        expected = bootstrap_intervals(
            torch.tensor(rows["n_classes"], dtype=torch.float64),
            torch.tensor(rows["significant_dims"], dtype=torch.float64),
            name,
            n_resamplings=40,
            confidence=0.8,
            generator=asked.generator("bootstrap"),
        )
        assert (columns[f"{name}_low"][0], columns[f"{name}_high"][0]) == pytest.approx(tuple(map(float, expected)))


def test_the_variable_asked_for_is_the_one_correlated_with(rows):
    table = table_of(rows, against="n_classes", of=("ratio_sum",))
    assert table.keys == {"feature": ("ratio_sum",), "against": ("n_classes",)}
    assert table.columns["pearson_r"][0] == pytest.approx(stats.pearsonr(rows["ratio_sum"], rows["n_classes"])[0])


def test_the_values_are_kept_for_the_plot(rows):
    arrays = metric().measure(rows).arrays
    np.testing.assert_array_equal(arrays["against_values"], rows["significant_dims"])
    np.testing.assert_array_equal(arrays["feature_values"][:, 2], rows["n_classes"])
    assert arrays["feature_values"].shape == (60, 3)


def test_a_missing_column_is_named_with_those_there_are(rows):
    with pytest.raises(VaehubError, match="asked for the column 'dims', and the query has 'cell', 'ratio_sum'"):
        metric(against="dims").check(rows)
    with pytest.raises(VaehubError, match="asked for the column 'a', 'b', and the query has"):
        metric(of=("a", "ratio_sum", "b")).check(rows)


def test_a_column_of_text_is_refused(rows):
    with pytest.raises(VaehubError, match="is of numbers, which are not in 'cell'; they are in 'ratio_sum'"):
        metric(of=("cell",)).check(rows)
    with pytest.raises(VaehubError, match="which are not in 'cell'; they are in no column"):
        metric(against="cell").check({"cell": rows["cell"]})


def test_rows_without_a_feature_are_refused(rows):
    with pytest.raises(VaehubError, match="needs a column of numbers beside 'significant_dims', and the columns are"):
        metric().check({name: rows[name] for name in ("cell", "significant_dims")})


def test_fewer_than_three_rows_are_refused(rows):
    with pytest.raises(VaehubError, match="needs 3 rows with a value of 'significant_dims', got 2"):
        metric().check({name: column[:2] for name, column in rows.items()})
    rows["significant_dims"] = np.where(np.arange(60) < 2, 1.0, np.nan)
    with pytest.raises(VaehubError, match="got 2"):
        metric().check(rows)


def test_a_plot_has_one_bar_and_one_scatter_for_each_feature_the_strongest_first(rows):
    rows["constant"] = np.ones(60)
    bars, *scatters = metric().plot(metric().measure(rows)).axes
    widths = [bar.get_width() for bar in bars.patches]
    assert len(widths) == len(scatters) == 4
    assert widths[:3] == sorted(widths[:3], reverse=True)
    assert [label.get_text() for label in bars.get_yticklabels()] == [axes.get_xlabel() for axes in scatters]
    assert bars.get_yticklabels()[3].get_text() == "constant"
    assert [text.get_text() for text in bars.texts][3] == "undefined"
    assert scatters[0].collections[0].get_offsets().shape == (60, 2)
    assert all(same_color(bar.get_facecolor(), "#0072B2") for bar in bars.patches)
    assert bars.get_xlabel() == "Spearman's rank correlation with significant_dims (n = 60)"
    assert bars.get_title() == "lines hold 95 % of the resamplings"
    assert scatters[0].get_ylabel() == "significant_dims"


def test_a_plot_needs_no_intervals(rows):
    bars, *_ = metric().plot(metric(n_bootstrap=0).measure(rows)).axes
    assert len(bars.patches) == 3
    assert not bars.collections
