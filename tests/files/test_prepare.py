"""Preparation: exactly the observations that were asked for, at the size that was asked for."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vaehub import DataError, DataParams, Dataset, ImageParams, OnDemand, prepare
from vaehub.core.errors import VaehubError
from vaehub.core.params import parse

N = 60


def vectors(splits=True):
    rows = np.arange(N, dtype=np.float32)[:, None].repeat(2, axis=1)
    return Dataset(rows, labels=np.arange(N) % 4, splits={"train": range(40), "test": range(40, N)} if splits else None)


def numbers(data):
    """Return which of the original observations these are."""
    return data.x[:, 0].int().tolist()


def test_nothing_asked_for_changes_nothing():
    data = vectors()
    assert prepare(data, DataParams()) is data


def test_the_first_are_of_the_training_part_and_the_others_stay():
    data = prepare(vectors(), DataParams(first=7))
    assert numbers(data.split("train")) == list(range(7))
    assert numbers(data.split("test")) == list(range(40, N))


def test_of_each_class_as_many_as_asked_for():
    data = prepare(vectors(), DataParams(per_class=3)).split("train")
    assert torch.bincount(data.labels).tolist() == [3, 3, 3, 3]
    assert len(set(numbers(data))) == 12


def test_classes_are_kept_in_all_parts_with_their_own_numbers():
    data = prepare(vectors(), DataParams(n_classes=2, per_class=5))
    kept = set(data.split("train").labels.tolist())
    assert len(kept) == 2
    assert set(data.split("test").labels.tolist()) == kept
    assert torch.bincount(data.split("train").labels).max() == 5
    assert len(data.split("test")) == 10


def test_the_last_of_the_training_part_validate():
    data = prepare(vectors(), DataParams(validation_last=10))
    assert numbers(data.split("train")) == list(range(30))
    assert numbers(data.split("validation")) == list(range(30, 40))
    assert numbers(data.split("test")) == list(range(40, N))


@given(st.integers(1, 500), st.floats(0.01, 1), st.floats(0, 1), st.integers(0, 3))
def test_a_split_leaves_nothing_out_and_takes_nothing_twice(n, train, rest, seed):
    shares = (train, (1 - train) * rest, (1 - train) * (1 - rest))
    data = Dataset(np.arange(n, dtype=np.float32)[:, None].repeat(2, axis=1))
    if round(n * shares[0]) == 0:
        with pytest.raises(DataError, match=f"leaves none of {n} observations"):
            prepare(data, DataParams(split=shares, seed=seed))
        return
    split = prepare(data, DataParams(split=shares, seed=seed))
    assert sorted(row for name in split.splits for row in numbers(split.split(name))) == list(range(n))
    assert len(split.split("train")) == round(n * shares[0])


def test_a_split_of_70_10_20_is_exact_and_replaces_the_official_parts():
    data = prepare(vectors(), DataParams(split=(0.7, 0.1, 0.2)))
    assert {name: len(rows) for name, rows in data.splits.items()} == {"train": 42, "validation": 6, "test": 12}


def test_data_without_parts_are_chosen_from_as_a_whole():
    data = prepare(vectors(splits=False), DataParams(subset=9))
    assert len(data) == 9
    assert data.splits == {}


@pytest.mark.parametrize("asked", [{"subset": 9}, {"per_class": 2}, {"n_classes": 2}, {"split": (0.5, 0.2, 0.3)}])
def test_the_seed_decides_all_that_is_drawn(asked):
    first, same = (numbers(prepare(vectors(), DataParams(seed=0, **asked)).split("train")) for _ in range(2))
    others = [numbers(prepare(vectors(), DataParams(seed=seed, **asked)).split("train")) for seed in range(1, 6)]
    assert first == same
    assert any(other != first for other in others)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"first": 41}, r"'data.first' needs 41 observations, and there are 40 \(train\)"),
        ({"subset": 41}, "'data.subset' needs 41"),
        ({"validation_last": 40}, "'data.validation_last' needs 41"),
        ({"per_class": 11}, "'data.per_class' is 11, and class 0 has 10 observations"),
        ({"n_classes": 5}, "'data.n_classes' is 5, and there are 4 classes"),
    ],
)
def test_more_than_there_is_cannot_be_had(asked, words):
    with pytest.raises(DataError, match=words):
        prepare(vectors(), DataParams(**asked))


def test_classes_need_labels():
    with pytest.raises(DataError, match="'data.per_class' needs labels, and these data have none"):
        prepare(Dataset(np.zeros((4, 2))), DataParams(per_class=1))


@pytest.mark.parametrize("split", [[0.5, 0.6, 0.1], [0, 0.5, 0.5], [1.1, -0.1, 0]])
def test_shares_that_are_none_are_refused(split):
    with pytest.raises(VaehubError, match="should be three shares, the first above 0, in sum at most 1"):
        parse(DataParams, {"split": split}, owner="dataset 'x'")


# Pixels

BYTES = np.random.default_rng(1).integers(0, 256, (6, 1, 28, 28), dtype=np.uint8)


def images(x=BYTES, lazily=False):
    if lazily:
        return Dataset(OnDemand.rendered(len(x), x.shape[1:], lambda rows: x[rows]))
    return Dataset(x)


@pytest.mark.parametrize("lazily", [False, True])
def test_padding_adds_zeros_around(lazily):
    data = prepare(images(lazily=lazily), ImageParams(pad=2))
    assert data.spec.shape == (1, 32, 32)
    x = data.x
    assert torch.equal(x[:, :, 2:-2, 2:-2], images().x)
    assert x.sum().isclose(images().x.sum())


def test_a_larger_image_is_what_pillow_makes_of_it():
    resized = (prepare(images(), ImageParams(size=32)).x * 255).numpy()[:, 0]
    pillow = [np.asarray(Image.fromarray(each).resize((32, 32), Image.Resampling.BILINEAR)) for each in BYTES[:, 0]]
    # Pillow rounds after each of its two passes.
    assert np.abs(resized - np.stack(pillow)).max() <= 1.01


def test_a_smaller_image_is_what_pillow_makes_of_it():
    resized = (prepare(images(), ImageParams(size=14)).x * 255).numpy()[:, 0]
    pillow = [np.asarray(Image.fromarray(each).resize((14, 14), Image.Resampling.BILINEAR)) for each in BYTES[:, 0]]
    assert np.abs(resized - np.stack(pillow)).max() <= 1.01


@pytest.mark.parametrize("params", [{"size": 17}, {"channels": 3}, {"size": 40, "pad": 3, "channels": 3}])
def test_bytes_stay_bytes_and_on_demand_is_the_same_as_in_memory(params):
    held, lazy = (prepare(images(lazily=lazily), ImageParams(**params)) for lazily in (False, True))
    assert held.stored.dtype == torch.uint8
    assert torch.equal(held.x, lazy.x)


def test_constant_images_stay_constant():
    x = np.full((2, 1, 9, 9), 77, np.uint8)
    assert (prepare(images(x), ImageParams(size=23)).stored == 77).all()


def test_grey_is_luma_and_colour_repeats_grey():
    red = np.zeros((1, 3, 4, 4), np.uint8)
    red[:, 0] = 255
    assert (prepare(images(red), ImageParams(channels=1)).stored == round(0.299 * 255)).all()
    colour = prepare(images(), ImageParams(channels=3)).stored
    assert colour.shape == (6, 3, 28, 28)
    assert (colour == colour[:, :1]).all()


def test_what_is_as_wanted_is_left_alone():
    data = images()
    assert prepare(data, ImageParams(size=28, channels=1)) is data


def test_vectors_have_no_size():
    with pytest.raises(DataError, match="'data.size' is for images, and these are vectors of 2 values"):
        prepare(vectors(), ImageParams(size=8))


def test_two_channels_are_refused():
    with pytest.raises(VaehubError, match="'channels' is 2 and should be 1 or 3"):
        parse(ImageParams, {"channels": 2}, owner="dataset 'x'")
