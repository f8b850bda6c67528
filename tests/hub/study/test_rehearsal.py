"""What is wrong with a study's reports comes out before anything is trained."""

import pytest

from vaehub import TableMetric, VaehubError
from vaehub.hub.requests import metric_of
from vaehub.hub.study.definition import Definition
from vaehub.hub.study.grid import cells_of
from vaehub.hub.study.rehearsal import rehearse
from vaehub.registry.catalog import Catalog
from vaehub.store.published import Paper

STUDY = """
published = "intervention"
[recipe]
model = "vae"
"data.per_class" = 10
[axes]
dataset = ["mnist", "fashion_mnist"]
"data.n_classes" = [1, 5]
"data.seed" = [1, 2, 3]
[metrics.intervention]
[metrics.ssim_diversity]
[[analyses]]
name = "a"
metric = "correlation"
params = {against = "significant_dims"}
sql = "select max(value) filter (name = 'significant_dims') as significant_dims from results group by cell"
[[reports]]
name = "r"
table = "3.1"
sql = '''select dataset, "data.n_classes" as classes, name, value from results'''
[[reports]]
name = "c"
table = "3.3"
sql = "select keys ->> 'feature' as feature, name, value from results where metric = 'correlation'"
"""


@pytest.fixture(scope="module")
def catalog():
    return Catalog()


def rehearsed(catalog, text):
    scaled = Definition("small", text.encode()).at(None)
    figures = Paper("intervention", catalog.find("published", "intervention").read()).figures()
    return rehearse(scaled, cells_of(scaled, catalog, str), figures, catalog)


def test_a_study_whose_reports_line_up_passes(catalog):
    rehearsed(catalog, STUDY)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            ("select dataset,", "select datasett,"),
            "report 'r' of study 'small': the query was not understood.*datasett",
        ),
        (("as classes", " + 1 as classes"), "lines up with nothing in table '3.1'.*such as .dataset mnist, classes 2"),
        (("as classes", "as class"), "give it the keys that tell these apart: classes"),
        (("select dataset,", "select 'mnistt' as dataset,"), "lines up with nothing in table '3.1'"),
        (('table = "3.1"', 'table = "3.10"'), "and there is none; its tables are 3.1, 3.2"),
        (("as feature", "as features"), "report 'c' .*; give it the keys that tell these apart: .*feature"),
        (("group by cell", "group by sell"), "analysis 'a' of study 'small': the query was not understood"),
        (('metric = "correlation"', 'metric = "elbo"'), "asks metric 'elbo', which does not measure rows"),
        (("{against", "{agains"), "did you mean 'against'"),
    ],
)
def test_what_would_fail_later_is_refused_now(catalog, change, says):
    with pytest.raises(VaehubError, match=says):
        rehearsed(catalog, STUDY.replace(*change, 1))


def test_a_query_that_finds_nothing_yet_is_not_held_against_it(catalog):
    rehearsed(catalog, STUDY.replace("from results'''", "from results where value > 1e9'''"))


def test_quotes_within_and_without_text_hide_no_name(catalog):
    sql = "select replace('it''s', '', '') as x, max(value)"
    [(_, rows)] = rehearsed(catalog, STUDY.replace('"select max(value)', f'"{sql}', 1))
    assert set(rows.to_numpy()["significant_dims"].tolist()) == {1.0}


def test_nothing_outside_the_rehearsal_can_be_reached(catalog):
    with pytest.raises(VaehubError, match="files and addresses are out of its reach"):
        rehearsed(catalog, STUDY.replace("from results'''", "from read_csv('/etc/passwd')'''"))


def test_of_many_seeds_a_few_are_rehearsed_and_queries_of_pairs_still_find_pairs(catalog):
    text = STUDY.replace("[1, 2, 3]", str(list(range(60))), 1)
    sql = (
        'select a.\\"data.seed\\" as one, b.\\"data.seed\\" as other, 1.0 as significant_dims from results a '
        "join results b on (a.dataset, a.metric, a.name) = (b.dataset, b.metric, b.name) "
        'where a.\\"data.seed\\" < b.\\"data.seed\\"'
    )
    text = text.replace(
        "select max(value) filter (name = 'significant_dims') as significant_dims from results group by cell", sql
    )
    [(_, rows)] = rehearsed(catalog, text)
    found = rows.to_numpy()
    assert set(zip(found["one"].tolist(), found["other"].tolist(), strict=True)) == {
        (one, other) for other in range(5) for one in range(other)
    }


CURVES = """
[[analyses]]
name = "c"
metric = "curves"
params = {x = "n", y = ["loss"]}
sql = '''
select (keys ->> 'n')::int as n, value as loss from results where name = 'loss' and (keys ->> 'part') = 'test'
'''
"""


def tried(catalog, text):
    """Return what the metric of the first analysis says of the rows that it would see."""
    [*_, (analysis, rows)] = rehearsed(catalog, text)
    _, component = metric_of(catalog, analysis.metric, analysis.params, str)
    catalog.find("metric", analysis.metric).load(TableMetric)(component.params).check(rows.to_numpy())
    return rows


def test_keys_that_are_not_known_yet_are_made_up_of_their_type(catalog):
    rows = tried(catalog, STUDY + CURVES)
    assert rows.to_numpy()["n"].tolist() == [1, 2, 3]


def test_text_where_a_curve_needs_numbers_is_refused_before_anything_is_measured(catalog):
    with pytest.raises(VaehubError, match="draws lines over numbers, which are not in 'n'"):
        tried(catalog, STUDY + CURVES.replace("(keys ->> 'n')::int", "keys ->> 'n'"))
    with pytest.raises(VaehubError, match="was asked for the column 'n', and the query has 'm', 'loss'"):
        tried(catalog, STUDY + CURVES.replace("as n", "as m"))


def test_a_curve_over_one_value_of_the_grid_is_refused_before_anything_is_measured(catalog):
    known = CURVES.replace("(keys ->> 'n')::int as n", '"data.n_classes" as n')
    one = known.replace(" and (keys ->> 'part') = 'test'", "")
    tried(catalog, STUDY + one)
    with pytest.raises(VaehubError, match="there is only one: 5"):
        tried(catalog, STUDY.replace("[1, 5]", "[5]").replace('table = "3.1"', "") + one)
