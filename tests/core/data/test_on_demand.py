"""Observations on demand behave as if they were in memory."""

import numpy as np
import pytest
import torch

from vaehub import DataError, Dataset, Factors, OnDemand, generator

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 5, 4, 3), dtype=np.uint8)
LABELS = np.arange(30) % 3
PARTS = {"train": range(20), "test": range(20, 30)}


def both():
    factors = Factors(("row",), (30,), torch.arange(30)[:, None])
    known = {"labels": LABELS, "factors": factors, "splits": PARTS}
    held = Dataset(np.ascontiguousarray(IMAGES.transpose(0, 3, 1, 2)), **known)
    return held, Dataset(OnDemand.mapped(IMAGES), **known)


def test_the_spec_is_the_same():
    held, lazy = both()
    assert lazy.spec == held.spec


@pytest.mark.parametrize(
    "view",
    [
        lambda data: data,
        lambda data: data.split("test"),
        lambda data: data.split("train").subset(torch.tensor([7, 3, 3])),
        lambda data: data.with_validation(0.3, generator(0)).split("validation"),
        lambda data: data.restricted({"train": torch.tensor([9, 2]), "other": torch.tensor([2, 25])}),
        lambda data: data.changed(lambda x: x.flip(-1)).first(4),
        lambda data: data.to(torch.device("cpu")).split("test"),
    ],
)
def test_every_view_has_the_same_observations(view):
    held, lazy = map(view, both())
    assert torch.equal(lazy.x, held.x)
    assert torch.equal(lazy.labels, held.labels)
    assert torch.equal(lazy.factors.classes, held.factors.classes)
    assert lazy.splits.keys() == held.splits.keys()
    assert all(torch.equal(lazy.splits[name], held.splits[name]) for name in held.splits)
    assert torch.equal(torch.cat([batch.x for batch in lazy.batches(4)]), held.x)


def test_a_part_of_restricted_data_is_the_part_it_was():
    data = both()[1].restricted({"train": torch.tensor([9, 2]), "test": torch.tensor([25])})
    assert len(data) == 3
    assert data.split("train").factors.classes.flatten().tolist() == [9, 2]
    assert data.split("test").factors.classes.flatten().tolist() == [25]


def test_nothing_is_made_before_it_is_asked_for():
    asked = []

    def render(rows):
        asked.append(len(rows))
        return np.zeros((len(rows), 1, 2, 2), np.uint8)

    data = Dataset(OnDemand.rendered(10**9, (1, 2, 2), render))
    part = data.subset(torch.arange(1000)).subset(torch.arange(10))
    assert asked == []
    assert part.batch(slice(2, 5)).x.shape == (3, 1, 2, 2)
    assert asked == [3]


def test_rows_are_those_asked_for_in_that_order():
    data = Dataset(OnDemand.rendered(256, (1, 1, 1), lambda rows: rows.astype(np.uint8)[:, None, None, None]))
    rows = torch.tensor([200, 3, 3, 255])
    assert (data.batch(rows).x * 255).round().flatten().tolist() == rows.tolist()


def test_changed_observations_have_their_new_shape():
    data = both()[1].changed(lambda x: x[:, :1, :2])
    assert data.spec.shape == (1, 2, 4)
    assert data.batch(slice(0, 2)).x.shape == (2, 1, 2, 4)


def test_labels_of_another_length_are_refused():
    with pytest.raises(DataError, match=r"labels have shape \(30,\)"):
        Dataset(OnDemand.mapped(IMAGES), labels=np.zeros(29))
