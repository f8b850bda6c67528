"""Names in the published tables are ours, so that they join with results; those that are not have a reason here."""

import re
from collections import defaultdict

import pytest

from vaehub.hub.study.definition import Definition
from vaehub.registry.catalog import Catalog
from vaehub.store.published import Paper

CATALOG = Catalog()

OTHER_DATA = {
    "mnist+fashion_mnist": "pooled results, or a setting of both",
    "mpi3d_toy": "a variant of 'mpi3d', which is a parameter of the data",
    "mpi3d_real": "a variant of 'mpi3d', which is a parameter of the data",
    "synthetic": "arrays of Section 7.2.2 of the thesis, which are no data set",
}
OTHER_MODELS = {"beta_vae+dip_vae_ii": "a setting of both"}
OTHER_METRICS = {
    "bs-fondue": "'fondue' with search=supervised",
    "ib": "'fondue_ib' with search=supervised",
    "ib and bs-fondue": "a setting of both",
}
OTHER_VALUES = {
    "seconds": "times on other machines",
    "ground_truth_dims": "how many factors the data have",
    "dci_disentanglement": "'disentanglement' of 'dci'; beside Table 1 only",
    "irs": "beside Table 1 only",
    "mig": "beside Table 1 only",
}
NO_REPORT = {("ard", "S2"): "ImageNet with other numbers of observations for the prior, which no study makes"}
"""Tables of results that no report stands beside."""
SETTINGS = {
    "ard": {"S6", "text"},
    "intervention": {"A.1", "A.2", "text"},
    "latent_response": {"text"},
    "mnist_vae": {"text"},
    "polarised_regime": {"A.1", "C.1", "C.2", "C.5", "D.1", "D.4", "text"},
}
"""Tables of settings, whose names are the papers' words for them."""


def figures_of(paper):
    return Paper(paper, CATALOG.find("published", paper).read()).figures()


def values_of(key):
    return {figure.keys.get(key) for paper in SETTINGS for figure in figures_of(paper)} - {None}


def names_of(kind):
    return {each.entry.name for each in CATALOG.entries(kind)}


@pytest.mark.parametrize(("kind", "others"), [("dataset", OTHER_DATA), ("model", OTHER_MODELS)])
def test_data_and_models_have_our_names(kind, others):
    assert values_of(kind) - names_of(kind) == others.keys()


def test_algorithms_have_the_names_of_our_metrics_but_for_the_hyphen():
    algorithms = {name: str(name).replace("-", "_") for name in values_of("algorithm")}
    assert {name for name, ours in algorithms.items() if ours not in names_of("metric")} == OTHER_METRICS.keys()


def test_estimators_have_the_names_of_our_metrics():
    assert {f"intrinsic_dimension_{name}" for name in values_of("estimator")} <= names_of("metric")


@pytest.mark.parametrize("paper", SETTINGS)
def test_every_value_of_a_table_of_results_stands_beside_ours(paper):
    """A report of some study gives the value the published name."""
    told = defaultdict(set)
    for entry in CATALOG.entries("study"):
        study = Definition(entry.entry.name, entry.read())
        for scaled in map(study.at, study.scales):
            for report in scaled.reports if scaled.paper == paper else ():
                told[report.table] |= set(re.findall(r"\w+", report.sql))
    missing = {
        (figure.table, figure.name)
        for figure in figures_of(paper)
        if figure.table not in SETTINGS[paper]
        and (paper, figure.table) not in NO_REPORT
        and figure.name not in OTHER_VALUES
        and figure.name not in told[figure.table]
    }
    assert not missing


def test_the_data_of_the_thesis_join_with_ours():
    assert {figure.keys["dataset"] for figure in figures_of("polarised_regime") if figure.table == "8.1"} == {
        *("symsol_reduced", "dsprites", "celeba")
    }
    found = [
        figure.keys for figure in figures_of("polarised_regime") if figure.keys.get("dataset") == "dsprites_colour"
    ]
    assert [each["beta"] for each in found] == [16]
