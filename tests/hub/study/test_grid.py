"""From a study to cells and jobs: every combination once, each training once, shorter ones on the way."""

import pytest

from vaehub import VaehubError
from vaehub.hub.study.definition import Definition
from vaehub.hub.study.grid import cells_of, jobs_of, trials_of
from vaehub.registry.catalog import Catalog

STUDY = """
[recipe]
model = "vae"
"data.subset" = 100
[axes]
seed = [0, 1]
"train.epochs" = [1, 3]
"metric.elbo.split" = ["train", "validation"]
[metrics.elbo]
[metrics.ssim_diversity]
n_samples = 50
"""


@pytest.fixture(scope="module")
def catalog():
    return Catalog()


def cells(catalog, text=STUDY):
    return cells_of(Definition("small", text.encode()).at(None), catalog, str)


def test_every_combination_has_a_cell_for_each_metric(catalog):
    found = cells(catalog)
    # The split is the bound's own axis: diversity is not measured once more for each.
    assert len(found) == 2 * 2 * (2 + 1)
    assert {cell.point for cell in found} == set(range(4))
    assert all("metric.elbo.split" not in cell.settings for cell in found if cell.request.metric.name != "elbo")
    assert len({cell.request.id for cell in found if cell.request.metric.name == "elbo"}) == 8


def test_parameters_reach_recipe_and_metric(catalog):
    cell = cells(catalog)[0]
    [recipe] = cell.request.subject.trainings
    assert (recipe.train.epochs, recipe.seed, recipe.dataset.params.subset) == (1, 0, 100)
    assert cell.request.metric.params.split == "train"


def test_one_job_trains_all_numbers_of_epochs_and_measures_all_of_them(catalog):
    jobs = jobs_of(cells(catalog))
    trainings = [job for job in jobs if job.recipes]
    assert [[recipe.train.epochs for recipe in job.recipes] for job in trainings] == [[1, 3], [1, 3]]
    assert [len(job.wanted) for job in trainings] == [4, 4]


def test_what_is_measured_of_data_is_measured_once_for_each_seed(catalog):
    jobs = [job for job in jobs_of(cells(catalog)) if not job.recipes]
    # The seed of a point decides which images are drawn, so that there are two measurements, of the same data.
    assert [len(job.wanted) for job in jobs] == [2]


def test_one_piece_of_each_kind_is_tried_out(catalog):
    trials = trials_of(cells(catalog))
    assert all(job.dry for job in trials)
    assert [len(job.wanted) for job in trials] == [2, 1]


def test_cells_know_their_training(catalog):
    elbo, _, diversity = cells(catalog)[:3]
    assert elbo.record().training == elbo.request.subject.what.id
    assert diversity.record().training is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("data.subset", "data.subsets"), "study 'small': dataset 'digits' was given .* did you mean 'subset'"),
        (("vae", "vea"), "study 'small': unknown model 'vea'; did you mean"),
        (("n_samples = 50", "n_samples = 0"), "study 'small': metric 'ssim_diversity' was given"),
        (('"vae"', "3"), "study 'small': model is 3 and should be a name in quotes"),
        (("[0, 1]", "[-1]"), "study 'small': seed is -1"),
        (("[metrics.elbo]", "[metrics.elbo]\n[metrics.correlation]\nagainst='x'"), "measures rows; name it in"),
    ],
)
def test_what_no_plugin_knows_is_refused(catalog, change, says):
    with pytest.raises(VaehubError, match=says):
        cells(catalog, STUDY.replace(*change))


def test_what_is_measured_of_data_alone_needs_no_model(catalog):
    [cell] = cells(catalog, '[recipe]\n"data.subset" = 100\n[metrics.ssim_diversity]\n')
    assert (cell.request.subject.what.name, cell.request.subject.what.params.subset) == ("digits", 100)


def test_what_is_measured_of_a_model_needs_one(catalog):
    with pytest.raises(VaehubError, match="study 'small': metric 'elbo' needs a model; add 'model = \"vae\"'"):
        cells(catalog, STUDY.replace('model = "vae"', ""))
