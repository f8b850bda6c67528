"""Images with the factors of 3D Shapes (Burgess & Kim 2018), drawn rather than downloaded.

An object stands on the floor of a room in front of the corner of two walls, and the camera looks at it from a circle
around it. Only scale, shape and orientation determine the view; the hues merely tint it. Each of the 480 views is
therefore rendered once, without colour, and an image is a weighted sum of its maps. The factors and their values are
those of 3D Shapes; the dimensions of object, room, camera and light are our own.
"""

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

NAMES = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
"""Factors, in the order of 3D Shapes."""

SHAPES = ("cube", "cylinder", "sphere", "capsule")
"""Names of the classes of the factor ``shape``."""

VALUES: dict[str, NDArray[np.float64]] = {
    "floor_hue": np.linspace(0, 0.9, 10),
    "wall_hue": np.linspace(0, 0.9, 10),
    "object_hue": np.linspace(0, 0.9, 10),
    "scale": np.linspace(0.75, 1.25, 8),
    "shape": np.arange(4.0),
    "orientation": np.linspace(-30, 30, 15),
}
"""Value of each class: hue as a share of the colour circle, from red through green and blue; orientation in degrees, of
a camera that moves anticlockwise around the object, seen from above."""

SIZES = tuple(len(VALUES[name]) for name in NAMES)
"""Number of classes of each factor; 480,000 images in all."""

SIDE = 64
"""Height and width of an image, in pixels."""

RAYS = 3
"""Rays per pixel along each side; their mean is its colour."""

EYE, TARGET, HALF_WIDTH = (8.5, 3.6), 1.1, 0.34
"""Position of the camera, from the axis of the object and above the floor; the height that it looks at; and half the
image's width as a share of its distance. Lengths are in units of the radius of a sphere at scale 1."""

WALL = 4.2
"""Distance of both walls from the axis of the object."""

PLANES = np.array([-WALL, -WALL, 0], np.float32)
"""Positions of both walls and the floor, each along its own axis."""

LIGHT = np.array([1.5, 8.5, 9.0], np.float32)
"""Position of the lamp: more in front of one wall than of the other, so that they differ and the corner shows."""

FLOOR, WALLS, OBJECT, GLOSS = range(4)
"""Maps of a view: the share of its colour that each material reflects, and the white reflection of the lamp."""

REACH = 1.65
"""No shape of scale 1 extends further than this from the point at height 1 on its axis."""

STEPS = 32
"""Steps of a ray towards the object: rays that have not reached it by then miss it."""

TOUCHING = 0.004
"""Distance at which a ray counts as a hit: a twentieth of a pixel's width at the object."""

SHARPNESS = 7
"""A shadow ends where light misses the object by at least its path length divided by this."""

Points: TypeAlias = NDArray[np.float32]
"""Points or directions, shape ``(k, 3)``: along one wall, along the other, and up."""


def render(classes: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the images of the given classes of factors.

    Args:
        classes: Class of each factor, shape ``(n, 6)``, in the order of ``NAMES``.

    Returns:
        Images, shape ``(n, 3, 64, 64)``: red, green and blue in 0 to 255, rows from the top. Each view that occurs is
        cached: it takes about 15 ms and 64 kB, 31 MB for all of them.
    """
    images = np.empty((len(classes), 3, SIDE, SIDE), np.uint8)
    # Columns are the maps of a view: three materials with their colours, and the reflection, which is white.
    weights = np.ones((len(classes), 3, 4), np.float32)
    weights[:, :, :GLOSS] = rgb(VALUES["floor_hue"][classes[:, :GLOSS]]).swapaxes(1, 2)
    for image, weight, seen in zip(images, 255 * weights, classes[:, 3:].tolist(), strict=True):
        light = weight @ view(*seen).reshape(4, -1)
        light += 0.5
        image[:] = np.minimum(light, 255, out=light).reshape(image.shape)
    return images


def rgb(hue: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the pure colours of the given hues.

    Smith 1978, the hexcone model, at full saturation and value.

    Args:
        hue: Share of the colour circle, any shape; 0 is red, 1/3 green, 2/3 blue, and 1 red again.

    Returns:
        Red, green and blue in [0, 1], shape ``(..., 3)``.
    """
    distance = np.abs((hue[..., None] - np.array([0, 1 / 3, 2 / 3]) + 0.5) % 1 - 0.5)
    colours: NDArray[np.float64] = np.clip(2 - 6 * distance, 0, 1)
    return colours


@cache
def view(scale: int, shape: int, orientation: int) -> NDArray[np.float32]:
    """Return the view of the camera, without colour.

    Light is diffuse (Lambert) with a reflection of the lamp on the object (Blinn 1977). The object and its soft shadow
    are found by sphere tracing (Hart 1996).

    Args:
        scale: Class of the scale.
        shape: Class of the shape.
        orientation: Class of the orientation.

    Returns:
        Maps, shape ``(4, 64, 64)``, in [0, 1]: the light that comes from floor, walls and object, each as a share of
        its colour, and the reflection. Read-only, because it is cached.
    """
    size = float(VALUES["scale"][scale])
    eye, rays = _camera(np.radians(VALUES["orientation"][orientation]))
    light = np.zeros((4, len(rays)), np.float32)

    hit, places = _object(eye, rays, shape=shape, size=size)
    light[OBJECT, hit], light[GLOSS, hit] = _lit_object(places, rays[hit], shape=shape, size=size)

    free = np.ones(len(rays), bool)
    free[hit] = False
    places, normals = _room(eye, rays[free])
    on_floor = normals[:, 2] > 0
    shades = _lit_room(places, normals, shape=shape, size=size)
    light[FLOOR, free], light[WALLS, free] = shades * on_floor, shades * ~on_floor

    maps: NDArray[np.float32] = light.reshape(4, SIDE, RAYS, SIDE, RAYS).mean(axis=(2, 4))
    maps.flags.writeable = False
    return maps


def _camera(orientation: float) -> tuple[Points, Points]:
    """Return the position of the camera, shape ``(3,)``, and the unit directions of its rays, row by row."""
    azimuth = np.pi / 4 + orientation
    outwards = np.array([np.cos(azimuth), np.sin(azimuth), 0])
    eye = EYE[0] * outwards + [0, 0, EYE[1]]
    ahead = [0, 0, TARGET] - eye
    ahead /= np.linalg.norm(ahead)
    right = np.array([-outwards[1], outwards[0], 0])
    offsets = HALF_WIDTH * ((np.arange(SIDE * RAYS) + 0.5) / (SIDE * RAYS / 2) - 1)
    rays = ahead + offsets[:, None] * right - offsets[:, None, None] * np.cross(right, ahead)
    return eye.astype(np.float32), _unit(rays.reshape(-1, 3).astype(np.float32))


def _dot(first: Points, second: Points) -> NDArray[np.float32]:
    return np.asarray(np.einsum("ki,ki->k", first, second))


def _unit(vectors: Points) -> Points:
    units: Points = np.divide(vectors, np.sqrt(_dot(vectors, vectors))[:, None])
    return units


def _distance(places: Points, *, shape: int, size: float) -> NDArray[np.float32]:
    """Return the signed distance of points from the surface of the object, negative inside it."""
    x, y, z = places.T
    # Signed excess in each direction that bounds the shape; these directions are orthogonal.
    match SHAPES[shape]:
        case "cube":
            half = 0.85 * size
            excess = [np.abs(x) - half, np.abs(y) - half, np.abs(z - half) - half]
        case "cylinder":
            half = 0.95 * size
            excess = [np.hypot(x, y) - half, np.abs(z - half) - half]
        case "sphere":
            excess = [np.sqrt(x * x + y * y + (z - size) ** 2) - size]
        case _:
            radius, half = 0.7 * size, 0.6 * size
            beyond = np.maximum(np.abs(z - radius - half) - half, 0)
            excess = [np.sqrt(x * x + y * y + beyond * beyond) - radius]
    outside = np.sqrt(sum(np.maximum(e, 0) ** 2 for e in excess))
    return np.asarray(outside + np.minimum(np.max(excess, axis=0), 0))


def _near(start: Points, rays: Points, size: float) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the numbers of the rays that come near the object, and their distances to it."""
    to_centre = np.array([0, 0, size], np.float32) - start
    along = _dot(rays, np.broadcast_to(to_centre, rays.shape))
    missed = np.sum(to_centre * to_centre, axis=-1) - along * along
    near = np.flatnonzero((missed < (REACH * size) ** 2) & (along > -REACH * size))
    return near, np.maximum(along[near] - np.float32(REACH * size), 0)


def _object(eye: Points, rays: Points, *, shape: int, size: float) -> tuple[NDArray[np.intp], Points]:
    """Return the numbers of the rays that hit the object, and the points that they hit."""
    near, depth = _near(eye, rays, size)
    rays = rays[near]
    for _ in range(STEPS):
        places = eye + depth[:, None] * rays
        distance = _distance(places, shape=shape, size=size)
        depth += distance
    met = distance < TOUCHING
    return near[met], places[met]


def _lit_object(
    places: Points, rays: Points, *, shape: int, size: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the diffuse light and the reflection of the lamp at points on the object."""
    slopes = [
        _distance(places + step, shape=shape, size=size) - _distance(places - step, shape=shape, size=size)
        for step in np.eye(3, dtype=np.float32) * np.float32(0.02)
    ]
    normals = _unit(np.stack(slopes, axis=1))
    to_lamp = _unit(LIGHT - places)
    lamp = np.maximum(_dot(normals, to_lamp), 0)
    # Surfaces that face the floor receive less light from the room, and least close to the floor.
    room = (0.36 + 0.14 * normals[:, 2]) * (1 - 0.3 * np.exp(-3 * places[:, 2] / size))
    mirrored = _dot(normals, _unit(to_lamp - rays))
    gloss = np.where(lamp > 0, 0.3 * np.maximum(mirrored, 0) ** 40, 0)
    return np.minimum(room + 0.62 * lamp, 1), gloss


def _room(eye: Points, rays: Points) -> tuple[Points, Points]:
    """Return the points where rays hit a wall or the floor, and the normals there."""
    with np.errstate(divide="ignore"):
        depths = (PLANES - eye) / rays
    depths[depths < 0] = np.inf
    first = depths.argmin(axis=1)
    return eye + depths[np.arange(len(rays)), first, None] * rays, np.eye(3, dtype=np.float32)[first]


def _lit_room(places: Points, normals: Points, *, shape: int, size: float) -> NDArray[np.float32]:
    """Return the diffuse light at points on walls and floor."""
    to_lamp = LIGHT - places
    far = np.sqrt(_dot(to_lamp, to_lamp))
    to_lamp = _unit(to_lamp)
    lamp = _dot(normals, to_lamp) * (np.linalg.norm(LIGHT) / far)
    lamp *= _unshadowed(places, to_lamp, shape=shape, size=size)
    # Corners, and the floor next to the object, receive less light from the room.
    creases = np.prod(1 - 0.22 * np.exp(-(places - PLANES) / 0.7), axis=1) / (1 - 0.22)
    contact = 1 - 0.5 * np.exp(-3 * _distance(places, shape=shape, size=size) / size)
    return np.asarray(np.minimum((0.42 * contact + 0.58 * lamp) * creases, 1))


def _unshadowed(places: Points, to_lamp: Points, *, shape: int, size: float) -> NDArray[np.float32]:
    """Return the visible share of the lamp at each point, in [0, 1], from how narrowly its light misses the object."""
    share = np.ones(len(places), np.float32)
    near, depth = _near(places, to_lamp, size)
    places, to_lamp, least = places[near], to_lamp[near], share[near]
    depth += 0.05
    for _ in range(STEPS):
        distance = _distance(places + depth[:, None] * to_lamp, shape=shape, size=size)
        np.minimum(least, SHARPNESS * distance / depth, out=least)
        depth += np.maximum(distance, 0.04)
    share[near] = np.maximum(least, 0)
    return np.asarray(share * share * (3 - 2 * share))
