"""Modes, pages, grey images in colour and broken files: right, or refused, and never without a word."""

import io
import os

import numpy as np
import pytest
from image_folders import load, params, png, tree
from PIL import Image

from vaehub import DataError

GREY = np.arange(0, 240, 4, dtype=np.uint8).reshape(6, 10)
COLOUR = np.stack([GREY, 255 - GREY, np.full_like(GREY, 7)], axis=-1)


def saved(path, image, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path.parent


def pixels(data, at=0):
    return (data.x[at] * 255).round().numpy().astype(np.uint8)


# Grey and colour


def test_grey_images_stored_in_colour_are_grey(tmp_path):
    folder = saved(tmp_path / "x" / "0.png", Image.fromarray(GREY).convert("RGB"))
    saved(folder / "1.png", Image.fromarray(GREY).convert("P"))
    saved(folder / "2.jpg", Image.fromarray(GREY).convert("RGB"))
    saved(folder / "3.png", Image.fromarray(GREY))
    data = load(folder)
    assert data.spec.shape == (1, 6, 10)
    for at in (0, 1, 3):
        assert np.array_equal(pixels(data, at)[0], GREY)
    assert "3 of 4 images are stored in colour, and read as grey" in data.notes
    assert load(folder, channels=3).spec.shape == (3, 6, 10)


def test_one_image_in_colour_makes_all_three_channels_with_a_word(tmp_path):
    folder = saved(tmp_path / "x" / "0.png", Image.fromarray(GREY))
    saved(folder / "1.png", Image.fromarray(COLOUR))
    data = load(folder)
    assert data.spec.shape == (3, 6, 10)
    assert np.array_equal(pixels(data, 0), np.repeat(GREY[None], 3, axis=0))
    assert np.array_equal(pixels(data, 1), COLOUR.transpose(2, 0, 1))
    [note] = data.notes
    assert "1 of 2 images are in colour, such as 1.png" in note
    assert "'-s data.channels=1'" in note


def test_what_was_stored_of_grey_images_in_colour_stays_what_it_was(tmp_path):
    folder = saved(tmp_path / "x" / "0.png", Image.fromarray(GREY).convert("RGB"))
    now = params(folder)
    assert now.channels == 1
    before = params(folder, content=now.content)
    assert before.channels is None
    assert load(folder, content=now.content).spec.shape == (3, 6, 10)
    assert before.identity() != now.identity()


def test_identities_from_before_these_parameters_stay(tmp_path):
    known = ("crop", "labels", "content", "channels", "size", "pad", "split", "n_classes", "first", "per_class")
    found = params(tree(tmp_path / "x", "0.png")).identity()
    assert set(found) == {*known, "subset", "validation_last", "seed"}
    assert params(tmp_path / "x", max_bytes=10**6).identity() == found
    assert params(tmp_path / "x", on_broken="skip").identity() != found


# Modes


MODES = {
    "one bit": (Image.fromarray(GREY > 100), ".png", {}, np.where(GREY > 100, 255, 0)[None]),
    "one bit tiff": (Image.fromarray(GREY > 100), ".tif", {}, np.where(GREY > 100, 255, 0)[None]),
    "palette": (Image.fromarray(COLOUR).quantize(), ".png", {}, COLOUR.transpose(2, 0, 1)),
    "clear palette": (
        Image.fromarray(np.where(GREY[..., None] > 100, COLOUR, 0).astype("u1")).quantize(),
        ".gif",
        {},
        np.where(GREY[..., None] > 100, COLOUR, 0).transpose(2, 0, 1),
    ),
    "cmyk tiff": (Image.fromarray(COLOUR).convert("CMYK"), ".tif", {}, COLOUR.transpose(2, 0, 1)),
    "alpha": (
        Image.fromarray(np.dstack([COLOUR, np.where(GREY > 100, 255, 0).astype("u1")])),
        ".png",
        {},
        np.where(GREY[..., None] > 100, COLOUR, 255).transpose(2, 0, 1),
    ),
    "grey with alpha": (
        Image.fromarray(np.dstack([GREY, np.where(GREY > 100, 255, 0).astype("u1")])),
        ".png",
        {},
        np.where(GREY > 100, GREY, 255)[None],
    ),
    "deep with a clear value": (
        Image.fromarray(GREY.astype(np.uint16) * 257),
        ".png",
        {"transparency": 40 * 257},
        np.where(GREY == 40, 255, GREY)[None],
    ),
    "webp": (Image.fromarray(COLOUR), ".webp", {"lossless": True}, COLOUR.transpose(2, 0, 1)),
}


@pytest.mark.parametrize("kind", MODES)
def test_modes_are_read_right(tmp_path, kind):
    image, ending, options, expected = MODES[kind]
    data = load(saved(tmp_path / "x" / f"0{ending}", image, **options))
    assert np.array_equal(pixels(data), expected)


def test_cmyk_jpegs_of_printers_are_not_inverted(tmp_path):
    data = load(saved(tmp_path / "x" / "0.jpg", Image.new("RGB", (16, 16), (200, 40, 90)).convert("CMYK")))
    assert (data.x.mean(dim=(0, 2, 3)) * 255).tolist() == pytest.approx([200, 40, 90], abs=6)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp"])
def test_cameras_held_on_their_side(tmp_path, ending):
    exif = Image.Exif()
    exif[0x0112] = 6
    folder = saved(tmp_path / "x" / f"0{ending}", Image.fromarray(np.repeat(np.repeat(GREY, 8, 0), 8, 1)), exif=exif)
    data = load(folder)
    assert data.spec.shape[1:] == (80, 48)
    assert np.abs(pixels(data)[0][4::8, 4::8].astype(int) - np.rot90(GREY, -1)).max() < 12


# Formats


def test_formats_are_those_named_whatever_the_ending(tmp_path):
    folder = tree(tmp_path / "x", "0.png")
    for form in ("EPS", "ICO", "TGA", "JPEG2000"):
        content = io.BytesIO()
        Image.new("RGB", (16, 16)).save(content, form)
        (folder / "1.png").write_bytes(content.getvalue())
        with pytest.raises(
            DataError, match=r"x/1.png cannot be decoded as an image \(it begins like none of PNG, JPEG"
        ):
            load(folder)


# Pages


def stack(path, n=3, **options):
    frames = [Image.new("L", (6, 6), 50 * at + 20) for at in range(n)]
    return saved(path, frames[0], save_all=True, append_images=frames[1:], **options)


@pytest.mark.parametrize("ending", [".tif", ".gif", ".png", ".webp"])
def test_pages_and_frames_are_counted_and_read_if_wanted(tmp_path, ending):
    options = {"lossless": True} if ending == ".webp" else {}
    folder = stack(tmp_path / "cats" / f"0{ending}", **options)
    saved(folder / "1.png", Image.new("L", (6, 6), 240))
    first = load(folder)
    assert (first.x[:, 0, 0, 0] * 255).round().tolist() == [20, 240]
    [note] = [note for note in first.notes if "pages" in note]
    assert (
        f"1 files hold several pages or frames, 3 together, such as 0{ending}: the first of each file is read" in note
    )
    assert "'-s data.pages=all'" in note
    every = load(folder, pages="all")
    assert (every.x[:, 0, 0, 0] * 255).round().tolist() == [20, 70, 120, 240]
    assert every.spec.shape == first.spec.shape == (1, 6, 6)


def test_pages_have_the_class_of_their_file(tmp_path):
    stack(tmp_path / "x" / "a" / "0.tif")
    stack(tmp_path / "x" / "b" / "0.tif", n=2)
    data = load(tmp_path / "x", pages="all")
    assert data.labels.tolist() == [0, 0, 0, 1, 1]
    assert data.class_names == ("a", "b")


def test_deep_pages_have_one_white(tmp_path):
    frames = [Image.fromarray(np.full((4, 4), value, np.float32)) for value in (0.25, 1.0)]
    folder = saved(tmp_path / "x" / "0.tif", frames[0], save_all=True, append_images=frames[1:])
    assert load(folder, pages="all").x[:, 0, 0, 0].tolist() == pytest.approx([64 / 255, 1])


def test_the_preview_that_a_camera_puts_into_a_jpeg_is_no_page(tmp_path):
    frames = [Image.new("RGB", (16, 16), (at, 9, 99)) for at in (200, 100)]
    folder = saved(tmp_path / "x" / "0.jpg", frames[0], format="MPO", save_all=True, append_images=frames[1:])
    data = load(folder, pages="all")
    assert len(data) == 1
    assert data.notes == ()


# Broken files


def broken(folder):
    whole = png()
    tree(folder, "a/0.png", "a/1.png", "b/0.png")
    (folder / "a" / "0.png").write_bytes(whole[:60])
    (folder / "b" / "text.jpg").write_text("hello")
    return folder


def test_one_broken_file_is_refused_with_its_name_and_the_option(tmp_path):
    with pytest.raises(DataError, match=r"x/a/0.png cannot be decoded .*, or leave out .*'-s data.on_broken=skip'"):
        load(broken(tmp_path / "x"))


def test_broken_files_are_skipped_and_counted_if_wanted(tmp_path):
    data = load(broken(tmp_path / "x"), on_broken="skip")
    assert data.labels.tolist() == [0, 1]
    [note] = data.notes
    assert "2 of 4 files were skipped because they are broken" in note
    assert "x/a/0.png cannot be decoded" in note


def test_folders_of_nothing_but_broken_files_are_refused(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "0.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"x holds no images .*; 1 of 1 files were skipped because they are broken"):
        load(tmp_path / "x", on_broken="skip")


def test_a_link_that_leads_nowhere_is_named_or_counted(tmp_path):
    folder = tree(tmp_path / "x", "a/0.png", "b/0.png")
    os.symlink(tmp_path / "gone", folder / "c")
    os.symlink("gone.png", folder / "a" / "1.png")
    with pytest.raises(DataError, match=r"x/a/1.png is a link to 'gone.png', where there is nothing \(and 1 more\)"):
        load(folder)
    data = load(folder, on_broken="skip")
    assert len(data) == 2
    assert "2 of 4 files were skipped because they are broken" in data.notes[0]
