"""Sprites as datasets: drawn and official, plain and coloured."""

import io
import os
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from vaehub import DataError, generator
from vaehub.core.errors import VaehubError
from vaehub.core.params import parse
from vaehub.files import DataFile, FileParams
from vaehub.files.checksums import checksum
from vaehub.plugins.datasets.sprites import cards, kernels, official, rendering
from vaehub.plugins.datasets.sprites.params import ScreamSpritesParams

ROWS = torch.tensor([0, 737_279, 400_000, 12_345, 5])


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VAEHUB_DATA", raising=False)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    values = np.random.default_rng(0).integers(0, 256, (100, 90, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return path, values / 255


def test_all_combinations_are_there_in_the_order_of_dsprites():
    data = rendering.PlainSprites(FileParams()).load()
    assert len(data) == 737_280
    assert data.spec.shape == (1, 64, 64)
    assert data.factors.names == ("shape", "scale", "orientation", "position_x", "position_y")
    wanted = {"shape": 3, "scale": 0.5, "orientation": 0, "position_x": 1, "position_y": 0}
    # Bases of the data's README: 245760, 40960, 1024, 32, 1.
    row = data.factors.lookup(data.factors.classes_of(wanted)[None])
    assert row.tolist() == [2 * 245_760 + 31 * 32]
    x = data.batch(row).x[0, 0]
    down, right = x.nonzero().float().mean(dim=0).tolist()
    assert right == pytest.approx(47.5, abs=1)
    assert down == pytest.approx(15.5, abs=1)


def test_an_image_is_that_of_its_factors():
    data = rendering.PlainSprites(FileParams()).load()
    batch = data.batch(ROWS)
    assert torch.equal(batch.x[:, 0], torch.from_numpy(kernels.render(batch.factors.numpy())).float())


@pytest.mark.parametrize("source", [rendering.ColourSprites, rendering.NoisySprites])
def test_what_is_random_belongs_to_the_image_and_the_seed(source):
    data, other = (source(FileParams(seed=seed)).load() for seed in (0, 1))
    x = data.batch(ROWS).x
    assert x.shape == (5, 3, 64, 64)
    assert torch.equal(data.batch(ROWS.flip(0)).x.flip(0), x)
    assert torch.equal(data.subset(ROWS).x, x)
    assert not torch.equal(other.batch(ROWS).x, x)


def test_colours_are_at_least_half_bright_and_fill_the_range():
    data = rendering.ColourSprites(FileParams()).load()
    rows = torch.randint(len(data), (500,), generator=generator(0))
    colours = data.batch(rows).x.amax(dim=(2, 3))
    assert colours.min() >= 0.5
    assert colours.mean().item() == pytest.approx(0.75, abs=0.02)
    assert colours.std().item() == pytest.approx(0.5 / 12**0.5, abs=0.01)


def test_noise_is_behind_white_sprites():
    data = rendering.NoisySprites(FileParams()).load()
    masks = rendering.PlainSprites(FileParams()).load().batch(ROWS).x.expand(-1, 3, -1, -1)
    x = data.batch(ROWS).x
    assert (x[masks == 1] == 1).all()
    assert x[masks == 0].mean().item() == pytest.approx(0.5, abs=0.01)


def test_a_sprite_is_the_negative_of_a_tinted_part_of_the_picture(picture):
    path, values = picture
    params = parse(ScreamSpritesParams, {"picture": path}, owner="dataset 'sprites_scream'")
    x = rendering.ScreamSprites(params).load().batch(ROWS).x.numpy()
    masks = rendering.PlainSprites(FileParams()).load().batch(ROWS).x.numpy()[:, 0] > 0
    # The random numbers are of their own streams, so the same draws can be made here.
    places = (kernels.uniform(0, ROWS.numpy(), 2, stream=2) * [100 - 63, 90 - 63]).astype(int)
    tints = kernels.uniform(0, ROWS.numpy(), 3, stream=3)
    for image, mask, (down, right), tint in zip(x, masks, places, tints, strict=True):
        behind = (values[down : down + 64, right : right + 64] + tint).transpose(2, 0, 1) / 2
        np.testing.assert_allclose(image[:, ~mask], behind[:, ~mask], atol=1e-6)
        np.testing.assert_allclose(image[:, mask], 1 - behind[:, mask], atol=1e-6)


def test_a_picture_is_known_by_its_content(picture, tmp_path):
    path, _ = picture
    copy = tmp_path / "copy.png"
    copy.write_bytes(path.read_bytes())
    first, second = (parse(ScreamSpritesParams, {"picture": each}, owner="x").identity() for each in (path, copy))
    assert first == second
    assert first["content"]


def test_a_missing_or_small_picture_is_named(tmp_path):
    with pytest.raises(VaehubError, match=r"there is nothing at .*nowhere.png', which 'picture' names"):
        parse(ScreamSpritesParams, {"picture": tmp_path / "nowhere.png"}, owner="x")
    with pytest.raises(VaehubError, match="'picture' is 0 and should be a path"):
        parse(ScreamSpritesParams, {"picture": 0}, owner="x")
    small = tmp_path / "small.png"
    Image.new("RGB", (63, 200)).save(small)
    with pytest.raises(DataError, match=r"small.png is 63x200 pixels .* 64 are needed"):
        rendering.ScreamSprites(parse(ScreamSpritesParams, {"picture": small}, owner="x")).load()


# The official file

SIZES = (2, 2, 3, 2, 2)


def made(tmp_path, monkeypatch, *, classes=None, images=None, content=None):
    """Make an npz file of the official format with fewer images, and let the loader expect it."""
    n = int(np.prod(SIZES))
    monkeypatch.setattr(kernels, "SIZES", SIZES)
    grid = np.stack(np.unravel_index(np.arange(n), SIZES), axis=1)
    arrays = {
        "metadata": np.array({"date": "April 2017"}, dtype=object),
        "imgs": kernels.render(grid) if images is None else images,
        "latents_classes": np.concatenate([np.zeros((n, 1), np.int64), grid], axis=1) if classes is None else classes,
        "latents_values": np.zeros((n, 6)),
    }
    path = tmp_path / "mine" / "dsprites" / cards.ARCHIVE
    path.parent.mkdir(parents=True)
    if content is None:
        np.savez_compressed(path, **arrays)
    else:
        path.write_bytes(content)
    card = replace(cards.DSPRITES, files=(DataFile(cards.ARCHIVE, checksum(path, "md5")),))
    monkeypatch.setattr(official.Official, "card", card)
    return FileParams(root=tmp_path / "mine"), path


def test_the_official_file_gives_its_images_with_their_factors(tmp_path, monkeypatch):
    params, path = made(tmp_path, monkeypatch)
    with zipfile.ZipFile(path) as archive:
        assert b"April 2017" in archive.read("metadata.npy")  # a pickle, which is not read
    data = official.PlainDsprites(params).load()
    rows = torch.tensor([47, 0, 13])
    batch = data.batch(rows)
    assert torch.equal(batch.x[:, 0], torch.from_numpy(kernels.render(batch.factors.numpy())).float())
    assert len(data) == 48


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": np.zeros((48, 6), np.int64)}, "holds its images in another order than the published file"),
        ({"images": np.full((48, 64, 64), 255, np.uint8)}, "holds pixels other than 0 and 1"),
        ({"images": np.zeros((47, 64, 64), np.uint8)}, r"holds images \(47, 64, 64\) of uint8"),
        ({"content": b"PK\x03\x04 no archive"}, "cannot be read as an archive"),
    ],
)
def test_another_content_is_refused_and_nothing_is_kept(tmp_path, monkeypatch, changes, words):
    params, path = made(tmp_path, monkeypatch, **changes)
    with pytest.raises(DataError, match=words) as caught:
        official.PlainDsprites(params).load()
    assert str(path) in str(caught.value)
    assert not list((tmp_path / "cache").rglob("*.npy"))
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_images_as_objects_are_refused(tmp_path, monkeypatch):
    content = io.BytesIO()
    np.savez_compressed(content, imgs=np.array([object()]), latents_classes=np.array([object()]))
    params, _ = made(tmp_path, monkeypatch, content=content.getvalue())
    with pytest.raises(DataError, match="holds Python objects, which can run code"):
        official.PlainDsprites(params).load()


def test_a_missing_file_says_where_it_comes_from():
    card = replace(cards.DSPRITES, files=(replace(cards.DSPRITES.files[0], address=None),))
    source = official.PlainDsprites(FileParams())
    official.Official.card, before = card, official.Official.card
    try:
        with pytest.raises(DataError, match=r"dataset 'dsprites' is not available: .*npz is in none of .*dsprites"):
            source.load()
    finally:
        official.Official.card = before


@pytest.mark.slow
def test_a_shuffled_epoch_stays_small():
    program = """
import resource, torch
from vaehub.files import FileParams
from vaehub.plugins.datasets.sprites.rendering import PlainSprites
data = PlainSprites(FileParams(subset=100_000)).load()
assert len(data) == 100_000
for rows in torch.randperm(len(data)).split(64):
    data.batch(rows)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    kilobytes = int(run.stdout)
    assert kilobytes < 1.5 * 2**20
