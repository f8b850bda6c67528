"""A study's file: what it may say, how its scales change it, and what is refused."""

import pytest

from vaehub import VaehubError
from vaehub.hub.study.definition import Definition

SMALL = """
title = "small"
[recipe]
model = "vae"
train.epochs = 3
"data.subset" = 100
[axes]
seed = [0, 1]
"model.latent_dim" = [2, 4]
[metrics.elbo]
split = "train"
"""


def study(text, name="small"):
    return Definition(name, text.encode())


def grid(text, scale=None):
    [found] = study(text).at(scale).grids
    return found


def test_names_with_and_without_quotes_are_one():
    assert grid(SMALL).recipe == {"model": "vae", "train.epochs": 3, "data.subset": 100}


def test_without_scales_it_is_made_whole():
    assert study(SMALL).scales == ["whole"]
    assert study(SMALL).at(None).scale == "whole"


def test_quick_is_the_usual_scale_wherever_it_stands():
    text = SMALL + "[scales.paper]\n[scales.quick.axes]\nseed = [0]\n"
    assert study(text).scales == ["quick", "paper"]
    assert grid(text).axes["seed"] == [0]
    assert grid(text, "paper").axes["seed"] == [0, 1]


def test_a_value_of_a_scale_takes_the_place_of_an_axis_and_an_axis_that_of_a_value():
    text = SMALL + "[scales.quick]\nrecipe = {seed = 7}\naxes = {train.epochs = [1, 2]}\n"
    found = grid(text)
    assert found.recipe["seed"] == 7
    assert found.axes == {"model.latent_dim": [2, 4], "train.epochs": [1, 2]}
    assert "train.epochs" not in found.recipe


def test_grids_add_to_what_they_share_and_may_measure_something_else():
    text = SMALL + '[[grids]]\n[[grids]]\nrecipe = {model = "ae"}\nmetrics = {relevance = {}}\n'
    first, second = study(text).at(None).grids
    assert first.metrics == {"elbo": {"split": "train"}}
    assert (second.recipe["model"], second.metrics) == ("ae", {"relevance": {}})


def test_a_scale_adds_to_the_parameters_of_a_metric():
    text = SMALL + "[scales.quick.metrics.elbo]\n"
    assert grid(text).metrics == {"elbo": {"split": "train"}}


def test_reports_may_be_made_at_some_scales_only():
    text = SMALL + '[scales.quick]\n[scales.paper]\n[[reports]]\nname = "r"\nsql = "from results"\nscales = ["paper"]\n'
    assert [len(study(text).at(scale).reports) for scale in ("quick", "paper")] == [0, 1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("seed = [0, 1]", "foo = [1]"), "unknown axis 'foo'; known are model, network, dataset, seed and the param"),
        (("seed = [0, 1]", "metric.cka.n = [1]"), "unknown axis 'metric.cka.n'"),
        (('model = "vae"', 'modell = "vae"'), "unknown setting 'modell'"),
        (("seed = [0, 1]", "seed = []"), "has an empty grid: axis 'seed' has no values"),
        (("seed = [0, 1]", "seed = 1"), "axis 'seed' with 1, which should be a list of values"),
        (("seed = [0, 1]", "seed = [1, 1]"), "axis 'seed' with the same value twice"),
        (('[metrics.elbo]\nsplit = "train"', ""), "measures nothing"),
        (("[axes]", "[axis]"), "'axis' is not one of its parameters, did you mean 'axes'"),
        (("[axes]", "[axes"), "study 'small' is no TOML"),
    ],
)
def test_a_study_that_is_wrong_is_refused_in_one_sentence(change, says):
    with pytest.raises(VaehubError, match=says.replace("[", r"\[")) as error:
        study(SMALL.replace(*change)).at(None)
    assert "\n" not in str(error.value).removesuffix("\n")


def test_one_value_and_an_axis_of_one_name_are_refused():
    with pytest.raises(VaehubError, match="has 'seed' as one value and as an axis in the same grid; keep one"):
        study(SMALL.replace('model = "vae"', 'model = "vae"\nseed = 3'))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[[reports]]\nname = "r"\nsql = "x"\ntitel = "t"\n', "'reports.0.titel' is not one .* did you mean 'title'"),
        ("[[grids]]\nreciep = {}\n", "'grids.0.reciep' is not one .* did you mean 'recipe'"),
        ("[scales.quick.axis]\n", "'scales.quick.axis' is not one .* did you mean 'axes'"),
    ],
)
def test_a_misspelt_name_further_in_is_answered_with_the_nearest_one_there(more, says):
    with pytest.raises(VaehubError, match=says):
        study(SMALL + more)


def test_grids_may_be_made_at_some_scales_only():
    text = (
        SMALL
        + "[scales.quick]\n[scales.paper]\n"
        + """
[[grids]]
recipe = {model = "vae"}

[[grids]]
recipe = {model = "ae"}
scales = ["paper"]
"""
    )
    assert [grid.recipe["model"] for grid in study(text).at("quick").grids] == ["vae"]
    assert [grid.recipe["model"] for grid in study(text).at("paper").grids] == ["vae", "ae"]


def test_settings_that_go_together_are_each_made_at_all_points():
    text = (
        SMALL
        + """
[[grids]]
recipe = {"train.epochs" = 3}
axes = {"model.latent_dim" = [2, 4]}
cases = [{model = "vae"}, {model = "beta_vae", "model.beta" = 4}, {model = "ae", "model.latent_dim" = 8}]
"""
    )
    vae, beta, ae = study(text).at(None).grids
    assert (vae.recipe["model"], vae.axes["model.latent_dim"]) == ("vae", [2, 4])
    assert (beta.recipe["model.beta"], beta.recipe["train.epochs"]) == (4, 3)
    assert "model.beta" not in vae.recipe
    assert (ae.recipe["model.latent_dim"], "model.latent_dim" in ae.axes) == (8, False)


def test_a_grid_at_an_unknown_scale_and_a_scale_without_a_grid_are_refused():
    text = SMALL + '[scales.quick]\n[scales.paper]\n[[grids]]\nscales = ["%s"]\n'
    with pytest.raises(VaehubError, match="makes grid 1 at scale 'papper', and has quick, paper"):
        study(text % "papper")
    with pytest.raises(VaehubError, match="makes none of its grids at scale 'quick'; name it in one"):
        study(text % "paper").at("quick")


def test_an_unknown_scale_is_answered_with_those_there_are():
    with pytest.raises(VaehubError, match="study 'small' has no scale 'papper'; it has quick, paper"):
        study(SMALL + "[scales.quick]\n[scales.paper]\n").at("papper")


def test_two_reports_of_one_name_are_refused():
    report = '[[reports]]\nname = "r"\nsql = "from results"\n'
    with pytest.raises(VaehubError, match="two reports of the name .r."):
        study(SMALL + report + report)


def test_a_report_at_an_unknown_scale_is_refused():
    with pytest.raises(VaehubError, match="makes 'r' at scale 'paper', and has whole"):
        study(SMALL + '[[reports]]\nname = "r"\nsql = "from results"\nscales = ["paper"]\n')


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(VaehubError, match="mine.toml' cannot be read: No such file"):
        Definition.read(tmp_path / "mine.toml")


def test_a_file_of_the_users_own_is_called_by_its_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SMALL)
    assert (Definition.read(path).name, Definition.read(path).reference) == ("mine", str(path))
