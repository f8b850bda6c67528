"""Sprites, against the real frames and closed forms; their colourings; their random numbers."""

import numpy as np
import pytest

from vaehub.plugins.datasets.sprites import kernels
from vaehub.plugins.datasets.sprites.kernels import SIZES, VALUES, coloured, noisy, on_picture, render, uniform

SQUARE, ELLIPSE, HEART = range(3)
EVERY_MASK = np.stack(np.meshgrid(*map(np.arange, SIZES[:3]), indexing="ij"), axis=-1).reshape(-1, 3)


def at(masks, x, y):
    return np.concatenate([masks, np.broadcast_to([x, y], (len(masks), 2))], axis=1)


def some_classes(rng, n):
    return np.stack([rng.integers(size, size=n) for size in SIZES], axis=1)


def centroids(images):
    """Centres of mass, rightwards and downwards, in pixels from the upper left corner."""
    weights = images / images.sum(axis=(1, 2), keepdims=True)
    middle = np.arange(64) + 0.5
    return np.stack([weights.sum(axis=1) @ middle, weights.sum(axis=2) @ middle], axis=1)


def frames_of_the_gif():
    """What the 320 frames of the official animation show, one factor moving at a time."""
    up, turn, way = np.arange(6), np.arange(40), np.arange(32)
    parts = []
    for shape in (HEART, ELLIPSE, SQUARE):
        sizes = [(shape, scale, 0, 0, 0) for scale in (*up, *up[::-1], *up)]
        turns = [(shape, 5, orientation, 0, 0) for orientation in turn]
        round_trip = [(shape, 5, 0, 0, y) for y in way] + [(shape, 5, 0, x, 31) for x in way]
        round_trip += [(shape, 5, 0, 31, y) for y in way[::-1]] + [(shape, 5, 0, x, 0) for x in way[::-1]]
        back = [(shape, scale, 0, 0, 0) for scale in up[::-1]]
        # Only the heart goes round the square of positions.
        parts += [*sizes, *turns, *(round_trip if shape == HEART else []), *back]
    return np.array(parts)


@pytest.fixture
def real_frames(real_data):
    image = pytest.importorskip("PIL.Image")
    path = real_data / "dsprites" / "dsprites.gif"
    if not path.is_file():
        pytest.skip(f"no frames of dSprites at {path}")
    with image.open(path) as animation:
        frames = []
        for i in range(animation.n_frames):
            animation.seek(i)
            frames.append(np.asarray(animation.convert("L")) > 127)
    return np.stack(frames)


@pytest.mark.parametrize("shape", [SQUARE, ELLIPSE, HEART])
def test_sprites_lie_on_the_real_ones(real_frames, shape):
    classes = frames_of_the_gif()
    which = classes[:, 0] == shape
    drawn, real = render(classes[which]) > 0, real_frames[which]
    overlap = (drawn & real).sum(axis=(1, 2)) / (drawn | real).sum(axis=(1, 2))
    assert overlap.mean() > 0.999
    # Four pixels, one in each quadrant, of the smallest shape there is to be seen with curves.
    assert overlap.min() > 1 - 4 / real.sum(axis=(1, 2)).min()


def test_there_are_as_many_classes_as_in_dsprites():
    assert SIZES == (3, 6, 40, 32, 32)
    assert np.prod(SIZES) == 737_280


def test_images_are_binary(rng):
    images = render(some_classes(rng, 100))
    assert images.shape == (100, 64, 64)
    assert images.dtype == np.uint8
    assert set(np.unique(images)) == {0, 1}


def test_an_image_does_not_depend_on_its_company(rng, monkeypatch):
    classes = some_classes(rng, 300)
    images = render(classes)
    order = rng.permutation(300)[:50]
    assert np.array_equal(render(classes[order]), images[order])
    monkeypatch.setattr(kernels, "AT_ONCE", 7)
    assert np.array_equal(render(classes), images)


def test_no_observations_give_no_images():
    assert render(np.zeros((0, 5), np.int64)).shape == (0, 64, 64)


@pytest.mark.parametrize("shape", [SQUARE, ELLIPSE, HEART])
def test_each_pixel_is_what_the_formula_of_the_shape_says(rng, shape):
    classes = some_classes(rng, 500)
    classes[:, 0] = shape
    _, size, angle, x, y = (VALUES[name][classes[:, i]][:, None, None] for i, name in enumerate(kernels.NAMES))
    right, down = np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5)
    right, down = (right - 16 - 32 * x) / size, (down - 16 - 32 * y) / size
    u, v = np.cos(angle) * right - np.sin(angle) * down, np.sin(angle) * right + np.cos(angle) * down
    if shape == SQUARE:
        inside = np.maximum(abs(u), abs(v)) < 9.6
    elif shape == ELLIPSE:
        inside = (u / 12.77) ** 2 + (v / 7.21) ** 2 < 1
    else:
        # Each vertical line within the heart meets the curve twice, at t and at pi - t.
        t = np.arcsin(np.cbrt(np.minimum(abs(u) / 9.6, 1)))
        upper, lower = (
            1.44 + 0.662 * (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
            for t in (t, np.pi - t)
        )
        inside = (abs(u) < 9.6) & (lower < -v) & (-v < upper)
    different = (render(classes) != inside).sum()
    # Between a curve and its polygon of 128 corners lies 0.1 % of the area, or a little more where corners are sparse.
    assert different <= (0 if shape == SQUARE else 0.002 * inside.sum())


@pytest.mark.parametrize(
    ("shape", "area"),
    [(SQUARE, 19.2**2), (ELLIPSE, np.pi * 12.77 * 7.21), (HEART, 180 * np.pi * 0.6 * 0.662)],
)
def test_mean_areas_are_the_closed_forms(shape, area):
    # The first 31 positions put the pixels on each of 31 x 31 places relative to the sprite: a grid so fine that the
    # count errs by less than 0.2 % unless an edge lies along it.
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(31), np.arange(31)))
    for scale, orientation in [(0, 2), (3, 7), (5, 24)]:
        same = np.zeros_like(x)
        images = render(np.stack([same + shape, same + scale, same + orientation, x, y], axis=1))
        assert images.sum() / 31**2 == pytest.approx(area * VALUES["scale"][scale] ** 2, rel=0.002)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (31, 0), (0, 31), (31, 31), (13, 8)])
def test_every_sprite_is_whole_within_the_frame(x, y):
    images = render(at(EVERY_MASK, x, y))
    assert (images.sum(axis=(1, 2)) >= 50).all()
    assert not images[:, [0, -1]].any()
    assert not images[:, :, [0, -1]].any()


def test_areas_grow_with_scale():
    areas = render(at(EVERY_MASK, 0, 0)).sum(axis=(1, 2)).reshape(SIZES[:3])
    assert (np.diff(areas, axis=1) > 0).all()


def test_first_and_last_orientation_are_the_same():
    classes = at(EVERY_MASK[EVERY_MASK[:, 2] == 0], 5, 17)
    turned = classes.copy()
    turned[:, 2] = 39
    assert np.array_equal(render(classes), render(turned))


def test_all_other_hearts_are_distinct():
    # Small squares are not, nor are the real ones: a quarter turn comes within 2.3 degrees of some orientation.
    masks = render(at(EVERY_MASK[(EVERY_MASK[:, 0] == HEART) & (EVERY_MASK[:, 2] < 39)], 0, 0))
    assert len(np.unique(masks.reshape(len(masks), -1), axis=0)) == 6 * 39


def test_the_largest_squares_coincide_only_where_the_real_ones_do():
    masks = render(at([[SQUARE, 5, orientation] for orientation in range(39)], 0, 0)).reshape(39, -1)
    same = (masks[:, None] == masks).all(axis=2)
    # Frames 279 and 308 of the official animation.
    assert np.argwhere(np.triu(same, 1)).tolist() == [[5, 34]]


@pytest.mark.parametrize(("shape", "quarters"), [(SQUARE, 1), (ELLIPSE, 2)])
def test_shapes_have_their_symmetries(shape, quarters):
    # At the first position, the centre is where four pixels meet.
    images = render(at(EVERY_MASK[EVERY_MASK[:, 0] == shape], 0, 0))[:, :32, :32]
    assert np.array_equal(np.rot90(images, quarters, axes=(1, 2)), images)


def test_opposite_orientations_are_mirror_images():
    images = render(at(EVERY_MASK, 0, 0))[:, :32, :32].reshape(*SIZES[:3], 32, 32)
    assert np.array_equal(images[:, :, ::-1, :, ::-1], images)


def test_orientation_is_anticlockwise_as_seen():
    images = render(at(EVERY_MASK[(EVERY_MASK[:, 0] == HEART) & (EVERY_MASK[:, 1] == 5)], 0, 0))
    right, down = (centroids(images) - 16).T
    angles = np.unwrap(np.arctan2(-down, right))
    # The heart is heaviest above the centre it turns about; pixels make the angle uncertain by a tenth of a radian.
    assert np.allclose(angles, np.pi / 2 + VALUES["orientation"], atol=0.1)


@pytest.mark.parametrize(("factor", "axis"), [(3, 0), (4, 1)])
@pytest.mark.parametrize("shape", [SQUARE, ELLIPSE, HEART])
def test_centroid_follows_the_position(shape, factor, axis):
    classes = np.tile([shape, 2, 11, 6, 6], (32, 1))
    classes[:, factor] = np.arange(32)
    centres = centroids(render(classes))
    assert (np.diff(centres[:, axis]) > 0).all()
    assert centres[-1, axis] - centres[0, axis] == pytest.approx(32, abs=1e-9)
    assert np.ptp(centres[:, 1 - axis]) < 0.5


def test_coloured_sprites_have_their_colour_on_black(rng):
    masks, colours = render(some_classes(rng, 5)), rng.uniform(0.5, 1, (5, 3)).astype(np.float32)
    images = coloured(masks, colours)
    assert images.dtype == np.float32
    for mask, colour, image in zip(masks, colours, images, strict=True):
        assert (image[:, mask == 1] == colour[:, None]).all()
        assert not image[:, mask == 0].any()


def test_noise_shows_everywhere_but_on_the_sprite(rng):
    masks, noise = render(some_classes(rng, 5)), rng.random((5, 3, 64, 64), np.float32)
    images = noisy(masks, noise)
    assert images.dtype == np.float32
    assert np.array_equal(images, np.minimum(masks[:, None] + noise, 1))


def test_a_sprite_is_the_negative_of_the_picture_behind_it(rng):
    masks, patches = render(some_classes(rng, 5)), rng.random((5, 3, 64, 64), np.float32)
    colours = rng.random((5, 3), np.float32)
    images = on_picture(masks, patches, colours)
    background = (patches + colours[:, :, None, None]) / 2
    on_sprite = np.broadcast_to(masks[:, None] == 1, images.shape)
    assert images.dtype == np.float32
    assert np.array_equal(images[~on_sprite], background[~on_sprite])
    assert np.array_equal(images[on_sprite], 1 - background[on_sprite])


def test_words_are_those_of_splitmix64():
    # The first outputs for seed 1234567, as in Vigna's splitmix64.c.
    counter = np.array([1234567], np.uint64) + np.arange(1, 4, dtype=np.uint64) * kernels.GOLDEN
    words = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert kernels._mixed(counter).tolist() == words


def test_numbers_belong_to_seed_stream_row_and_place_only(rng):
    rows = rng.integers(737_280, size=40)
    numbers = uniform(3, rows, 101, stream=2)
    assert numbers.shape == (40, 101)
    assert numbers.dtype == np.float32
    order = rng.permutation(40)[:9]
    assert np.array_equal(uniform(3, rows[order], 101, stream=2), numbers[order])
    assert np.array_equal(uniform(3, rows, 60, stream=2), numbers[:, :60])
    for seed, step, stream in [(4, 0, 2), (3, 1, 2), (3, 0, 1)]:
        assert (uniform(seed, rows + step, 101, stream=stream) == numbers).mean() < 0.001


def test_rows_are_left_as_they_are():
    rows = np.arange(5)
    uniform(0, rows, 4)
    assert rows.tolist() == [0, 1, 2, 3, 4]


def test_numbers_are_uniform():
    numbers = uniform(0, np.arange(1000), 1000)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts = np.histogram(numbers, bins=256, range=(0, 1))[0]
    chi_square = ((counts - 1e6 / 256) ** 2).sum() / (1e6 / 256)
    # Mean 255 and standard deviation sqrt(2 * 255) if uniform; five of them.
    assert abs(chi_square - 255) < 5 * np.sqrt(510)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: uniform(0, np.arange(1, 501), 1000), id="next row"),
        pytest.param(lambda: uniform(1, np.arange(500), 1000), id="next seed"),
        pytest.param(lambda: uniform(0, np.arange(500), 1000, stream=1), id="next stream"),
        pytest.param(lambda: uniform(0, np.arange(500), 1001)[:, 1:], id="next place"),
        pytest.param(lambda: uniform(0, np.arange(500), 1002)[:, 2:], id="next word"),
    ],
)
def test_neighbouring_numbers_are_not_correlated(other):
    first = uniform(0, np.arange(500), 1000)
    # Standard error 1 / sqrt(500,000) if independent; five of them.
    assert abs(np.corrcoef(first.ravel(), other().ravel())[0, 1]) < 5 / np.sqrt(5e5)
