"""Pictures show the values that they are given, and stay readable for few and for many."""

import numpy as np
import pytest

from vaehub.plugins.qualitative.plots import ROWS, TILE, Columns, Lines, tiled


def canvas(figure, panel=0):
    return np.asarray(figure.axes[panel].images[0].get_array())


def inside(pixels, image, size):
    """The pixels of an image, numbered by row and column, without its frame of one pixel."""
    row, column = image
    step = size + 2 + 3
    return pixels[row * step + 1 : row * step + 1 + size, column * step + 1 : column * step + 1 + size]


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_where_they_belong_and_as_they_are(rng, channels):
    rows = list(rng.random((3, 4, channels, TILE, TILE)))
    pixels = canvas(tiled(rows))
    for place in np.ndindex(3, 4):
        expected = np.broadcast_to(rows[place[0]][place[1]], (3, TILE, TILE)).transpose(1, 2, 0)
        found = inside(pixels, place, TILE)
        assert np.abs(found[..., :3] / 255 - expected).max() < 1 / 255
        assert (found[..., 3] == 255).all()


def test_small_images_are_enlarged_by_whole_factors():
    image = np.arange(4.0).reshape(1, 1, 2, 2) / 3
    found = inside(canvas(tiled([image])), (0, 0), TILE)
    assert found[..., 0].tolist() == np.kron([[0, 85], [170, 255]], np.ones((32, 32))).tolist()


def test_other_numbers_of_channels_are_shown_by_their_mean():
    image = np.stack([np.zeros((TILE, TILE)), np.ones((TILE, TILE))])[None]
    assert set(inside(canvas(tiled([image])), (0, 0), TILE)[..., :3].flatten()) == {128}


def test_values_outside_the_range_of_images_are_cut_off():
    image = np.array([[-3.0, 2.0]]).reshape(1, 1, 1, 2)
    assert set(inside(canvas(tiled([image])), (0, 0), TILE)[:32, :, 0].flatten()) == {0, 255}


def test_places_without_an_image_are_transparent():
    rows = [np.ones((3, 1, 8, 8)), np.ones((1, 1, 8, 8))]
    pixels = canvas(tiled(rows))
    assert not inside(pixels, (1, 1), TILE).any()
    assert inside(pixels, (1, 0), TILE).all()


def test_a_white_image_ends_visibly():
    pixels = canvas(tiled([np.ones((2, 1, 8, 8))]))
    assert (pixels[0, : TILE + 2, :3] < 255).all()


def test_vectors_are_strips_from_the_least_value_of_all_to_the_greatest():
    from matplotlib import colormaps

    pixels = canvas(tiled([np.array([[0.0, 1.0]]), np.array([[2.0, 4.0]])]))
    height = TILE // 4
    darkest, brightest = ([*(round(255 * c) for c in colormaps["viridis"](end))] for end in (0.0, 1.0))
    assert pixels[height // 2, 10].tolist() == darkest
    assert pixels[height + 5 + height // 2, 50].tolist() == brightest


def test_a_constant_vector_has_a_picture():
    assert canvas(tiled([np.ones((2, 5))])).any()


@pytest.mark.parametrize("n", [2, 10, 24, 64, 128])
def test_many_rows_stand_in_panels_of_a_sensible_size_and_each_keeps_its_label(n):
    names = [str(at) for at in range(n)]
    figure = tiled([np.zeros((10, 1, 8, 8))] * n, lines=Lines(names), columns=Columns(["x"] * 10))
    assert [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()] == names
    assert len(figure.axes) == -(-n // ROWS)
    width, height = figure.get_size_inches()
    assert 4 < width < 16
    assert 1 < height < 20


def test_long_names_of_columns_are_small_and_those_of_rows_stay_as_they_are():
    long = Columns(["a name that is much wider than its image"] * 10)
    [axes] = tiled([np.zeros((10, 1, 8, 8))] * 2, lines=Lines(["0", "1"]), columns=long).axes
    assert {label.get_fontsize() for label in axes.get_yticklabels()} == {8}
    assert all(label.get_fontsize() < 3 for label in axes.get_xticklabels())


def test_panels_tear_no_group_apart():
    rows = [np.zeros((1, 1, 8, 8))] * 50
    figure = tiled(rows, lines=Lines([str(at) for at in range(50)], group=2))
    assert all(len(axes.get_yticklabels()) % 2 == 0 for axes in figure.axes)


def test_images_have_no_ticks(rng):
    figure = tiled([rng.random((3, 1, 8, 8))], title="three")
    assert len(figure.axes[0].get_xticks()) == len(figure.axes[0].get_yticks()) == 0
    assert figure.get_suptitle() == "three"
