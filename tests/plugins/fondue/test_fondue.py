"""Searches for a number of latents, and for a beta, with real trainings."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from vaehub import DataError, Hub, Result, VaehubError, Vector, WorkFailed
from vaehub.analysis import PALETTE
from vaehub.hub.recipe_runner import RecipeRunner
from vaehub.hub.refusals import refuse
from vaehub.plugins.fondue.fondue import Fondue
from vaehub.plugins.fondue.fondue_ide import FondueIde
from vaehub.plugins.fondue.params import FondueIdeParams, FondueParams

STARTED = "select count(*) from trainings"


def steps(found, column="n"):
    return found.result.tables["search"].columns[column].tolist()


def test_fondue_ends_on_the_greatest_number_whose_gap_is_within_the_threshold(shared, recipe):
    found = shared.measure("fondue", recipe, settings={"start": 3})
    table = found.result.tables["search"]
    gaps = dict(zip(steps(found), steps(found, "gap"), strict=True))
    assert gaps[found["n_latents"]] <= 1 < gaps[found["n_latents"] + 1]
    assert steps(found)[0] == found["start"] == 3
    assert (found["n_trained"], found["epochs"]) == (len(gaps), 3)
    assert table.keys["step"] == tuple(range(1, len(gaps) + 1))
    assert table.columns["gap"] == pytest.approx(table.columns["trace_sampled"] - table.columns["trace_mean"])
    assert (table.columns["lower"][-1], table.columns["upper"][-1]) == (found["n_latents"], found["n_latents"] + 1)
    assert "is_stable" not in found.result.scalars


def test_every_model_is_a_stored_training_with_its_traces(shared, recipe):
    found = shared.measure("fondue", recipe, settings={"start": 3})
    rows = shared.sql(
        "select t.latent_dim, r.value from trainings t join results r on r.training = t.id "
        "where r.metric = 'latent_traces' and r.name = 'gap'"
    )
    assert set(zip(steps(found), steps(found, "gap"), strict=True)) <= {tuple(row) for row in rows}
    listed = shared.sql(
        "select keys ->> '$.training' as training, t.latent_dim, r.value from results r "
        "join trainings t on t.id = (keys ->> '$.training') where metric = 'fondue' and name = 'n'"
    )
    assert all(latent_dim == value for _, latent_dim, value in listed)


def test_a_search_that_is_asked_for_again_trains_nothing(hub, recipe, trained):
    once = hub.measure("fondue", recipe, settings={"start": 3})
    n = trained()
    again = hub.measure("fondue", recipe, settings={"start": 3}, force=True)
    assert not again.reused
    assert trained() == n
    assert next(iter(hub.sql(STARTED)))[0] == n
    assert steps(again, "gap") == steps(once, "gap")


@pytest.mark.slow
def test_five_starts_give_one_answer(shared, recipe):
    found = [shared.measure("fondue", recipe, settings={"start": start}) for start in (1, 2, 5, 8, 13)]
    seen = {}
    for each in found:
        seen |= dict(zip(steps(each), steps(each, "gap"), strict=True))
    in_order = [seen[n] for n in sorted(seen)]
    assert in_order == sorted(in_order), "gaps of these seeds grow"
    assert len({each["n_latents"] for each in found}) == 1
    assert all(each["is_monotone"] for each in found)


def test_a_search_that_was_interrupted_goes_on_where_it_was(hub, recipe, trained, monkeypatch):
    measured, n_asked = RecipeRunner.measure, 0

    def interrupted(self, metric, subject, **params):
        nonlocal n_asked
        n_asked += 1
        if n_asked > 2:
            raise KeyboardInterrupt
        return measured(self, metric, subject, **params)

    with monkeypatch.context() as patched:
        patched.setattr(RecipeRunner, "measure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            hub.measure("fondue", recipe, settings={"start": 3})
    assert trained() == 2
    first = set(hub.sql("select id, started from trainings"))
    found = hub.measure("fondue", recipe, settings={"start": 3})
    assert trained() == found["n_trained"] > 2
    # Those that were there are the same ones, and no search without interruption does otherwise.
    assert first < set(hub.sql("select id, started from trainings"))


@pytest.mark.slow
def test_a_search_whose_process_is_killed_goes_on_where_it_was(tmp_path):
    code = (
        "from vaehub import Hub; hub = Hub.open('store', device='cpu'); "
        "recipe = hub.recipe('beta_vae', settings={'model.beta': 0.3, 'network.hidden': [32], 'train.epochs': 30}); "
        "found = hub.measure('fondue', recipe, settings={'start': 3}); print(found['n_trained'])"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    rows, deadline = [], time.monotonic() + 100
    while len(rows) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        if (tmp_path / "store").exists():
            try:
                rows = list(Hub.open(tmp_path / "store").sql("select id, started from trainings where status = 'done'"))
            except VaehubError:
                continue  # the other process is writing
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(rows) >= 2
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=True
    )
    after = list(Hub.open(tmp_path / "store").sql("select id, started from trainings where status = 'done'"))
    assert set(rows) < set(after)
    assert len(after) == int(float(done.stdout))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_gaps_and_another_one_others(hub, tmp_path, recipe):
    other = Hub.open(tmp_path / "other", device="cpu")
    once, again = (each.measure("fondue", recipe, settings={"start": 2}) for each in (hub, other))
    assert steps(once, "gap") == steps(again, "gap")
    varied = other.measure("fondue", recipe.vary(seed=1), seed=1, settings={"start": 2})
    assert steps(varied, "gap")[0] != steps(once, "gap")[0]


@pytest.mark.slow
def test_the_supervised_search_gives_the_same_answer(shared, recipe):
    by_doubling = shared.measure("fondue", recipe, settings={"start": 3})
    supervised = shared.measure("fondue", recipe, settings={"search": "supervised", "upper": 20})
    assert supervised["n_latents"] == by_doubling["n_latents"]
    assert steps(supervised)[0] == 10
    assert "start" not in supervised.result.scalars


@pytest.mark.slow
def test_epochs_are_raised_until_the_answer_repeats(shared, recipe):
    """With so great a beta every latent is passive and adds 1, however long it is trained."""
    settings = {"start": 3, "threshold": 2.5, "epochs": [1, 2, 500]}
    found = shared.measure("fondue", recipe.vary(model={"beta": 200}), settings=settings)
    table = found.result.tables["search"]
    assert list(dict.fromkeys(table.keys["epochs"])) == [1, 2], "the third is not needed"
    assert (found["n_latents"], found["is_stable"], found["epochs"]) == (2, 1, 1)
    assert found["n_trained"] == len(table.keys["step"]) == 6


@pytest.mark.slow
def test_an_answer_that_never_repeats_is_said_to_be_unstable(shared, recipe):
    found = shared.measure("fondue", recipe.vary(model={"beta": 0.05}), settings={"start": 8, "epochs": [1, 12]})
    table = found.result.tables["search"]
    assert set(table.keys["epochs"]) == {1, 12}
    assert (found["is_stable"], found["epochs"]) == (0, 12)


def test_the_start_is_the_intrinsic_dimension_of_the_data_rounded_up(shared, recipe):
    data = shared.measure("intrinsic_dimension_mle", "digits")
    found = shared.measure("fondue", recipe)
    assert found["start"] == np.ceil(data["dimension"]) == steps(found)[0]
    limited = shared.measure("fondue", recipe, settings={"maximum": 5})
    assert limited["start"] == 5


def test_fondue_ide_compares_intrinsic_dimensions(shared, recipe):
    found = shared.measure("fondue_ide", recipe, settings={"start": 3})
    table = found.result.tables["search"]
    assert table.columns["gap"] == pytest.approx(
        table.columns["dimension_sampled"] - table.columns["dimension_mean"], abs=1e-9
    )
    gaps = dict(zip(steps(found), steps(found, "gap"), strict=True))
    assert gaps[found["n_latents"]] <= 1 < gaps[found["n_latents"] + 1]
    assert shared.figure(found.id) is not None


def test_fondue_ib_compares_entropy_and_information(shared, recipe):
    found = shared.measure("fondue_ib", recipe, settings={"start": 3, "threshold": 3})
    table = found.result.tables["search"]
    entropy, information = table.columns["entropy_z"], table.columns["information_x_reconstruction"]
    assert table.columns["gap"] == pytest.approx(entropy - information, abs=1e-8)
    assert (np.round(entropy * 100) / 100 == entropy).all(), "truncated to two decimals"
    exact = shared.measure("fondue_ib", recipe, settings={"start": 3, "threshold": 3, "truncate": False})
    difference = exact.result.tables["search"].columns["entropy_z"][0] - entropy[0]
    assert 0 < difference < 0.01
    assert shared.figure(found.id) is not None


def test_a_gap_of_one_unit_of_the_last_decimal_meets_the_threshold():
    """6.27 - 6.28 in binary is above -0.01, which FONDUE_IB compares it with."""
    assert any((n / 100 - (n + 1) / 100) > -0.01 for n in range(600, 700))
    assert all(round(n / 100 - (n + 1) / 100, 9) <= -0.01 for n in range(1000))


@pytest.mark.slow
def test_fondue_over_beta_brackets_the_greatest_beta(shared, recipe):
    found = shared.measure(
        "fondue_beta", recipe.vary(model={"latent_dim": 4}), settings={"tolerance": 0.3, "upper": 20}
    )
    gaps = dict(zip(steps(found), steps(found, "gap"), strict=True))
    assert gaps[found["beta"]] <= 1 < gaps[found["too_great"]]
    assert found["beta"] < found["too_great"] <= found["beta"] * 1.3 + 1e-9
    assert steps(found)[:2] == [0.01, 20]
    assert shared.figure(found.id) is not None


# What is refused


def test_data_without_a_dimension_to_start_from_are_refused_before_work(hub):
    np.save("same.npy", np.full((300, 6), 0.5, dtype=np.float32))
    recipe = hub.recipe("vae", dataset="./same.npy", settings={"train.epochs": 1})
    message = (
        "^metric 'fondue' needs observations that differ, and all 270 .* are copies of one; give other data, or a start"
    )
    with pytest.raises(DataError, match=message):
        hub.measure("fondue", recipe)
    assert not hub.store.exists
    assert hub.measure("fondue", recipe, settings={"start": 2})["start"] == 2


def test_one_latent_that_is_too_many_is_no_answer_and_its_trainings_stay(hub, recipe, trained):
    with pytest.raises(
        WorkFailed, match=r"metric 'fondue' found that one latent is too many: its gap is 0\.\d+ after 3"
    ):
        hub.measure("fondue", recipe, settings={"start": 2, "threshold": 1e-3})
    assert trained() == 2
    [row] = hub.sql("select status, error from measurements where metric = 'fondue'")
    assert row[0] == "failed"
    assert "train for longer" in row[1]


def test_means_that_are_all_the_same_have_no_dimension_to_compare(recipe):
    class Collapsed:
        """A runner in which every training collapses."""

        def measure(self, metric, subject, **params):
            return Result(vectors={"mle": Vector([np.nan, 3.0], "layer", ["mean", "sampled"])})

    with pytest.raises(WorkFailed, match="with 2 latents the mean representation has no dimension, .* regularise less"):
        FondueIde(FondueIdeParams(start=2)).measure(recipe, Collapsed())


@pytest.mark.parametrize("more", [{"start": 1, "maximum": 3}, {"search": "supervised", "upper": 4}])
def test_a_search_that_never_crosses_the_threshold_stops_and_says_so(hub, recipe, trained, more):
    words = "found no number of latents that is too great: with 3 the gap is .*, at most the threshold of 100; raise"
    with pytest.raises(WorkFailed, match=words):
        hub.measure("fondue", recipe, settings={"threshold": 100, **more})
    assert trained() >= 2
    assert next(iter(hub.sql("select count(*) from measurements where metric = 'latent_traces'")))[0] == trained()


def test_a_beta_range_on_one_side_of_the_threshold_is_no_answer(hub, recipe):
    recipe = recipe.vary(model={"latent_dim": 2})
    with pytest.raises(WorkFailed, match=r"no beta between 0.01 and 0.02 .* raise '-s metric.upper"):
        hub.measure("fondue_beta", recipe, settings={"upper": 0.02, "threshold": 5})
    with pytest.raises(WorkFailed, match=r"no beta between 0.01 and 0.02 .* lower '-s metric.lower"):
        hub.measure("fondue_beta", recipe, settings={"upper": 0.02, "threshold": 1e-6})


@pytest.mark.parametrize(
    ("metric", "settings", "words"),
    [
        ("fondue", {"start": 9, "maximum": 8}, "to start from 9 latents and to try 8 at most; raise"),
        ("fondue", {"epochs": [4, 2]}, "takes growing numbers of epochs, got 4, 2; write them in order"),
        ("fondue_ib", {"split": "test"}, "there is no split 'test'"),
        ("fondue_beta", {"lower": 2, "upper": 1}, "from a lower beta to a greater one, got 2 and 1; raise"),
        ("fondue", {"start": 0}, "'start' is 0"),
        ("fondue", {"epochs": [0]}, "'epochs.0' is 0"),
    ],
)
def test_a_search_that_cannot_begin_is_refused_before_any_training(hub, recipe, metric, settings, words):
    with pytest.raises(VaehubError, match=words):
        hub.measure(metric, recipe, settings=settings)
    assert not hub.store.exists


@pytest.mark.parametrize("metric", ["fondue", "fondue_ib", "fondue_ide"])
def test_a_search_counts_in_epochs(hub, metric):
    with pytest.raises(
        VaehubError, match=f"'{metric}' counts .* in epochs, and 'train.steps' is 5; give 'train.epochs'"
    ):
        hub.measure(metric, hub.recipe("vae", settings={"train.steps": 5}))
    assert not hub.store.exists


def test_a_deterministic_model_has_no_noise_to_compare(hub):
    with pytest.raises(VaehubError, match="'fondue' needs a model with posterior variances, and this one has none"):
        hub.measure("fondue", hub.recipe("ae"), settings={"start": 3})


@pytest.mark.parametrize("model", ["ard", "ivae"])
@pytest.mark.parametrize("metric", ["fondue", "fondue_beta"])
def test_a_prior_of_its_own_leaves_passive_latents_another_variance(hub, metric, model):
    recipe = hub.recipe(model, settings={"model.auxiliary": "labels"} if model == "ivae" else {})
    words = f"'{metric}' finds passive latents by the variance of a standard normal prior, and model '{model}' has"
    with pytest.raises(VaehubError, match=words):
        hub.measure(metric, recipe)
    assert not hub.store.exists


def test_a_model_without_a_beta_has_none_to_search_over(hub):
    with pytest.raises(VaehubError, match="varies 'model.beta', and model 'ae' has no such parameter; 'beta_vae' has"):
        hub.measure("fondue_beta", hub.recipe("ae"))


def test_a_network_of_fixed_size_is_told_by_the_number_that_it_does_not_have(hub, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "fixed_vae.py").write_text(
        "from torch import nn\n"
        "class Encoder(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.mean, self.logvar = nn.Linear(64, 4), nn.Linear(64, 4)\n"
        "    def forward(self, x):\n"
        "        return self.mean(x.flatten(1)), self.logvar(x.flatten(1))\n"
        "class Vae(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.encoder = Encoder()\n"
        "        self.decoder = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid())\n"
    )
    settings = {"network.object": "fixed_vae:Vae", "model.latent_dim": 4, "train.epochs": 1}
    recipe = hub.recipe("vae", network="own", settings=settings)
    with pytest.raises(VaehubError, match="this model with 3 latents, which cannot be had: .*'own' has 4 latents"):
        hub.measure("fondue", recipe, settings={"start": 3})


def test_a_classifier_has_no_posterior_variances(hub):
    with pytest.raises(VaehubError, match="'fondue' needs a model with posterior variances, and this one has none"):
        hub.measure("fondue", hub.recipe("classifier"), settings={"start": 3})


def test_a_model_without_a_number_of_latents_is_refused(hub, recipe):
    from dataclasses import replace

    from vaehub import Params

    fixed = replace(recipe, model=replace(recipe.model, name="fixed", params=Params()))
    with pytest.raises(VaehubError, match="varies 'model.latent_dim', and model 'fixed' has no such parameter"):
        refuse(Fondue(FondueParams()), fixed, *hub.model(recipe))


# Plots


def test_the_plot_numbers_the_visits_and_shows_threshold_and_answer(shared, recipe):
    found = shared.measure("fondue", recipe, settings={"start": 3, "epochs": [3, 4]})
    axes = shared.figure(found.id).axes[0]
    assert sorted(text.get_text() for text in axes.texts) == sorted(
        str(step) for step in found.result.tables["search"].keys["step"]
    )
    assert [line.get_color() for line in axes.lines[:2]] == list(PALETTE[:2])
    for line in axes.lines[:2]:
        assert (np.diff(line.get_xdata()) > 0).all(), "a curve goes from few latents to many, whatever the visits"
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["3 epochs", "4 epochs", "threshold 1", f"answer: {found['n_latents']:g}"]
