"""Manifest entries: declarations that import nothing."""

from dataclasses import FrozenInstanceError, fields

import pytest

from vaehub.registry import Metric, Model, Network
from vaehub.registry.entries import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_may_name_a_class_that_is_not_there_yet(kind):
    entry = kind("sample", "no_such_module:Sample", "something")
    assert (entry.name, entry.target, entry.summary) == ("sample", "no_such_module:Sample", "something")


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_cannot_be_changed(kind):
    with pytest.raises(FrozenInstanceError):
        kind("sample", "a:A", "something").revision = 2


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_begins_with_the_first_revision(kind):
    assert kind("sample", "a:A", "something").revision == 1


@pytest.mark.parametrize("kind", KINDS)
def test_entries_that_say_the_same_are_equal(kind):
    assert kind("sample", "a:A", "something") == kind("sample", "a:A", "something")


def test_entries_of_different_kinds_are_different_though_all_is_the_same():
    assert Model("same", "a:A", "something") != Network("same", "a:A", "something")


def test_a_metric_measures_a_model_unless_it_says_otherwise():
    assert Metric("sample", "a:A", "something").subject == "model"
    assert Metric("sample", "a:A", "something", subject="pair").subject == "pair"


def test_metrics_of_different_subjects_are_different():
    assert Metric("sample", "a:A", "something", subject="pair") != Metric("sample", "a:A", "something")


def test_only_metrics_have_a_subject():
    assert [kind.kind for kind in KINDS if "subject" in {field.name for field in fields(kind)}] == ["metric"]


@pytest.mark.parametrize("units", [["nats"], {"kl": None}, {1: "nats"}, 3])
def test_units_that_cannot_be_recorded_are_refused_in_the_manifest(units):
    with pytest.raises((TypeError, ValueError)):
        Metric("kl", "acme:Kl", "divergence", units=units)


def test_metrics_of_other_units_are_other_entries():
    one, other = (Metric("kl", "acme:Kl", "divergence", units=units) for units in ({"kl": "nats"}, {"kl": "bits"}))
    assert one != other
    assert one == Metric("kl", "acme:Kl", "divergence", units={"kl": "nats"})
    assert len({one, other}) == 2
