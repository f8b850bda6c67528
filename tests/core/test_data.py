"""Datasets: checked when made, exact when taken apart."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaehub import DataError, Dataset, Factors, generator


def dataset(n=20, **more):
    return Dataset(torch.arange(n * 3, dtype=torch.float32).reshape(n, 3), labels=np.arange(n) % 4, **more)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((3, 2, 2)), r"\(n, c, h, w\) or \(n, p\) with no axis empty, got \(3, 2, 2\)"),
        (np.zeros((0, 2)), r"no axis empty, got \(0, 2\)"),
        (np.array([[1.0, np.nan]]), "NaN or infinity"),
        (np.full((1, 1, 2, 2), 255.0), r"images lie in \[0, 1\], got \[255, 255\]; rescale"),
    ],
)
def test_observations_that_are_none_are_refused(x, words):
    with pytest.raises(DataError, match=words):
        Dataset(x)


@pytest.mark.parametrize("labels", [np.zeros(3), np.array([0, -1])])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(DataError, match=r"labels have shape \(2,\) and count from 0"):
        Dataset(np.zeros((2, 2)), labels=labels)


@pytest.mark.parametrize("classes", [torch.zeros(2, 2), torch.tensor([[0], [3]]), torch.tensor([[-1], [0]])])
def test_factors_that_do_not_fit_are_refused(classes):
    with pytest.raises(DataError, match="factor"):
        Dataset(np.zeros((2, 2)), factors=Factors(("shape",), (3,), classes))


def test_bytes_stand_for_steps_of_a_255th():
    x = np.arange(256, dtype=np.uint8).reshape(16, 1, 4, 4)
    data = Dataset(x)
    assert data.x_stored.dtype == torch.uint8
    torch.testing.assert_close(data.x, torch.from_numpy(x / 255).float(), rtol=1e-6, atol=0)
    assert torch.equal(data.batch(slice(2, 5)).x, data.x[2:5])


def test_the_spec_says_what_can_be_known_in_advance():
    factors = Factors(("size",), (5,), torch.zeros(20, 1, dtype=torch.int64))
    spec = dataset(factors=factors).spec
    assert (spec.shape, spec.n_values, spec.in_unit_interval) == ((3,), 3, False)
    assert (spec.n_classes, spec.factor_sizes) == (4, (5,))


def test_rows_keep_what_is_known_of_them():
    factors = Factors(("row",), (20,), torch.arange(20)[:, None])
    chosen = dataset(factors=factors).subset(torch.tensor([7, 3]))
    assert chosen.x[:, 0].tolist() == [21.0, 9.0]
    assert chosen.labels.tolist() == [3, 3]
    assert chosen.factors.classes.flatten().tolist() == [7, 3]


def test_batches_are_all_observations_in_order():
    data = dataset(10)
    assert torch.equal(torch.cat([batch.x for batch in data.batches(4)]), data.x)


def test_more_than_there_is_cannot_be_had():
    with pytest.raises(DataError, match="21 observations were asked for, and there are 20"):
        dataset().first(21)


def test_a_part_has_its_rows_and_all_is_everything():
    data = dataset(parts={"train": range(15), "test": range(15, 20)})
    assert torch.equal(data.part("test").x, data.x[15:])
    assert len(data.part("all")) == 20


def test_an_unknown_part_is_answered_with_those_there_are():
    with pytest.raises(DataError, match="no part 'test' of this data, there is train, all"):
        dataset(parts={"train": range(20)}).part("test")


@given(st.integers(2, 60), st.floats(0, 0.99), st.integers(0, 5))
def test_validation_and_training_share_the_training_part_between_them(n, share, seed):
    data = dataset(n + 5, parts={"train": range(n), "test": range(n, n + 5)})
    n_validation = int(np.ceil(share * n))
    if n_validation >= n:
        with pytest.raises(DataError, match="leaves none"):
            data.with_validation(share, generator(seed))
        return
    parts = data.with_validation(share, generator(seed)).parts
    validation = parts["validation"].tolist() if n_validation else []
    assert len(validation) == n_validation
    assert sorted(parts["train"].tolist() + validation) == list(range(n))
    assert parts["test"].tolist() == list(range(n, n + 5))


def test_the_generator_decides_what_validates():
    first, same, other = (dataset().with_validation(0.5, generator(seed)).parts["validation"] for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
