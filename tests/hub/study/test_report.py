"""Reports: runs become means with spreads, beside the figures that they line up with."""

import math

import pyarrow as pa
import pytest

from vaehub import VaehubError
from vaehub.hub.study.definition import Definition
from vaehub.hub.study.report import Z95, report_of, results_of
from vaehub.store.published import Figure

STUDY = """
[recipe]
model = "vae"
[metrics.elbo]
[[reports]]
name = "r"
table = "1"
sql = "select 1"
"""


def figure(name="loss", value=10.0, spread=1.0, kind="se", n=4, printed=None, **keys):
    printed = printed or (None if value is None else str(value))
    return Figure("paper", "1", keys, name, value, printed, spread, kind, n, None, None, "")


def made(rows, figures, table="1"):
    scaled = Definition("small", STUDY.replace('table = "1"', f'table = "{table}"').encode()).at(None)
    columns = {name: [row.get(name) for row in rows] for name in rows[0]} if rows else {"name": [], "value": []}
    return report_of(scaled, scaled.reports[0], [], lambda _: pa.table(columns), figures)


def test_runs_become_a_mean_with_the_kind_of_spread_that_is_published():
    rows = [{"d": 2, "name": "loss", "value": value} for value in (9.0, 10.0, 11.0, 12.0)]
    deviation = math.sqrt(5 / 3)
    for kind, factor in (("se", 0.5), ("sd", 1.0), ("ci95", Z95 / 2)):
        [row] = made(rows, [figure(d=2, kind=kind)]).rows
        assert (row.ours, row.runs, row.spread_kind) == (10.5, 4, kind)
        assert row.ours_spread == pytest.approx(deviation * factor)
        assert row.difference == 0.5


def test_a_difference_is_inside_up_to_the_errors_of_both_and_half_a_printed_digit():
    rows = [{"name": "loss", "value": value} for value in (10.0, 12.0)]  # standard error 1
    allowed = Z95 * math.hypot(1.0, 2.0) + 0.05
    for shift, inside in ((allowed - 1e-6, True), (allowed + 1e-6, False)):
        [row] = made(rows, [figure(value=11 - shift, spread=2.0, printed="6.6")]).rows
        assert row.inside is inside


def test_a_deviation_is_taken_as_an_error_by_the_number_of_its_runs():
    rows = [{"name": "loss", "value": 10.0}]
    for n, inside in ((1, True), (100, False), (None, None)):
        [row] = made(rows, [figure(value=11.0, spread=1.0, kind="sd", n=n)]).rows
        assert row.inside is inside


@pytest.mark.parametrize("undefined", [math.nan, math.inf])
def test_undefined_runs_are_reported_and_neither_inside_nor_outside(undefined):
    rows = [{"name": "loss", "value": value} for value in (10.0, undefined)]
    [row] = made(rows, [figure()]).rows
    assert not math.isfinite(row.ours)
    assert math.isnan(row.ours_spread)
    assert row.inside is None


def test_a_published_spread_that_is_no_error_is_shown_and_not_counted():
    runs = [{"name": "loss", "value": value} for value in (9.0, 11.0, 12.0)]
    [row] = made(runs, [figure(spread=2.0, kind="range")]).rows
    [without] = made(runs, [figure(spread=None, kind=None)]).rows
    assert row.published_spread == 2.0
    assert (
        (row.inside, row.ours_spread)
        == (without.inside, without.ours_spread)
        == (True, pytest.approx(1.5275, abs=1e-4))
    )


def test_without_any_spread_nothing_is_said_of_inside():
    [row] = made([{"name": "loss", "value": 10.0}], [figure(spread=None, kind=None)]).rows
    assert (row.inside, row.ours_spread, row.difference) == (None, None, 0.0)


def test_numbers_are_equal_however_they_are_written_and_keys_of_one_side_alone_do_not_count():
    rows = [{"classes": 5, "epochs": 40, "name": "loss", "value": 1.0}]
    [row] = made(rows, [figure(classes=5.0, network="fc")]).rows
    assert row.published == 10.0


def test_rows_without_a_published_figure_are_shown_as_ours_alone():
    rows = [{"d": d, "name": "loss", "value": 1.0} for d in (2, 3)]
    first, second = made(rows, [figure(d=2)]).rows
    assert (first.published, second.published, second.inside) == (10.0, None, None)


def test_keys_that_match_nothing_are_an_error_that_shows_both_sides():
    with pytest.raises(
        VaehubError, match=r"'1' of 'small': it has rows such as \(d 3, name loss\), and the table such as \(d 2, name"
    ):
        made([{"d": 3, "name": "loss", "value": 1.0}], [figure(d=2)])


def test_a_row_that_matches_several_figures_is_told_which_keys_it_lacks():
    with pytest.raises(VaehubError, match="that 2 published figures match; give it the keys .*: d$"):
        made([{"name": "loss", "value": 1.0}], [figure(d=2), figure(d=3)])


def test_an_unknown_table_is_answered_with_those_there_are():
    with pytest.raises(VaehubError, match="table '9' of 'small', and there is none; its tables are 1"):
        made([{"name": "loss", "value": 1.0}], [figure()], table="9")


def test_a_query_without_name_or_value_is_refused():
    with pytest.raises(VaehubError, match="gives columns d, and name and value is missing"):
        made([{"d": 1}], [figure()])


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(VaehubError, match="should be text and a number"):
        made([{"name": 1, "value": 2.0}], [figure()])


def test_a_report_without_rows_yet_is_empty():
    assert made([], [figure()]).rows == []


def test_settings_become_columns_of_their_own_type():
    scaled = Definition("small", STUDY.encode()).at(None)
    settings = [
        {"model": "vae", "a.whole": 1, "a.text": "x", "a.real": 1.0},
        {"model": "vae", "a.whole": 2, "a.real": 1},
    ]
    text = results_of(scaled, settings, "from results;")
    assert 'as bigint) as "a.whole"' in text
    assert 'as varchar) as "a.text"' in text
    assert 'as double) as "a.real"' in text
    assert "coalesce(settings ->> 'model', model) as model" in text
