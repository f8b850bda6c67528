"""Every option of a search changes what it trains, measures or answers; gaps are made up, and nothing is trained."""

from collections import defaultdict

import pytest

from vaehub import Result, Table, Vector
from vaehub.plugins.fondue.elbow import Elbow
from vaehub.plugins.fondue.fondue import Fondue
from vaehub.plugins.fondue.fondue_beta import FondueBeta
from vaehub.plugins.fondue.fondue_ib import FondueIb
from vaehub.plugins.fondue.fondue_ide import FondueIde
from vaehub.plugins.fondue.params import THESIS_CODE
from vaehub.plugins.intrinsic_dimension.params import PRESETS

GREATEST = 11
"""Latents whose gap is still 1 or less: gaps grow by 1/11 with each."""


class MadeUp:
    """A laboratory whose gaps grow with latents, or with beta, and which remembers what was asked of it."""

    def __init__(self):
        self.latents, self.epochs, self.asked = [], [], defaultdict(list)

    def measure(self, metric, subject, **params):
        self.asked[metric].append(params)
        if metric == "intrinsic_dimension_mle":
            return Result({"dimension": 2.5})
        n, beta = subject.model.params.latent_dim, subject.model.params.beta
        self.latents.append(n)
        self.epochs.append(subject.train.epochs)
        gap = n / GREATEST
        return {
            "latent_traces": lambda: (
                Result({"gap": beta, "trace_mean": 5.0, "trace_sampled": 5.0 + beta})
                if beta != 0.3
                else Result({"gap": gap, "trace_mean": 5.0, "trace_sampled": 5.0 + gap})
            ),
            "information_plane": lambda: Result({"entropy_z": gap + 2.005, "information_x_reconstruction": 2.0}),
            "representation_dimension": lambda: Result(
                vectors={"mle": Vector([3.0, 3.0 + gap], "layer", ["mean", "sampled"])}
            ),
            "reconstruction_error": lambda: Result({"mse": 1 / n, "squared_error": 64 / n}),
            "downstream_probe": lambda: Result(
                tables={"mean": Table({"subset": ["all"]}, {"mean_test_accuracy": [1 - 1 / n]})}
            ),
        }[metric]()


def measured(metric, recipe, **params):
    """Return the result of a metric, and the laboratory that it asked."""
    runner = MadeUp()
    return metric(metric.Params(**params)).measure(recipe, runner), runner


SEARCHES = [(Fondue, "latent_traces"), (FondueIb, "information_plane"), (FondueIde, "representation_dimension")]


@pytest.mark.parametrize(("metric", "asked"), SEARCHES)
def test_observations_and_split_are_those_of_every_measurement_and_of_the_start(recipe, metric, asked):
    _, runner = measured(metric, recipe, n_samples=70, split="validation", threshold=1)
    for name in (asked, "intrinsic_dimension_mle"):
        assert runner.asked[name]
        for params in runner.asked[name]:
            assert params["n_samples"] == 70
            assert params["split"] == "validation"


@pytest.mark.parametrize(("metric", "asked"), SEARCHES)
def test_start_maximum_and_threshold(recipe, metric, asked):
    found, runner = measured(metric, recipe, threshold=1)
    assert (found.scalars["start"], runner.latents[0]) == (3, 3), "the dimension of the data, rounded up"
    assert found.scalars["n_latents"] == GREATEST
    found, runner = measured(metric, recipe, threshold=1, start=5)
    assert (runner.latents[0], found.scalars["n_latents"]) == (5, GREATEST)
    assert "intrinsic_dimension_mle" not in runner.asked
    found, runner = measured(metric, recipe, threshold=0.5, start=5)
    assert found.scalars["n_latents"] == 5
    _, runner = measured(metric, recipe, threshold=1, start=10, maximum=13)
    assert max(runner.latents) == 13


@pytest.mark.parametrize(("metric", "asked"), SEARCHES)
def test_a_supervised_search_halves_the_range_below_its_upper_number(recipe, metric, asked):
    found, runner = measured(metric, recipe, threshold=1, search="supervised", upper=40)
    assert (runner.latents[0], found.scalars["n_latents"]) == (20, GREATEST)
    assert "intrinsic_dimension_mle" not in runner.asked
    _, runner = measured(metric, recipe, threshold=1, search="supervised", upper=60)
    assert runner.latents[0] == 30


@pytest.mark.parametrize(("metric", "asked"), SEARCHES)
def test_searches_are_made_with_each_number_of_epochs_until_the_answer_repeats(recipe, metric, asked):
    _, runner = measured(metric, recipe, threshold=1, start=3)
    assert set(runner.epochs) == {recipe.train.epochs}
    found, runner = measured(metric, recipe, threshold=1, start=3, epochs=(7, 9, 50))
    assert list(dict.fromkeys(runner.epochs)) == [7, 9]
    assert (found.scalars["epochs"], found.scalars["is_stable"]) == (7, 1)
    # 3, 6, 12, 9, 10 and 11 latents, after 7 epochs and again after 9.
    assert [found.scalars[name] for name in ("n_trained", "n_models", "n_epochs")] == [12, 6, 42]


@pytest.mark.parametrize(
    ("metric", "asked", "option"),
    [
        (Fondue, "latent_traces", {"analytic": True}),
        (Fondue, "latent_traces", {"truncate": True}),
        (FondueBeta, "latent_traces", {"analytic": True}),
        (FondueBeta, "latent_traces", {"truncate": True}),
        (FondueBeta, "latent_traces", {"n_samples": 70}),
        (FondueBeta, "latent_traces", {"split": "all"}),
        (FondueIb, "information_plane", {"batch": 70}),
        (FondueIb, "information_plane", {"logits": True}),
        (FondueIb, "information_plane", {"compat": True}),
        (FondueIde, "representation_dimension", {"k": 7}),
        (FondueIde, "representation_dimension", {"aggregation": "mean"}),
        (FondueIde, "representation_dimension", {"normaliser": "k-2"}),
        (FondueIde, "representation_dimension", {"anchor": 0.7}),
        (FondueIde, "representation_dimension", {"runs": 3}),
        (FondueIde, "representation_dimension", {"max_duplicates": 0.2}),
        (Elbow, "reconstruction_error", {"z": "sampled"}),
        (Elbow, "reconstruction_error", {"split": "test"}),
    ],
)
def test_options_of_a_measurement_are_passed_on(recipe, metric, asked, option):
    more = {"threshold": 1} if metric in (FondueIb, FondueIde) else {}
    _, runner = measured(metric, recipe, **option, **more)
    assert runner.asked[asked]
    assert all(option.items() <= params.items() for params in runner.asked[asked])


def test_the_preset_of_the_thesis_has_the_estimate_of_table_d4(recipe):
    _, runner = measured(FondueIde, recipe, preset="thesis-code", runs=2)
    for params in runner.asked["representation_dimension"]:
        assert [params[name] for name in ("k", "aggregation", "normaliser", "anchor")] == [20, "pooled", "k-2", 0.8]
        assert params["runs"] == 2, "given values win"
    assert PRESETS["thesis-code"] == THESIS_CODE, "that of the dimension of data"
    assert (
        FondueIde.Params(preset="thesis-code").identity()
        == FondueIde.Params(normaliser="k-2", anchor=0.8, runs=5).identity()
    ), "only what it stands for counts"


def test_entropies_are_rounded_down_to_two_decimals_unless_they_are_asked_for_as_they_are(recipe):
    """2.005 less 2 at the least: 0.00 if rounded down, and 0.005 more than gaps otherwise."""
    rounded, exact, compat = (
        measured(FondueIb, recipe, threshold=1, start=11, **more)[0]
        for more in ({}, {"truncate": False}, {"compat": True})
    )
    first = [found.tables["search"].columns["gap"][0] for found in (rounded, exact, compat)]
    assert first == [1.0, 1.005, 1.005], "compat has rounded each batch"
    assert [found.scalars["n_latents"] for found in (rounded, exact)] == [11, 10]


def test_the_range_and_tolerance_of_betas(recipe):
    found, _ = measured(FondueBeta, recipe, lower=0.5, upper=8)
    beta, too_great = found.scalars["beta"], found.scalars["too_great"]
    assert found.tables["search"].columns["n"][:2].tolist() == [0.5, 8]
    assert beta <= 1 < too_great <= beta * 1.05
    coarse, _ = measured(FondueBeta, recipe, lower=0.5, upper=8, tolerance=1)
    assert coarse.scalars["n_trained"] < found.scalars["n_trained"]
    assert coarse.scalars["too_great"] > beta * 1.05
    higher, _ = measured(FondueBeta, recipe, lower=0.5, upper=8, threshold=2)
    assert 1.9 < higher.scalars["beta"] <= 2


def test_the_elbow_has_the_given_numbers_of_latents_and_accuracy_if_it_is_asked_for(recipe):
    found, runner = measured(Elbow, recipe, latent_dims=(1, 2, 9), n_seeds=1)
    assert runner.latents == [1, 2, 9]
    assert "downstream_probe" not in runner.asked
    assert set(found.scalars) == {"knee_mse"}
    both, runner = measured(Elbow, recipe, latent_dims=(1, 2, 9), n_seeds=1, accuracy=True, split="test")
    assert both.tables["curves"].columns["accuracy"].tolist() == pytest.approx([0, 1 / 2, 8 / 9])
    assert both.scalars["knee_accuracy"] == 2
    assert all("test" in params.values() for params in runner.asked["downstream_probe"])
