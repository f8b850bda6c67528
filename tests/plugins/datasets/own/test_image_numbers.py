"""Brightness is what the files say, whatever the type of their numbers, or it is asked for."""

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from vaehub import DataError, VaehubError
from vaehub.core.params import parse
from vaehub.plugins.datasets.own import images
from vaehub.plugins.datasets.own.images import Images
from vaehub.plugins.datasets.own.params import ImagesParams

RAMP = np.tile(np.linspace(0, 1, 16), (12, 1))


def load(path, **settings):
    return Images(parse(ImagesParams, {"path": path, **settings}, owner="dataset 'images'")).load()


def folder(path, array, ending=".tif", n=3, **options):
    """Save the array n times, each a tenth darker than the one before."""
    path.mkdir()
    for at in range(n):
        Image.fromarray((array * (1 - 0.1 * at)).astype(array.dtype)).save(path / f"{at}{ending}", **options)
    return path


WANTED = float(RAMP.mean() * 0.9)


@pytest.mark.parametrize("size", [None, 8])
@pytest.mark.parametrize(
    ("white", "dtype", "ending"),
    [
        (255, np.uint8, ".png"),
        (255, np.uint8, ".tif"),
        (65535, np.uint16, ".png"),
        (65535, np.uint16, ".tif"),
        (65535, np.uint16, ".pgm"),
        (1, np.float32, ".tif"),
        (255, np.float32, ".tif"),
        (65535, np.float32, ".tif"),
        (255, np.int32, ".tif"),
        (65535, np.int32, ".tif"),
    ],
)
def test_brightness_is_kept(tmp_path, white, dtype, ending, size):
    data = load(folder(tmp_path / "x", (RAMP * white).astype(dtype), ending), size=size, crop=False)
    assert data.spec.shape[0] == 1
    assert data.x.mean().item() == pytest.approx(WANTED, abs=0.005)
    assert data.x[0].max().item() == pytest.approx(1, abs=0.001 if size is None else 0.06)


@pytest.mark.parametrize(
    ("white", "dtype", "ending", "words"),
    [
        (4095, np.uint16, ".png", "from 0 to 4095, nearly black if 65535 is white; .* '-s data.white=4095'"),
        (255, np.uint16, ".tif", "from 0 to 255, nearly black if 65535 is white; .* '-s data.white=255'"),
        (1023, np.int32, ".tif", "from 0 to 1023, the type does not say which is white; .* '-s data.white=1023'"),
        (4095, np.float32, ".tif", "from 0 to 4095, the type does not say"),
        (1.2, np.float32, ".tif", "from 0 to 1.2, the type does not say"),
        (0.01, np.float32, ".tif", "from 0 to 0.01, nearly black if 1 is white"),
        (-1.0, np.float32, ".tif", r"from -1 to -?0, and brightness begins at 0; rescale"),
        (np.nan, np.float32, ".tif", "holds NaN or infinity"),
    ],
)
def test_what_would_be_a_guess_is_asked(tmp_path, white, dtype, ending, words):
    path = folder(tmp_path / "x", np.array(RAMP * white).astype(dtype), ending)
    with pytest.raises(DataError, match=words):
        load(path)


@pytest.mark.parametrize(("white", "dtype"), [(4095, np.uint16), (1023, np.int32), (1.2, np.float32)])
def test_white_is_as_said(tmp_path, white, dtype):
    data = load(folder(tmp_path / "x", (RAMP * white).astype(dtype)), white=white)
    assert data.x.mean().item() == pytest.approx(WANTED, abs=0.005)


def test_masks_of_small_numbers_are_nearly_black_with_a_word_and_white_as_said(tmp_path):
    path = folder(tmp_path / "x", (RAMP > 0.5).astype(np.uint8), ".png", n=1)
    data = load(path)
    assert data.x.max().item() == pytest.approx(1 / 255)
    [note] = data.notes
    assert "nearly black: no value is above 1, and 255 is white" in note
    assert "'-s data.white=1'" in note
    assert load(path, white=1).x.mean().item() == 0.5
    assert load(path, white=1).notes == ()


def test_what_lies_above_the_white_that_was_said_is_named(tmp_path):
    with pytest.raises(DataError, match=r"x/0.png has values from 0 to 255, beyond 0 to 100, which is white"):
        load(folder(tmp_path / "x", (RAMP * 255).astype(np.uint8), ".png"), white=100)


def test_all_images_of_a_folder_have_one_white(tmp_path):
    """A dark image is dark beside a bright one, and not stretched."""
    path = folder(tmp_path / "x", RAMP.astype(np.float32), n=1)
    Image.fromarray((RAMP * 200).astype(np.float32)).save(path / "bright.tif")
    data = load(path)
    assert data.x.mean(dim=(1, 2, 3)).tolist() == pytest.approx([0.5 / 255, 0.5 * 200 / 255], abs=0.003)
    assert any("255 is taken as white" in note for note in data.notes)


def test_images_of_8_and_16_bits_in_one_folder_have_each_their_own_white(tmp_path):
    path = folder(tmp_path / "x", (RAMP * 65535).astype(np.uint16), n=1)
    Image.fromarray((RAMP * 255).astype(np.uint8)).save(path / "bytes.png")
    assert load(path).x.mean(dim=(1, 2, 3)).tolist() == pytest.approx([0.5, 0.5], abs=0.005)


def test_a_tiff_of_which_zero_is_white_is_turned(tmp_path):
    for dtype, white in ((np.uint16, 65535), (np.float32, 1)):
        path = tmp_path / np.dtype(dtype).name
        path.mkdir()
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[262] = 0
        image = Image.fromarray((RAMP**2 * white).astype(dtype))
        image.save(path / "x.tif", tiffinfo=tags)
        with Image.open(path / "x.tif") as saved:
            if saved.tag_v2[262] != 0:
                continue  # this version of Pillow writes its own value
        expected = float(1 - (RAMP**2).mean())
        assert load(path).x.mean().item() == pytest.approx(expected, abs=0.01), dtype


def test_numbers_that_are_not_read_are_named(tmp_path):
    """A TIFF of 64-bit floating-point values, written by hand: Pillow writes none."""
    values = RAMP.astype("<f8")
    tags = {256: 16, 257: 12, 258: 64, 259: 1, 262: 1, 273: 8, 277: 1, 278: 12, 279: values.nbytes, 339: 3}
    entries = b"".join(
        tag.to_bytes(2, "little") + (4).to_bytes(2, "little") + (1).to_bytes(4, "little") + value.to_bytes(4, "little")
        for tag, value in tags.items()
    )
    content = b"II*\0" + (8 + values.nbytes).to_bytes(4, "little") + values.tobytes()
    content += len(tags).to_bytes(2, "little") + entries + bytes(4)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "0.tif").write_bytes(content)
    try:
        assert load(tmp_path / "x").x.mean().item() == pytest.approx(0.5, abs=0.01)
    except VaehubError as error:
        assert "x/0.tif cannot be decoded as an image (a TIFF of 1 channels of 64 bits, floating-point" in str(error)  # noqa: PT017 either is right


@pytest.mark.parametrize(("white", "dtype"), [(1, np.float32), (255, np.int32), (65535, np.uint16)])
def test_images_mapped_from_a_file_have_the_same_brightness(tmp_path, monkeypatch, white, dtype):
    path = folder(tmp_path / "x", (RAMP * white).astype(dtype))
    held = load(path)
    monkeypatch.setattr(images, "IN_MEMORY", 100)
    assert load(path).x.tolist() == held.x.tolist()
    [kept] = (tmp_path / "cache" / "vaehub" / "unpacked").glob("*.npy")
    # An array unpacked before these types were understood has the plain name, and is not taken.
    assert ("white" in kept.name) == (dtype != np.uint16)
