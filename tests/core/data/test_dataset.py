"""Datasets: checked when made, exact when taken apart."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaehub import DataError, Dataset, DataSource, Factors, OnDemand, Params, generator


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
    assert data.stored.dtype == torch.uint8
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
    data = dataset(splits={"train": range(15), "test": range(15, 20)})
    assert torch.equal(data.split("test").x, data.x[15:])
    assert len(data.split("all")) == 20


def test_an_unknown_part_is_answered_with_those_there_are():
    with pytest.raises(DataError, match="no split 'test' of this data, there is train, all"):
        dataset(splits={"train": range(20)}).split("test")


@given(st.integers(2, 60), st.floats(0, 0.99), st.integers(0, 5))
def test_validation_and_training_share_the_training_part_between_them(n, share, seed):
    data = dataset(n + 5, splits={"train": range(n), "test": range(n, n + 5)})
    n_validation = int(np.ceil(round(share * n, 9)))
    if n_validation >= n:
        with pytest.raises(DataError, match="leaves none"):
            data.with_validation(share, generator(seed))
        return
    parts = data.with_validation(share, generator(seed)).splits
    validation = parts["validation"].tolist() if n_validation else []
    assert len(validation) == n_validation
    assert sorted(parts["train"].tolist() + validation) == list(range(n))
    assert parts["test"].tolist() == list(range(n, n + 5))


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_what_is_held_out_is_noted(share):
    found = dataset(splits={"train": range(15)}, notes=("1 row left out",)).with_validation(share, generator(0))
    n = len(found.splits["validation"])
    assert found.notes == (
        "1 row left out",
        f"{n} of 15 training observations are held out for validation; 'train.validation=0' trains on all",
    )


@pytest.mark.parametrize(
    ("share", "splits"), [(0, {"train": range(15)}), (0.1, {"train": range(15), "validation": range(15, 20)})]
)
def test_nothing_is_noted_where_nothing_is_held_out(share, splits):
    assert dataset(splits=splits).with_validation(share, generator(0)).notes == ()


def test_the_generator_decides_what_validates():
    first, same, other = (dataset().with_validation(0.5, generator(seed)).splits["validation"] for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_bytes_divided_by_255_are_the_nearest_floats():
    x = np.arange(256, dtype=np.uint8).reshape(4, 64)
    # Both operands are exact in single precision, so that the quotient is rounded once.
    assert np.array_equal(Dataset(x).x.numpy(), x.astype(np.float32) / np.float32(255))


def test_bytes_stay_bytes_until_a_batch_is_asked_for():
    data = Dataset(np.zeros((10, 1, 2, 2), np.uint8), splits={"train": range(8)})
    assert data.split("train").with_validation(0.5, generator(0)).first(2).stored.dtype == torch.uint8


@given(st.integers(1, 30), st.integers(1, 40))
def test_batches_of_any_size_carry_all_that_is_known(n, size):
    data = dataset(n, factors=Factors(("row",), (n,), torch.arange(n)[:, None]))
    batches = list(data.batches(size))
    assert all(0 < len(batch) <= size for batch in batches)
    assert torch.equal(torch.cat([batch.labels for batch in batches]), data.labels)
    assert torch.cat([batch.factors for batch in batches]).flatten().tolist() == list(range(n))


def test_a_batch_of_nameless_data_knows_nothing_more():
    batch = Dataset(np.zeros((3, 2))).batch(slice(0, 2))
    assert (len(batch), batch.labels, batch.factors) == (2, None, None)


def test_the_spec_of_nameless_data_has_no_classes_and_no_factors():
    spec = Dataset(np.zeros((3, 2))).spec
    assert (spec.n_classes, spec.factor_sizes) == (None, ())


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (np.array([[0.0, 1.0]]), True),
        (np.array([[0.0, 1.0 + 2e-6]]), False),
        (np.array([[-2e-6, 1.0]]), False),
        (np.array([[0, 255]], np.uint8), True),
    ],
)
def test_the_spec_says_whether_all_values_lie_in_the_unit_interval(x, expected):
    assert Dataset(x).spec.in_unit_interval is expected


def test_numbers_too_large_for_single_precision_are_refused():
    with pytest.raises(DataError, match="NaN or infinity; clean them first"):
        Dataset(np.array([[1e300]]))


def test_factors_of_another_shape_are_answered_with_both_shapes():
    with pytest.raises(DataError, match=r"factors have shape \(2, 1\) with 1 sizes, got \(2, 2\)"):
        Dataset(np.zeros((2, 2)), factors=Factors(("shape",), (3,), torch.zeros(2, 2, dtype=torch.int64)))


def test_every_factor_has_a_size():
    with pytest.raises(DataError, match=r"factors have shape \(2, 1\) with 1 sizes"):
        Dataset(np.zeros((2, 2)), factors=Factors(("shape",), (3, 3), torch.zeros(2, 1, dtype=torch.int64)))


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_factor_takes_no_value_beyond_its_size(wrong):
    with pytest.raises(DataError, match="a factor's class is negative or not below the factor's size"):
        Dataset(np.zeros((2, 2)), factors=Factors(("shape",), (3,), torch.tensor([[0], [wrong]])))


def test_the_first_are_the_first_with_their_labels():
    data = dataset().first(6)
    assert torch.equal(data.x, dataset().x[:6])
    assert data.labels.tolist() == [0, 1, 2, 3, 0, 1]


def test_as_many_as_there_are_can_be_had():
    assert torch.equal(dataset(20).first(20).x, dataset(20).x)


def test_rows_are_drawn_without_replacement_in_order():
    rows = dataset(20).draw_rows(8, generator(3))
    assert len(rows) == 8
    assert bool((rows.diff() > 0).all())
    assert 0 <= int(rows[0]) <= int(rows[-1]) < 20
    assert torch.equal(rows, dataset(20).draw_rows(8, generator(3)))
    assert not torch.equal(rows, dataset(20).draw_rows(8, generator(4)))


def test_all_rows_are_drawn_if_there_are_no_more():
    assert dataset(5).draw_rows(9, generator(0)).tolist() == [0, 1, 2, 3, 4]


def test_every_row_is_drawn_as_often_as_any_other():
    random, counts = generator(0), torch.zeros(10)
    for _ in range(2000):
        counts[dataset(10).draw_rows(3, random)] += 1
    assert float((counts / 600 - 1).abs().max()) < 0.15


def test_a_part_of_few_classes_still_knows_of_all():
    assert dataset(splits={"train": [0, 1]}).split("train").spec == dataset().spec


def test_a_part_has_no_parts():
    assert dataset(splits={"train": range(15)}).split("train").splits == {}


def test_without_a_training_part_validation_is_taken_from_everything():
    parts = dataset().with_validation(0.25, generator(0)).splits
    assert sorted([*parts["train"].tolist(), *parts["validation"].tolist()]) == list(range(20))


@pytest.mark.parametrize("share", [0, 0.4])
def test_an_official_validation_part_stays_and_nothing_is_set_aside(share):
    data = dataset(splits={"train": range(15), "validation": range(15, 20)})
    parts = data.with_validation(share, generator(0)).splits
    assert parts["validation"].tolist() == [15, 16, 17, 18, 19]
    assert parts["train"].tolist() == list(range(15))


def test_setting_aside_changes_no_observation():
    data = dataset(splits={"train": range(15)}).with_validation(0.2, generator(0))
    assert torch.equal(data.x, dataset().x)
    assert torch.equal(data.labels, dataset().labels)


def test_setting_aside_leaves_the_original_as_it_was():
    data = dataset(splits={"train": range(15)})
    data.with_validation(0.2, generator(0))
    assert data.splits.keys() == {"train"}


def test_moved_data_are_the_same_data():
    factors = Factors(("row",), (20,), torch.arange(20)[:, None])
    data = dataset(factors=factors, splits={"train": range(15)})
    moved = data.to(torch.device("cpu"))
    assert torch.equal(moved.batch(slice(None)).factors, factors.classes)
    assert torch.equal(moved.split("train").x, data.split("train").x)
    assert moved.spec == data.spec


def test_a_source_that_loads_nothing_cannot_be_built():
    with pytest.raises(TypeError, match="abstract"):
        DataSource(Params())


@pytest.mark.parametrize("at", [None, 0, 1, 63, 64, 99])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_data_are_constant_unless_one_observation_is_another(at, dtype):
    x = torch.ones(100, 1, 2, 2, dtype=dtype)
    if at is not None:
        x[at, 0, 1, 1] = 0
    assert Dataset(x).is_constant() == (at is None)


def test_one_observation_is_constant_and_zeros_of_either_sign_are_equal():
    assert Dataset(torch.rand(1, 3)).is_constant()
    assert Dataset(torch.tensor([[0.0], [-0.0]])).is_constant()


def test_no_more_of_data_on_demand_is_made_than_it_takes_to_see_that_they_differ():
    made = []

    def render(rows):
        made.extend(rows.tolist())
        return (rows >= 100).astype(np.float32)[:, None, None, None]

    data = Dataset(OnDemand.rendered(10_000, (1, 1, 1), render))
    assert not data.is_constant()
    assert set(made) == set(range(128))
    assert data.subset(torch.arange(100)).is_constant()


def test_names_of_classes_and_notes_stay_with_every_selection():
    data = Dataset(
        torch.rand(4, 2), labels=torch.tensor([0, 1, 1, 0]), class_names=("cat", "dog"), notes=("1 row left out",)
    )
    for some in (data.first(2), data.to(torch.device("cpu")), data.with_validation(0.5, torch.Generator())):
        assert some.class_names == ("cat", "dog")
        assert some.notes[0] == "1 row left out"


def test_names_are_as_many_as_classes():
    with pytest.raises(DataError, match="2 classes have as many names, got 1"):
        Dataset(torch.rand(2, 2), labels=torch.tensor([0, 1]), class_names=("cat",))


@pytest.mark.parametrize("shape", [(3, 1, 2, 2), (3, 4)])
@pytest.mark.parametrize("outside", [1 + 2e-7, 1 + 9e-7, -9e-7])
def test_rounding_errors_outside_the_unit_interval_are_clipped(shape, outside):
    x = torch.full(shape, 0.5, dtype=torch.float64)
    x[0, 0] = outside
    data = Dataset(x)
    assert data.spec.in_unit_interval
    assert data.x.max() <= 1
    assert data.x.min() >= 0
    assert (data.x[0, 0] == round(outside)).all()
    assert (x[0, 0] == outside).all()  # the caller's array is not changed


@pytest.mark.parametrize(
    ("outside", "words"), [(1.00001, r"got \[0.5, 1.00001"), (1 + 2e-6, r"got \[0.5, 1.00000"), (-3e-6, r"got \[-3")]
)
def test_more_than_rounding_is_refused_with_the_digit_that_matters(outside, words):
    x = torch.full((2, 1, 2, 2), 0.5)
    x[0] = outside
    with pytest.raises(DataError, match=words) as caught:
        Dataset(x)
    assert "[0, 1], got [0.5, 1]" not in str(caught.value)
    assert not Dataset(x.flatten(1)).spec.in_unit_interval


def test_data_on_demand_say_whether_they_lie_in_the_unit_interval():
    def render(rows):
        return np.full((len(rows), 2), 5, np.float32)

    some = OnDemand.rendered(4, (2,), render, in_unit_interval=False)
    for each in (some, some.of(torch.tensor([1, 2])), some.changed(lambda x: x * 2)):
        assert not Dataset(each).spec.in_unit_interval
    assert Dataset(OnDemand.rendered(4, (2,), render)).spec.in_unit_interval
