"""A user's own data, from Python: by path, by content, found again."""

import numpy as np
import pytest

from vaehub import Hub, VaehubError

QUICK = {"train.epochs": 1, "model.latent_dim": 2}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(
        path, images=np.random.default_rng(0).integers(0, 256, (40, 6, 6), dtype=np.uint8), labels=np.arange(40) % 2
    )
    return path


def test_a_stored_model_comes_with_the_data_it_was_trained_on(tmp_path, file):
    found = Hub.open(tmp_path / "store").run("vae", "elbo", dataset=str(file), settings=QUICK)[0]
    model, data = Hub.open(tmp_path / "store").model(found.training.id)
    assert len(data) == 40
    assert data.labels.tolist() == [0, 1] * 20
    assert model.latent_dim == 2


def test_data_that_changed_are_another_dataset_and_the_stored_model_says_so(tmp_path, file):
    hub = Hub.open(tmp_path / "store")
    first = hub.run("vae", "elbo", dataset=str(file), settings=QUICK)[0]
    np.savez(file, images=np.zeros((40, 6, 6), np.uint8))
    second = hub.run("vae", "elbo", dataset=str(file), settings=QUICK)[0]
    assert first.training.id != second.training.id
    with pytest.raises(VaehubError, match=r"mine.npz' has changed: its digest is [0-9a-f]{24} and was"):
        hub.model(first.training.id)


def test_a_relative_path_is_found_from_anywhere(tmp_path, file, monkeypatch):
    found = Hub.open(tmp_path / "store").run("vae", "elbo", dataset="./mine.npz", settings=QUICK)[0]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(Hub.open(tmp_path / "store").model(found.training.id)[1]) == 40


def test_data_and_sheets_are_at_hand_in_a_notebook(tmp_path, file):
    hub = Hub.open(tmp_path / "store")
    data = hub.data(str(file), {"size": 12, "split": [0.5, 0.25, 0.25]})
    assert data.spec.shape == (1, 12, 12)
    assert len(data.split("train")) == 20
    assert hub.sheet(data).size[0] > 100
    assert hub.holding("mnist").card.folder == "mnist"
    assert not (tmp_path / "store").exists()
