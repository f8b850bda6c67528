"""The number of relevant latents, whatever the model begins with."""

import pytest
from matplotlib.colors import same_color

from vaehub import Result, Table, VaehubError, WorkFailed
from vaehub.analysis import PALETTE
from vaehub.plugins.ard.dimension import RelevantDimension

QUICK = {"train.epochs": 3, "data.subset": 400}


@pytest.mark.slow
def test_latents_are_doubled_until_some_are_not_needed(hub):
    found = hub.run("ard", "relevant_dimension", settings=QUICK | {"model.latent_dim": 1, "model.beta": 0.01})[0]
    table = found["search"]
    widths, active = table.keys["latent_dim"], table.columns["n_active"]
    assert list(widths) == [2**at for at in range(len(widths))]
    assert len(widths) > 1
    assert all(active[:-1] == widths[:-1])
    assert found["n_latents"] == active[-1] < widths[-1] == found["latent_dim"]
    rows = hub.sql("select latent_dim, value from results where name = 'n_active' and metric = 'relevance' order by 1")
    assert list(rows) == list(zip(widths, active, strict=True))


def test_a_model_with_latents_to_spare_is_enough(hub):
    found = hub.run("ard", "relevant_dimension", settings=QUICK | {"model.latent_dim": 40})[0]
    assert (found["latent_dim"], found["n_trained"]) == (40, 1)
    assert 0 < found["n_latents"] < 40


def test_the_plot_shows_active_latents_against_latents_of_every_model():
    table = Table({"latent_dim": [2, 4, 8]}, {"n_active": [2, 4, 5]})
    found = Result({"n_latents": 5, "latent_dim": 8, "n_trained": 3}, tables={"search": table})
    [axes] = RelevantDimension(RelevantDimension.Params()).plot(found).axes
    every, active = axes.get_lines()
    assert every.get_xydata().tolist() == [[0, 0], [8, 8]]
    assert active.get_xydata().tolist() == [[2, 2], [4, 4], [8, 5]]
    assert same_color(active.get_color(), PALETTE[0])
    assert axes.get_title() == "5 latents are relevant"


def test_fewer_observations_than_are_asked_for_are_all_taken(hub):
    hub.run("ard", "relevant_dimension", settings=QUICK | {"data.subset": 60})
    used = hub.sql("select distinct value from results where metric = 'relevance' and name = 'n_samples'")
    assert [tuple(row) for row in used] == [(54,)]


def test_a_search_that_ends_nowhere_says_so_and_keeps_what_it_found(hub):
    settings = QUICK | {"model.latent_dim": 1, "model.beta": 0.01, "metric.widest": 2}
    with pytest.raises(WorkFailed, match=r"all 2 latents are active, and '-s metric.widest' is 2"):
        hub.run("ard", "relevant_dimension", settings=settings)
    assert [row[0] for row in hub.sql("select distinct latent_dim from results order by 1")] == [1, 2]


def test_a_recipe_with_too_many_latents_is_refused(hub):
    with pytest.raises(VaehubError, match="tries up to 8 latents, and the recipe begins with 16"):
        hub.run("ard", "relevant_dimension", settings=QUICK | {"metric.widest": 8})
    assert not hub.store.exists


def test_options_of_relevance_are_passed_on(hub):
    class Relevance:
        """A laboratory in which one latent is active."""

        def __init__(self):
            self.asked = []

        def measure(self, metric, subject, **params):
            self.asked.append((metric, subject.model.params.latent_dim, params))
            return Result({"n_active": 1, "is_collapsed": False})

    runner = Relevance()
    params = {"n_samples": 7, "explained": 0.5}
    recipe = hub.recipe("ard", settings={"model.latent_dim": 4})
    assert RelevantDimension(RelevantDimension.Params(**params)).measure(recipe, runner).scalars["n_latents"] == 1
    assert runner.asked == [("relevance", 4, params)]
