"""What the study of intervention makes of its measurements: its own text, on digits and with small models."""

import re

import pytest

from vaehub.registry.catalog import Catalog

SMALLER = {
    'dataset = ["mnist", "fashion_mnist"]': 'dataset = ["digits"]',
    '"data.per_class" = 1000': '"data.per_class" = 60',
    '"model.latent_dim" = 20': '"model.latent_dim" = 4',
    '"data.n_classes" = [1, 5, 10]': '"data.n_classes" = [1, 5]',
    '[scales.quick.axes]\n"data.seed" = [2810, 2811]\n"train.epochs" = [40]': (
        '[scales.quick.axes]\n"data.seed" = [2810, 2811]\n"train.epochs" = [2]'
    ),
    '"train.epochs" = 40': '"train.epochs" = 2',
}

LINES = {"joint_share": "removed", "diversity_share": "diversity", "variety_share": "variety"}
PANELS = {"digits, 1 class": 1, "digits, 5 classes": 5}


@pytest.fixture
def study(hub, tmp_path):
    text = Catalog().find("study", "intervention").read().decode()
    for present, smaller in SMALLER.items():
        assert present in text, "the study is no longer made smaller"
        text = text.replace(present, smaller)
    # What is printed is of other data.
    (tmp_path / "small.toml").write_text(re.sub(r"(?m)^(published|table) = .*\n", "", text))
    found = hub.study(tmp_path / "small.toml")
    assert found.run(jobs=1).failed == 0
    return found


@pytest.mark.slow
def test_every_analysis_is_made_and_the_trade_off_is_that_of_the_measurements(hub, study):
    made = {name for (name,) in hub.sql("select distinct settings ->> 'analysis' from cells where cell is null")}
    assert made == {each.name for each in study.definition.at("quick").analyses}
    assert list(hub.sql("select distinct status from measurements")) == [("done",)]

    found = hub.sql(
        """
        select (settings ->> '$."data.n_classes"')::int, name, index, avg(value)
        from study_results where metric = 'intervention_tradeoff' and index_name = 'n_set' and ends_with(name, '_share')
        group by all
        """
    )
    measured = {(LINES[name], classes, n_set): value for classes, name, n_set, value in found}
    points = hub.sql(
        """
        select keys ->> 'column', keys ->> 'panel', (keys ->> 'x')::int, value
        from study_results where settings ->> 'analysis' = 'trade-off' and name = 'centre'
        """
    )
    shown = {(line, PANELS[panel], n_set): value for line, panel, n_set, value in points}
    assert len(shown) == 3 * 2 * 5, "lines, data sets, numbers of latents from none to all four"
    assert shown == pytest.approx(measured)
