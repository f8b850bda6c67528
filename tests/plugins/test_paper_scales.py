"""Scale 'paper' has what the thesis says it trained: data, objectives, strengths, starts and seeds."""

from collections import Counter

import pytest

from vaehub.hub.study.definition import Definition
from vaehub.hub.study.grid import cells_of
from vaehub.registry.catalog import Catalog

CATALOG = Catalog()


@pytest.fixture(scope="module")
def cells():
    """Return the cells of a study at scale 'paper', made once."""
    made = {}

    def of(name):
        if name not in made:
            study = Definition(name, CATALOG.find("study", name).read())
            made[name] = cells_of(study.at("paper"), CATALOG, str)
        return made[name]

    return of


def trainings(cells):
    found = {recipe.id: recipe for cell in cells for recipe in cell.request.subject.trainings}
    return list(found.values())


def test_chapter_6_has_9000_trainings_of_five_objectives_at_six_strengths(cells):
    """Section 6.4: 5 architectures, 6 data sets, 6 strengths, 50 seeds."""
    last = {(cell.settings["dataset"], cell.request.subject.what.train.epochs) for cell in cells("polarised")}
    epochs = {dataset: max(n for name, n in last if name == dataset) for dataset, _ in last}
    found = {
        (each.model.name, each.model.params.model_dump_json(), each.dataset.name, each.seed)
        for each in trainings(cells("polarised"))
        if each.train.epochs == epochs[each.dataset.name]
    }
    assert len(found) == 9000
    assert set(Counter(model for model, *_ in found).values()) == {1800}
    assert {dataset for _, _, dataset, _ in found} == {
        *("dsprites", "dsprites_colour", "dsprites_noisy", "dsprites_scream", "cars3d", "smallnorb")
    }
    assert {seed for *_, seed in found} == set(range(50))


def test_chapter_6_has_the_strengths_that_its_figures_name(cells):
    """Beta 16 of Figure 6.9, a capacity of 100 in Appendix B.1, and Table C.2's."""
    found = {
        (each.model.name, name, value)
        for each in trainings(cells("polarised"))
        for name, value in each.model.params.model_dump().items()
    }
    assert {("beta_vae", "beta", beta) for beta in (1, 2, 4, 6, 8, 16)} <= found
    assert {("annealed_vae", "max_capacity", c) for c in (5, 10, 25, 50, 75, 100)} <= found
    assert {value for model, name, value in found if (model, name) == ("annealed_vae", "gamma")} == {1000}
    assert {value for model, name, value in found if (model, name) == ("annealed_vae", "capacity_steps")} == {100_000}


@pytest.mark.parametrize("study", ["polarised", "similarity"])
def test_both_weights_of_dip_vae_ii_are_the_same(cells, study):
    """Tables C.2 and C.5: lambda_d is lambda_od."""
    found = {
        (each.model.params.lambda_off_diagonal, each.model.params.lambda_diagonal)
        for each in trainings(cells(study))
        if each.model.name == "dip_vae_ii"
    }
    assert {1, 2, 5, 10, 20} <= {off for off, _ in found}
    assert all(off == diagonal for off, diagonal in found)


def test_chapter_5_has_the_network_and_the_latents_of_its_tables(cells):
    for each in trainings(cells("ivae")):
        assert (each.dataset.name, each.model.params.latent_dim) == ("dsprites", 30)
        assert list(each.network.params.kernel_sizes) == [4, 4, 4, 4]
        assert (each.train.batch_size, each.train.learning_rate) == (64, 1e-4)


def test_chapter_7_has_300_vaes_of_four_objectives_on_three_data(cells):
    """Section 7.3 and Appendix C.2: 4 objectives, 5 strengths, 3 data sets, 5 initialisations."""
    found = {
        (each.model.name, each.model.params.model_dump_json(), each.dataset.name, each.seed)
        for each in trainings(cells("similarity"))
        if each.network.name == "conv_higgins" and each.model.name != "classifier"
    }
    assert len(found) == 300
    assert Counter(model for model, *_ in found) == dict.fromkeys(
        ("beta_vae", "beta_tc_vae", "dip_vae_ii", "annealed_vae"), 75
    )
    assert Counter(dataset for _, _, dataset, _ in found) == dict.fromkeys(("dsprites", "cars3d", "smallnorb"), 100)


def test_chapter_7_looks_at_the_epochs_of_its_figures(cells):
    """Captions of Figures C.2 to C.4."""
    found = {(each.dataset.name, each.train.epochs) for each in trainings(cells("similarity"))}
    wanted = {
        "dsprites": (2, 7, 14, 19, 26),
        "cars3d": (25, 292, 559, 826, 1090),
        "smallnorb": (10, 110, 210, 311, 410),
    }
    assert found == {(dataset, n) for dataset, epochs in wanted.items() for n in (0, *epochs)}


def test_chapter_8_has_ten_starts_on_three_data_with_ten_seeds(cells):
    """Tables 8.4 to 8.6."""
    found = {
        (cell.settings["dataset"], cell.settings["metric.fondue.start"], cell.request.seed)
        for cell in cells("fondue")
        if "metric.fondue.start" in cell.settings
    }
    assert len(found) == 300
    assert {start for _, start, _ in found} == {5, 19, 22, 39, 74, 94, 116, 145, 180, 182}
    assert {dataset for dataset, *_ in found} == {"symsol_reduced", "dsprites", "celeba"}


def test_elbows_have_the_numbers_of_latents_the_seeds_and_the_classifiers_of_section_8_4_1(cells):
    numbers = {3, 6, 8, 10, 12, 18, 24, 32, 42}
    for model, network in (("vae", "conv_higgins"), ("ae", "conv_higgins"), ("vae", "fc_higgins")):
        found = {
            (cell.settings["model.latent_dim"], cell.request.seed, cell.request.metric.params.classifiers)
            for cell in cells("elbow")
            if (cell.settings["model"], cell.settings["network"]) == (model, network)
            and cell.request.metric.name == "downstream_probe"
        }
        assert found == {(n, seed, ("trees",)) for n in numbers for seed in range(5)}
    [elbow] = [cell for cell in cells("elbow") if cell.request.metric.name == "elbow"]
    assert (elbow.request.seed, elbow.request.metric.params.n_seeds) == (0, 5)
    assert set(elbow.request.metric.params.latent_dims) == numbers
