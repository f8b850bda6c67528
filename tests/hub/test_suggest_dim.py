"""What methods say of the number of latents, and what is recommended."""

from types import SimpleNamespace

import pytest

from vaehub import VaehubError
from vaehub.hub import suggest_dim
from vaehub.hub.plots import suggestion_plot
from vaehub.hub.suggest_dim import Answer, Suggestion
from vaehub.registry.entries import Suggests

QUICK = {"data.subset": 300, "train.epochs": 1, "network.hidden": [16]}


def answer(method, *values, is_bound=False, failures=(), n_asked=None):
    suggests = Suggests("n", "latents", is_bound=is_bound)
    return Answer(method, suggests, values, 1.0, tuple(failures), n_asked or len(values) + len(failures))


def suggested(*answers):
    return Suggestion("digits", "mlp", 3, answers)


def test_methods_that_agree_give_one_number():
    found = suggested(answer("a", 11, 12, 13), answer("b", 11, 11, 11))
    assert found.latent_dim == 12
    assert found.words == "Use 12 latents with network 'mlp': a finds 12, b finds 11."


def test_the_fewest_that_are_no_less_than_the_data_have_dimensions_are_recommended():
    found = suggested(answer("own", 11.8, is_bound=True), answer("a", 14), answer("b", 22), answer("c", 7))
    assert found.latent_dim == 14
    assert found.words.startswith(
        "Use 14 latents with network 'mlp', or as few as 7 where each one has to matter, or up to 22 where detail "
        "counts more than economy: a finds 14, b finds 22, c finds 7. The data have about 11.8"
    )


def test_where_that_is_not_known_it_is_the_most_that_a_method_finds():
    found = suggested(answer("a", 20), answer("b", 8))
    assert (
        found.words
        == "Use 20 latents with network 'mlp', or as few as 8 where each one has to matter: a finds 20, b finds 8."
    )


def test_a_bound_is_told_and_is_no_answer():
    found = suggested(answer("own", 4.2, is_bound=True), answer("a", 9))
    assert found.latent_dim == 9
    assert "The data have about 4.2 dimensions of their own." in found.words
    assert "more than these models use" not in found.words


def test_fewer_latents_than_the_data_have_dimensions_are_a_warning():
    found = suggested(answer("mle", 12.1, is_bound=True), answer("twonn", 14, is_bound=True), answer("a", 9))
    assert "about 12.1 to 14 dimensions" in found.words
    assert "train for longer (--set train.epochs)" in found.words


def test_seeds_that_differ_widely_are_a_warning():
    assert "Seeds of a differ by 4.2" in suggested(answer("a", 4, 10)).words
    assert "differ" not in suggested(answer("a", 10, 11)).words


def test_a_method_that_always_fails_says_why():
    found = suggested(answer("a", failures=["it is too narrow", "it is too narrow"]), answer("b", 7))
    assert found.words == "Use 7 latents with network 'mlp': b finds 7. a failed: it is too narrow"


def test_without_any_answer_nothing_is_recommended():
    found = suggested(answer("own", 4, is_bound=True), answer("a", n_asked=3))
    assert found.latent_dim is None
    assert found.words.startswith("There is no recommendation yet")
    assert found.words.endswith("The time was over before all was done; the same command goes on where it was.")


def test_a_mean_below_a_half_is_still_one_latent():
    assert suggested(answer("a", 0.2)).latent_dim == 1


def test_all_installed_methods_are_asked_bounds_first(hub):
    methods = suggest_dim.methods_of(hub.catalog, None)
    assert {"intrinsic_dimension_mle", "intrinsic_dimension_twonn", "fondue", "relevant_dimension"} <= methods.keys()
    bounds = [entry.suggests.is_bound for entry in methods.values()]
    assert bounds == sorted(bounds, reverse=True)


def test_each_seed_is_asked_of_all_methods_before_the_next(hub):
    methods = suggest_dim.methods_of(hub.catalog, ["relevant_dimension", "intrinsic_dimension_mle"])
    definition, epochs = suggest_dim.definition_of(
        methods,
        data="digits",
        network="mlp",
        settings={"train.batch_size": 100},
        train=suggest_dim.train_params_of({"train.batch_size": 100}),
        seeds=2,
        n_observations=1000,
    )
    assert epochs == 250
    grids = definition.at(None).grids
    assert [(next(iter(grid.metrics)), grid.recipe["seed"]) for grid in grids] == [
        ("intrinsic_dimension_mle", 0),
        ("relevant_dimension", 0),
        ("intrinsic_dimension_mle", 1),
        ("relevant_dimension", 1),
    ]
    trained = [(grid.recipe.get("train.until"), grid.recipe["train.epochs"]) for grid in grids]
    assert trained == 2 * [(None, 250), ("stable", 1000)]


@pytest.mark.slow
def test_it_is_a_study_that_goes_on_and_is_not_made_twice(hub):
    first = hub.suggest_dim("digits", methods=["relevant_dimension"], seeds=2, settings=QUICK, jobs=1)
    [found] = first.answers
    assert len(found.values) == 2
    assert found.seconds > 0
    before = list(hub.sql("select id, started from measurements order by id"))
    again = hub.suggest_dim("digits", methods=["relevant_dimension"], seeds=2, settings=QUICK, jobs=1)
    assert again == first
    assert list(hub.sql("select id, started from measurements order by id")) == before
    [(n,)] = hub.sql("select count(*) from study_results where study = 'suggest-dim digits' and name = 'n_latents'")
    assert n == 2


def test_loading_counts_and_what_was_answered_is_told(hub, monkeypatch):
    moments = [0.0, 11.0]
    monkeypatch.setattr("vaehub.hub.suggest_dim.time", SimpleNamespace(monotonic=lambda: moments.pop(0)))
    given = []
    monkeypatch.setattr("vaehub.hub.study.study.rehearse", lambda *_: given.append("rehearsed") or [])
    found = hub.suggest_dim("digits", methods=["relevant_dimension"], seeds=2, settings=QUICK, budget=10)
    assert (given, moments, found.has_begun, hub.store.exists) == ([], [], False, False)
    assert found.words.endswith("while the data were loaded and all was tried out; give more with --budget.")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"methods": ["relevance"]}, "'relevance' does not say how many latents data need"),
        ({"settings": {"model.beta": 2}}, "setting 'model.beta' is not one of suggest-dim"),
        ({"settings": {"train.epoch": 2}}, "did you mean 'epochs'|epochs"),
        ({"settings": {"train.steps": 9}}, "in epochs, and 'train.steps' is 9; give 'train.epochs' instead"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_made(hub, asked, says):
    with pytest.raises(VaehubError, match=says):
        hub.suggest_dim("digits", **asked)
    assert not hub.store.exists


def test_its_picture_shows_who_has_answered():
    found = suggested(answer("own", 4, is_bound=True), answer("a", 9, 11), answer("b", n_asked=2))
    [axes] = suggestion_plot(found).axes
    assert [label.get_text().split("\n")[0] for label in axes.get_yticklabels()] == ["own", "a"]
    assert axes.get_title() == "digits: use 10 latents"


def test_its_picture_is_empty_while_nobody_has_answered():
    [axes] = suggestion_plot(suggested(answer("a", n_asked=2))).axes
    assert axes.get_title() == "digits: no recommendation yet"
