import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def photographs(tmp_path):
    """A folder of two classes of pictures of different sizes and modes."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "photographs"
    sizes = [(40, 30), (30, 40), (64, 64)]
    for label in ("cat", "dog"):
        (folder / label).mkdir(parents=True)
        for at, size in enumerate(sizes):
            pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{at}.png")
    Image.new("L", (20, 20), 128).save(folder / "dog" / "grey.jpg")
    (folder / "readme.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(b"no picture either")
    return folder
