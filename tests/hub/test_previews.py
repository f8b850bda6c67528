"""Sheets and figures of data."""

import numpy as np
import pytest
import torch

from vaehub import Dataset, Factors, OnDemand, VaehubError
from vaehub.hub import previews
from vaehub.hub.previews import PAPER, figures, halved, sheet

RNG = np.random.default_rng(0)


def cells(picture, side, columns=10):
    """Return the images of a sheet, shape (rows, columns, side, side, 3)."""
    pixels = np.asarray(picture)
    factor = pixels.shape[1] // (columns * (side + 2) + 2)
    pixels = pixels[::factor, ::factor][2:, 2:]
    rows = pixels.shape[0] // (side + 2)
    laid = pixels.reshape(rows, side + 2, columns, side + 2, 3).transpose(0, 2, 1, 3, 4)
    return laid[:, :, :side, :side]


def test_a_row_of_a_grid_is_one_factor_going_through_its_values():
    factors = Factors.grid(("row", "column"), (3, 12))
    x = (factors.classes[:, :1] * 20 + factors.classes[:, 1:]).to(torch.uint8)[:, :, None, None].expand(-1, 1, 4, 4)
    shown = cells(sheet(Dataset(x.contiguous(), factors=factors)), 4)[:, :, 0, 0, 0].astype(int)
    assert np.diff(shown[0, :3]).tolist() == [20, 20]
    assert (shown[0, 3:] == round(PAPER * 255)).all()
    assert (np.diff(shown[1]) > 0).all()
    assert shown[1, -1] - shown[1, 0] == 11


def test_a_factor_that_never_varies_has_no_row():
    factors = Factors.grid(("row", "one", "column"), (3, 1, 4))
    shown = cells(sheet(Dataset(np.zeros((12, 1, 4, 4), np.uint8), factors=factors)), 4)
    assert len(shown) == 2


def test_a_row_of_labelled_data_is_a_class():
    labels = RNG.integers(0, 4, 200)
    x = (labels * 50).astype(np.uint8)[:, None, None, None] * np.ones((1, 3, 5, 5), np.uint8)
    shown = cells(sheet(Dataset(x, labels=labels)), 5)[:, :, 0, 0]
    assert shown.shape == (4, 10, 3)
    assert (shown == np.arange(4)[:, None, None] * 50).all()


def test_a_sheet_is_the_same_for_the_same_seed():
    data = Dataset(RNG.integers(0, 256, (30, 1, 6, 6), dtype=np.uint8))
    first, same, other = (np.asarray(sheet(data, seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("shape", [(7,), (2, 4, 4)])
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises(VaehubError, match="a sheet shows images of 1 or 3 channels"):
        sheet(Dataset(np.zeros((5, *shape))))


def test_figures_are_those_of_numpy():
    x = RNG.random((500, 2, 3, 3), dtype=np.float32)
    labels = RNG.integers(0, 3, 500)
    found = figures(Dataset(x, labels=labels, splits={"train": range(400), "test": range(400, 500)}))
    assert (found.n, found.shape, found.splits) == (500, (2, 3, 3), {"train": 400, "test": 100})
    assert found.labels == np.bincount(labels).tolist()
    assert found.mean == pytest.approx(x[:400].mean(axis=(0, 2, 3), dtype=np.float64), rel=1e-9)
    assert found.deviation == pytest.approx(x[:400].std(axis=(0, 2, 3), dtype=np.float64), rel=1e-6)
    assert found.n_sampled == 400


def test_of_much_on_demand_some_are_looked_at(monkeypatch):
    monkeypatch.setattr(previews, "SAMPLED", 100)
    asked = []

    def render(rows):
        asked.extend(rows.tolist())
        return np.zeros((len(rows), 1, 2, 2), np.uint8)

    found = figures(Dataset(OnDemand.rendered(1050, (1, 2, 2), render)))
    assert found.n == 1050
    assert 90 <= found.n_sampled == len(asked) <= 100
    assert np.unique(np.diff(asked)).tolist() == [11]


def test_a_preview_keeps_the_colours_and_the_shape():
    from PIL import Image

    picture = Image.new("RGB", (400, 200), (200, 0, 10))
    pairs = halved(picture, 80)
    assert pairs.shape == (20, 80, 2, 3)
    assert (pairs == [200, 0, 10]).all()
