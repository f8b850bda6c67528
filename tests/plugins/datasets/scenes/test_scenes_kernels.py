"""Rooms: what each factor changes, and what it must leave alone."""

import colorsys

import numpy as np
import pytest

from vaehub.plugins.datasets.scenes import kernels
from vaehub.plugins.datasets.scenes.kernels import FLOOR, GLOSS, OBJECT, SHAPES, SIZES, VALUES, WALLS, render, rgb, view

SPHERE = SHAPES.index("sphere")
ROUND = [SHAPES.index(name) for name in ("cylinder", "sphere", "capsule")]
EVERY_SHAPE = range(len(SHAPES))
AHEAD = 7
"""Orientation of 0 degrees: the camera looks into the corner."""


def some_classes(rng, n):
    """Classes of few views, for casting one takes as long as tinting hundreds."""
    classes = np.stack([rng.integers(size, size=n) for size in SIZES], axis=1)
    classes[:, 3:] = np.array([[4, 0, 2], [1, 3, 13], [7, 2, 7]])[rng.integers(3, size=n)]
    return classes


def test_there_are_as_many_classes_as_in_3d_shapes():
    assert SIZES == (10, 10, 10, 8, 4, 15)
    assert np.prod(SIZES) == 480_000


def test_images_are_bytes_in_three_channels(rng):
    images = render(some_classes(rng, 10))
    assert images.shape == (10, 3, 64, 64)
    assert images.dtype == np.uint8


def test_no_observations_give_no_images():
    assert render(np.zeros((0, 6), np.int64)).shape == (0, 3, 64, 64)


def test_an_image_does_not_depend_on_its_company(rng):
    classes = some_classes(rng, 60)
    images = render(classes)
    order = rng.permutation(60)[:20]
    assert np.array_equal(render(classes[order]), images[order])


def test_a_view_is_cast_alike_each_time():
    assert np.array_equal(view.__wrapped__(2, 1, 4), view(2, 1, 4))


def test_a_view_that_is_kept_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        view(2, 1, 4)[0] = 0


def test_colours_are_those_of_the_standard_library():
    hues = np.linspace(0, 1, 61)
    assert rgb(hues) == pytest.approx(np.array([colorsys.hsv_to_rgb(hue, 1, 1) for hue in hues]), abs=1e-12)


@pytest.mark.parametrize(("factor", "material"), [(0, FLOOR), (1, WALLS), (2, OBJECT)])
def test_a_hue_tints_its_own_region_only(factor, material):
    seen = (5, 1, 3)
    classes = np.tile([2, 4, 7, *seen], (10, 1))
    classes[:, factor] = np.arange(10)
    changed = (np.ptp(render(classes).astype(int), axis=0) > 0).any(axis=0)
    assert np.array_equal(changed, view(*seen)[material] > 0)


def test_each_pixel_belongs_to_a_material():
    share = view(5, 3, 3)[:GLOSS] > 0
    assert share.any(axis=0).all()
    # Edges are shared, by anti-aliasing; what is within them is not.
    assert (share.sum(axis=0) == 1).mean() > 0.85
    assert (share.sum(axis=0) > 1).any()


def test_a_pure_colour_is_lit_but_not_mixed():
    red, green, blue = render(np.array([[0, 0, 0, 4, SPHERE, AHEAD]]))[0]
    gloss = view(4, SPHERE, AHEAD)[GLOSS]
    assert red.min() > 20
    assert np.array_equal(green, blue)
    # White is the reflection of the lamp alone, and it is on the object.
    assert np.array_equal(green, np.floor(255 * gloss + 0.5))
    assert 60 < green.max() < 130
    assert not gloss[view(4, SPHERE, AHEAD)[OBJECT] == 0].any()


@pytest.mark.parametrize("shape", EVERY_SHAPE)
@pytest.mark.parametrize("orientation", [0, 9])
def test_the_object_grows_with_scale_and_stays_in_sight(shape, orientation):
    objects = np.stack([view(scale, shape, orientation)[OBJECT] > 0 for scale in range(SIZES[3])])
    assert (np.diff(objects.sum(axis=(1, 2))) > 0).all()
    # Nothing of a smaller object is beside a larger one, apart from the pixels at the edge.
    assert (objects[:-1] & ~objects[1:]).sum() < 10 * SIZES[3]
    assert not objects[:, [0, -1]].any()
    assert not objects[:, :, [0, -1]].any()


def test_shapes_differ():
    objects = [view(4, shape, AHEAD)[OBJECT] > 0 for shape in EVERY_SHAPE]
    for i in EVERY_SHAPE:
        assert all((objects[i] != objects[j]).sum() > 50 for j in range(i))


@pytest.mark.parametrize("shape", EVERY_SHAPE)
@pytest.mark.parametrize("material", [FLOOR, WALLS, OBJECT])
def test_opposite_orientations_have_mirrored_outlines(shape, material):
    left, right = view(3, shape, 2)[material] > 0, view(3, shape, 12)[material] > 0
    # The lamp is not in the middle, so light is not mirrored; a pixel that is barely touched may be lost to rounding.
    assert (left != right[:, ::-1]).sum() <= 4


@pytest.mark.parametrize("shape", ROUND)
def test_the_outline_of_a_round_object_is_the_same_from_every_side(shape):
    objects = [view(3, shape, orientation)[OBJECT] > 0 for orientation in (0, 5, AHEAD)]
    assert all((other != objects[0]).sum() <= 4 for other in objects[1:])


def test_a_cube_and_the_corner_turn_with_orientation():
    first, last = view(3, 0, 0), view(3, 0, 14)
    assert (np.abs(first[OBJECT] - last[OBJECT]) > 0.05).sum() > 50
    # The floor reaches furthest up in the corner, which is left of the middle at first and right of it at last.
    tops = [np.argmin((maps[FLOOR] > 0).argmax(axis=0)) for maps in (first, last)]
    assert tops[0] < 20
    assert tops[1] > 44


def test_a_sphere_is_where_rays_meet_it():
    eye, rays = (part.astype(np.float64) for part in kernels._camera(np.radians(VALUES["orientation"][4])))
    radius = VALUES["scale"][6]
    to_centre = [0, 0, radius] - eye
    met = to_centre @ to_centre - (rays @ to_centre) ** 2 < radius**2
    expected = met.reshape(64, 3, 64, 3).any(axis=(1, 3))
    # Rays that touch it within the tolerance of the search count as well.
    assert ((view(6, SPHERE, 4)[OBJECT] > 0) != expected).sum() <= 4


@pytest.mark.parametrize("shape", EVERY_SHAPE)
def test_the_object_throws_a_shadow_away_from_the_lamp(shape):
    floor, walls, thing = view(4, shape, AHEAD)[:GLOSS]
    whole = (walls == 0) & (thing == 0)
    left, right = floor[:, :32], floor[:, 32:][:, ::-1]
    both = whole[:, :32] & whole[:, 32:][:, ::-1]
    # The lamp is on the right: somewhere on the left there is half the light of the opposite place.
    assert (left[both] / right[both]).min() < 0.6
    assert (left[both] / right[both]).max() < 1.1


def test_light_is_never_more_than_the_colour_and_never_black():
    for shape in EVERY_SHAPE:
        maps = view(7, shape, 11)
        assert maps.min() >= 0
        assert maps[:GLOSS].sum(axis=0).max() <= 1 + 1e-6
        assert maps[:GLOSS].sum(axis=0).min() > 0.05
