"""Pictures of every kind become arrays; what is none is named."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from vaehub import DataError
from vaehub.files import image_array, image_shape, open_image, resize_image

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 9), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)


def saved(picture, form="PNG", **options):
    content = io.BytesIO()
    picture.save(content, form, **options)
    return content.getvalue()


def transparent():
    alpha = np.zeros((6, 9), np.uint8)
    alpha[:, :5] = 255
    return Image.fromarray(np.dstack([COLOUR, alpha]))


PICTURES = {
    "grey": (saved(Image.fromarray(GREY)), GREY[None]),
    "colour": (saved(Image.fromarray(COLOUR)), COLOUR.transpose(2, 0, 1)),
    "bmp": (saved(Image.fromarray(COLOUR), "BMP"), COLOUR.transpose(2, 0, 1)),
    "one bit": (saved(Image.fromarray(GREY > 127)), (GREY > 127)[None] * 255),
    "16 bit": (saved(Image.fromarray(GREY.astype(np.uint16) * 257)), GREY[None]),
    "palette": (saved(Image.fromarray(GREY).convert("P")), np.repeat(GREY[None], 3, axis=0)),
    "transparent": (saved(transparent()), np.where(np.arange(9) < 5, COLOUR.transpose(2, 0, 1), 255)),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_pixels_are_those_of_the_file(kind):
    content, expected = PICTURES[kind]
    assert np.array_equal(image_array(open_image(content, kind)), expected)
    assert image_shape(content, kind) == expected.shape


def test_channels_are_as_wanted(tmp_path):
    path = tmp_path / "grey.png"
    path.write_bytes(PICTURES["grey"][0])
    assert np.array_equal(image_array(open_image(path, "x", channels=3)), np.repeat(GREY[None], 3, axis=0))
    assert image_array(open_image(PICTURES["colour"][0], "x", channels=1)).shape == (1, 6, 9)


def test_the_side_that_a_camera_says_is_up_is_up():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(Image.fromarray(GREY), exif=exif)
    assert np.array_equal(image_array(open_image(content, "x")), np.rot90(GREY, -1)[None])
    assert image_shape(content, "x") == (1, 9, 6)


@pytest.mark.parametrize(
    "content", [b"", b"hello", PICTURES["colour"][0][:60], saved(Image.fromarray(COLOUR), "JPEG")[:200]]
)
def test_what_cannot_be_decoded_is_named(content):
    with pytest.raises(DataError, match=r"folder/x.png cannot be decoded as an image \(.*\); replace or remove it"):
        open_image(content, "folder/x.png")


def test_a_picture_that_claims_to_be_gigantic_is_refused():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">2I5B", 60_000, 60_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    for read in (open_image, image_shape):
        with pytest.raises(DataError, match=r"bomb.png cannot be decoded as an image"):
            read(bomb, "bomb.png")


def test_the_largest_centred_part_is_kept():
    wide = np.zeros((10, 30), np.uint8)
    wide[:, 10:20] = 200
    cut = np.asarray(resize_image(Image.fromarray(wide), (10, 10), crop=True))
    assert (cut == 200).all()
    whole = np.asarray(resize_image(Image.fromarray(wide), (10, 10), crop=False))
    assert whole.mean() == pytest.approx(wide.mean(), abs=3)


def test_what_has_the_size_is_left_alone():
    picture = Image.fromarray(GREY)
    assert resize_image(picture, (6, 9), crop=True) is picture
    assert resize_image(picture, None, crop=True) is picture
