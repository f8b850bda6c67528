"""Every study that comes with vaehub can be made at every scale: names, parameters, queries and keys fit together."""

import pytest

from vaehub import TableMetric
from vaehub.files import checksum
from vaehub.hub.requests import metric_of
from vaehub.hub.study.definition import Definition
from vaehub.hub.study.grid import cells_of
from vaehub.hub.study.rehearsal import rehearse
from vaehub.plugins.features import weights
from vaehub.registry.catalog import Catalog
from vaehub.store.published import Paper

CATALOG = Catalog()
STUDIES = {each.entry.name: Definition(each.entry.name, each.read()) for each in CATALOG.entries("study")}
SCALES = [(name, scale) for name, study in STUDIES.items() for scale in study.scales]


@pytest.fixture(autouse=True)
def _weights_of_inception(tmp_path, monkeypatch):
    """Put a file where the weights of Inception are looked for: no study needs them before it is run."""
    path = tmp_path / weights.INCEPTION_NAMES[0]
    path.write_bytes(b"weights")
    monkeypatch.setenv("VAEHUB_DATA", str(tmp_path))
    monkeypatch.setattr(weights, "INCEPTION_CHECKSUM", checksum(path, "sha256"))


LONG = [(name, scale) for name, study in STUDIES.items() for scale in study.scales[1:]]
LONG += [(name, "quick") for name in ("ard", "elbow", "polarised", "similarity")]
"""Hundreds or thousands of trainings, whose rehearsal takes up to a minute; all of them but at the usual scale."""


LONGEST = [
    ("ard", "paper"),
    ("elbow", "paper"),
    ("polarised", "paper"),
    ("polarised", "seeds"),
    ("similarity", "paper"),
]
"""Thousands of trainings."""


def _marks(scale):
    return [pytest.mark.slow] * (scale in LONG) + [pytest.mark.longest] * (scale in LONGEST)


@pytest.mark.parametrize(("name", "scale"), [pytest.param(*each, marks=_marks(each)) for each in SCALES])
def test_it_could_be_made(name, scale):
    scaled = STUDIES[name].at(scale)
    cells = cells_of(scaled, CATALOG, str)
    assert cells
    figures = Paper(scaled.paper, CATALOG.find("published", scaled.paper).read()).figures()
    for analysis, rows in rehearse(scaled, cells, figures, CATALOG):
        _, component = metric_of(CATALOG, analysis.metric, analysis.params, str)
        CATALOG.find("metric", analysis.metric).load(TableMetric)(component.params).check(rows.to_numpy())


@pytest.mark.parametrize("name", STUDIES)
def test_it_has_a_title_a_source_and_reports(name):
    study = STUDIES[name]
    assert study.title
    assert study.source
    assert study.at(None).reports


def test_the_intervention_study_has_the_papers_runs():
    cells = cells_of(STUDIES["intervention"].at("paper"), CATALOG, str)
    trained = (cell.request.subject.what for cell in cells if cell.request.metric.name == "intervention")
    recipes = {recipe.id: recipe for recipe in trained}.values()
    # Two data sets, three numbers of classes, ten seeds; two numbers of epochs for one network, one for the other.
    assert sorted((each.network.name, each.train.epochs) for each in recipes) == sorted(
        60 * [("mlp", 10), ("mlp", 40), ("conv_bn", 10)]
    )
    assert len({cell.request.id for cell in cells if cell.request.metric.name == "ssim_diversity"}) == 60


def test_the_intervention_study_sets_both_networks_beside_each_other():
    cells = cells_of(STUDIES["intervention"].at("networks"), CATALOG, str)
    trained = (cell.request.subject.what for cell in cells if cell.request.metric.name == "intervention_tradeoff")
    recipes = {recipe.id: recipe for recipe in trained}
    assert {(each.network.name, each.train.epochs) for each in recipes.values()} == {("mlp", 10), ("conv_bn", 10)}
    assert len(recipes) == 24


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_the_study_of_the_slides_sets_the_autoencoder_beside_the_vae(scale):
    cells = cells_of(STUDIES["mnist_vae"].at(scale), CATALOG, str)
    asked = {(cell.request.subject.what.model.name, cell.request.metric.name) for cell in cells}
    densities = {
        (cell.request.subject.what.model.name, cell.request.metric.params.density)
        for cell in cells
        if cell.request.metric.name == "prior_samples"
    }
    # An autoencoder has no prior, and the study says what it draws from instead.
    assert densities == {("ae", "standard_normal"), ("vae", "prior")}
    assert {("ae", "prior_samples"), ("vae", "prior_samples"), ("vae", "elbo"), ("ae", "reconstruction_error")} <= asked
    assert {
        cell.request.metric.params.split for cell in cells if cell.request.metric.name == "reconstruction_error"
    } == {"train", "test"}
    assert {cell.request.subject.what.train.validation for cell in cells} == {0}


def test_the_ard_study_has_the_papers_runs():
    cells = cells_of(STUDIES["ard"].at("paper"), CATALOG, str)
    snapshots = [cell for cell in cells if getattr(cell.request.metric.params, "variance", None) == "prior"]
    cells = [cell for cell in cells if cell not in snapshots]
    recipes = {cell.request.subject.what.id: cell.request.subject.what for cell in cells}.values()

    def n(model, dataset):
        return sum((recipe.model.name, recipe.dataset.name) == (model, dataset) for recipe in recipes)

    # Five seeds; four sizes for factors, L, 2L and 4L for images, and three more of one subset with one seed.
    assert [n("ard", dataset) for dataset in ("sprites", "scenes", "mnist", "cifar10")] == [20, 20, 18, 23]
    assert {recipe.model.name for recipe in recipes if recipe.dataset.name == "mnist"} == {
        *("vae", "beta_tc_vae", "rae", "wae", "geco_l0_arm", "mask_aae", "ard")
    }
    assert {
        cell.request.metric.params.features for cell in cells if cell.request.metric.name == "frechet_distance"
    } == {"inception"}
    # Tables 4 and 5 have two sizes.
    for model in ("geco_l0_arm", "mask_aae"):
        assert {recipe.model.params.latent_dim for recipe in recipes if recipe.model.name == model} >= {16, 32}
    # Figures 1b and S1 use trainings that are made anyway.
    trained = {recipe.vary(train={"epochs": 0}).id for recipe in recipes}
    assert {cell.request.subject.what.vary(train={"epochs": 0}).id for cell in snapshots} <= trained


def test_the_latent_response_study_has_the_papers_data_and_needs_no_download_at_quick_scale():
    def trained(scale):
        cells = cells_of(STUDIES["latent_response"].at(scale), CATALOG, str)
        return {cell.request.subject.what.id: cell.request.subject.what for cell in cells}.values()

    def n(recipes, dataset):
        return sum(recipe.dataset.name == dataset for recipe in recipes)

    paper, quick = trained("paper"), trained("quick")
    # Four betas; two seeds, of two sizes or of two variants; three seeds.
    assert {name: n(paper, name) for name in ("shapes3d", "mpi3d", "mnist", "fashion_mnist")} == {
        "shapes3d": 16, "mpi3d": 16, "mnist": 12, "fashion_mnist": 12,
    }  # fmt: skip
    assert len(paper) == 56
    assert n(quick, "scenes") == 4
    assert len(quick) == 12
    assert all(recipe.network.params.third_elu for recipe in [*paper, *quick])


def test_reports_of_latent_responses_call_data_by_their_name_and_compare_like_with_like():
    for scale in ("quick", "paper"):
        for report in STUDIES["latent_response"].at(scale).reports:
            assert "' as dataset" not in report.sql
            # Equation 8 is the root; the square has a name that nothing is published under.
            if report.table == "2":
                assert "when 'mmd2' then 'squared_structure_score'" in report.sql


def test_the_helix_study_has_several_seeds_and_both_costs():
    cells = cells_of(STUDIES["helix"].at("quick"), CATALOG, str)
    paths = [cell.request for cell in cells if cell.request.metric.name == "latent_path"]
    assert len({request.subject.what.id for request in paths}) == 15
    assert {request.metric.params.repulsion for request in paths} == {100, 0}
    # All else is as the metric has it by itself.
    defaults = type(paths[0].metric.params)(start=538, end=921)
    assert {request.metric.params for request in paths if request.metric.params.repulsion} == {defaults}
