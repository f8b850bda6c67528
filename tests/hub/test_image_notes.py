"""What was left out of a user's images is stored with the training, and shown."""

import numpy as np
import pytest
from PIL import Image

from vaehub import Hub, VaehubError

QUICK = {"train.epochs": 1, "model.latent_dim": 2}


@pytest.fixture
def folder(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 6, 6), dtype=np.uint8)
    (tmp_path / "images").mkdir()
    for at, each in enumerate(pixels):
        Image.fromarray(each).save(tmp_path / "images" / f"{at}.png")
    (tmp_path / "images" / "broken.png").write_bytes(b"nothing")
    return tmp_path / "images"


def test_broken_images_are_counted_in_what_is_stored(tmp_path, folder):
    hub = Hub.open(tmp_path / "store")
    with pytest.raises(VaehubError, match=r"broken.png cannot be decoded .* '-s data.on_broken=skip'"):
        hub.run("vae", "elbo", dataset=str(folder), settings=QUICK)
    found = hub.run("vae", "elbo", dataset=str(folder), settings={**QUICK, "data.on_broken": "skip"})[0]
    assert any("1 of 21 files were skipped because they are broken" in note for note in found.training.notes)
    _, data = Hub.open(tmp_path / "store").model(found.training.id)
    assert len(data) == 20
    assert any("1 of 21" in note for note in data.notes)


def test_a_training_on_grey_images_in_colour_from_before_is_restored_in_colour(tmp_path, folder):
    (folder / "broken.png").unlink()
    for path in folder.iterdir():
        Image.open(path).convert("RGB").save(path)
    hub = Hub.open(tmp_path / "store")
    content = hub.dataset_named(str(folder)).params.content
    before = hub.run("vae", "elbo", dataset=str(folder), settings={**QUICK, "data.content": content})[0]
    now = hub.run("vae", "elbo", dataset=str(folder), settings=QUICK)[0]
    assert before.training.id != now.training.id
    assert hub.model(before.training.id)[1].spec.shape == (3, 6, 6)
    assert hub.model(now.training.id)[1].spec.shape == (1, 6, 6)
