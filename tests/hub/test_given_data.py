"""Data and paths at every border of ``Hub``: the numbers of their file, kept as they were, or refused."""

import gc
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import vaehub
from vaehub import Dataset, Factors, Hub, OnDemand, VaehubError
from vaehub.adapters import as_dataset
from vaehub.hub.in_memory import dataset_component

QUICK = {"train.epochs": 1, "model.latent_dim": 2}


@pytest.fixture
def x():
    return np.random.default_rng(0).integers(0, 256, (40, 6, 6), dtype=np.uint8)


@pytest.fixture
def labels():
    return np.arange(40) % 2


@pytest.fixture
def file(tmp_path, x, labels):
    np.savez(tmp_path / "mine.npz", images=x, labels=labels)
    return tmp_path / "mine.npz"


def values(found):
    return [float(each["elbo"]) for each in found]


# The same numbers


def test_a_training_on_an_array_is_that_on_its_file(hub, x, file, labels):
    settings = QUICK | {"train.epochs": 2}
    by_path = hub.run("vae", "elbo", dataset=file, seed=[0, 1], settings=settings)
    in_memory = hub.run("vae", "elbo", dataset=as_dataset(x, labels=labels), seed=[0, 1], settings=settings)
    assert values(in_memory) == values(by_path)
    loader = DataLoader(TensorDataset(torch.from_numpy(x)[:, None], torch.from_numpy(labels)), batch_size=7)
    again = hub.run("vae", "elbo", dataset=loader, seed=[0, 1], settings=settings)
    assert [each.reused for each in again] == [True, True]


def test_settings_of_data_apply_to_what_is_in_memory(hub, x, file):
    settings = QUICK | {"data.size": 4, "data.subset": 20, "data.split": [0.8, 0.2, 0.0]}
    by_path = hub.run("vae", "elbo", dataset=file, settings=settings)
    assert values(hub.run("vae", "elbo", dataset=x, settings=settings)) == values(by_path)
    assert hub.data(x, {"size": 4}).spec.shape == (1, 4, 4)
    with pytest.raises(VaehubError, match="data in memory was given parameters .* 'subst' is not one .* 'subset'"):
        hub.run("vae", "elbo", dataset=x, settings=QUICK | {"data.subst": 20})


@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy, list, Dataset])
def test_a_model_of_ones_own_is_measured_on_anything(hub, x, convert):
    given = x[:, None] if convert is Dataset else x
    expected = hub.measure("relevance", wrapped(), data=as_dataset(x))
    found = hub.measure("relevance", wrapped(), data=convert(given))
    assert found.id == expected.id
    assert found.reused


def test_metrics_of_data_take_them_in_memory(hub, x, file, labels):
    in_memory = hub.measure("spread", x)
    assert in_memory["variance"] == hub.measure("spread", file)["variance"]
    assert hub.measure("spread", as_dataset(x)).id == in_memory.id
    assert hub.sheet(as_dataset(x, labels=labels)).tobytes() == hub.sheet(file).tobytes()


# Names and identity


def test_data_have_the_name_that_they_are_given(hub, x):
    hub.run("vae", "elbo", dataset=Dataset(x[:, None], name="mine"), settings=QUICK)
    hub.run("vae", "elbo", dataset=x, settings=QUICK)
    rows = hub.sql("select distinct dataset from results order by dataset").to_arrow()["dataset"].to_pylist()
    assert rows == ["data", "mine"]


def test_all_that_decides_a_number_is_part_of_the_identity(x, labels):
    images = x[:, None]
    zeros = torch.zeros(40, 1, dtype=torch.int64)
    different = [
        Dataset(images),
        Dataset(images, name="mine"),
        Dataset(images[::-1].copy()),
        Dataset(images, labels=labels),
        Dataset(images, splits={"train": range(20)}),
        Dataset(images, splits={"test": range(20)}),
        Dataset(images, splits={"train": range(20), "test": range(20, 40)}),
        Dataset(images, splits={"test": range(20), "train": range(20, 40)}),
        Dataset(images, factors=Factors(("scale",), (2,), zeros)),
        Dataset(images, factors=Factors(("side",), (2,), zeros)),
        Dataset(images, factors=Factors(("side",), (2,), zeros, ((0.0, 3.0),))),
    ]
    assert len({str(dataset_component(data).identity()) for data in different}) == len(different)
    # Written down when data in memory had neither names nor splits: what is stored under it is found again.
    small = Dataset(np.arange(8, dtype=np.float32).reshape(4, 2), labels=[0, 1, 0, 1])
    assert dataset_component(small).params.content == "551e2e030b4955ab7e8692c0"


def test_an_array_that_changes_later_changes_nothing(hub, x):
    given = x.copy()
    first = hub.run("vae", "elbo", dataset=given, settings=QUICK)[0]
    given[:] = 0
    other = hub.measure("elbo", first.training.id, settings={"split": "all"})
    fresh = Hub(hub.store, hub.catalog, "cpu")
    assert (
        fresh.measure("elbo", first.training.id, data=x, settings={"split": "all"}, force=True)["elbo"] == other["elbo"]
    )
    assert hub.recipe("vae", dataset=given, settings=QUICK).id != first.training.id


# Sessions


def test_a_later_session_says_what_is_needed_and_takes_it_again(hub, x, tmp_path):
    first = hub.run("vae", "elbo", dataset=as_dataset(x, name="mine"), settings=QUICK)[0]
    assert len(hub.model(first.training.id)[1]) == 40
    later = Hub(hub.store, hub.catalog, "cpu")
    assert later.measure("elbo", first.training.id).reused
    says = r"data 'mine' were handed over in memory, in another session; hand the same over again, .*data=x\)"
    with pytest.raises(VaehubError, match=says):
        later.measure("relevance", first.training.id)
    with pytest.raises(VaehubError, match=says):
        later.model(first.training.id)
    with pytest.raises(VaehubError, match="had other data, 'mine'; hand over the same"):
        later.measure("relevance", first.training.id, data=x[:20])
    found = later.measure("relevance", first.training.id, data=x)
    assert found["relevance"].tolist() == hub.measure("relevance", first.training)["relevance"].tolist()
    assert later.run("vae", "elbo", dataset=as_dataset(x, name="mine"), settings=QUICK)[0].reused


def test_nothing_of_a_session_is_left_behind(hub, x, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    session = Hub(hub.store, hub.catalog, "cpu")
    found = session.run("vae", "elbo", dataset=x, settings=QUICK)[0]
    session.run("vae", "elbo", dataset=x, seed=1, settings=QUICK)
    assert len(list((tmp_path / "temporary").glob("*/*"))) == 1
    assert "file" not in str(session.show(found.training.id).record.recipe)
    del session, found
    gc.collect()
    assert not list((tmp_path / "temporary").iterdir())


def test_no_room_for_a_copy_is_said(hub, x, tmp_path, monkeypatch):
    monkeypatch.setattr("vaehub.hub.data_copies.mkdtemp", lambda prefix: str(tmp_path / "gone"))
    with pytest.raises(VaehubError, match="a copy of data 'data' cannot be written to .*set TMPDIR"):
        hub.run("vae", "elbo", dataset=x, settings=QUICK)
    assert not hub.store.exists


# Studies


@pytest.mark.slow
def test_workers_read_the_same_data(hub, x, file):
    asked = {"methods": ["relevant_dimension"], "seeds": 2, "settings": {"train.epochs": 2, "network.hidden": [8]}}
    in_memory = hub.suggest_dim(as_dataset(x, name="mine"), jobs=2, **asked)
    by_path = hub.suggest_dim(file, jobs=2, **asked)
    assert in_memory.answers[0].values == by_path.answers[0].values
    assert (in_memory.data, by_path.data) == ("mine", "mine.npz")
    other = hub.suggest_dim(as_dataset(x[:30], name="mine"), jobs=1, **asked)
    assert len(other.answers[0].values) == 2
    assert len({study.study for study in hub.studies()}) == 3


def test_data_made_by_a_function_cannot_reach_workers(hub):
    data = Dataset(OnDemand(60, (3,), lambda rows: rows[:, None].repeat(1, 3) / 60))
    with pytest.raises(VaehubError, match="are made on demand by a function, which worker processes have not"):
        hub.suggest_dim(data, methods=["relevant_dimension"])
    assert hub.run("ae", "spread", dataset=data, settings=QUICK | {"model.likelihood": "squared_error"})


# Paths


def test_a_path_is_a_path_wherever_a_name_is(hub, x, file, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    expected = hub.recipe("vae", dataset=str(file)).id
    # A catalog has no such name, and a folder here may have one of the catalog's.
    for path in (file, Path("mine.npz"), Entry(file)):
        assert hub.recipe("vae", dataset=path).id == expected
        assert len(hub.data(path)) == 40
    pictures = tmp_path / "digits"
    pictures.mkdir()
    with pytest.raises(VaehubError, match="holds no images"):
        hub.data(Path("digits"))
    assert len(hub.data("digits")) == 1797


class Entry(os.PathLike):
    def __init__(self, path):
        self._path = path

    def __fspath__(self):
        return str(self._path)


def test_the_tilde_is_the_home_folder(hub, file, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = hub.recipe("vae", dataset=file).id
    for path in ("~/mine.npz", Path("~/mine.npz")):
        assert hub.recipe("vae", dataset=path).id == expected
    assert hub.recipe("vae", dataset="arrays", settings={"data.path": Path("~/mine.npz")}).id == expected
    recipe = hub.recipe("vae", dataset="mnist", settings={"data.root": "~/files"})
    assert recipe.dataset.params.root == tmp_path / "files"
    assert Hub.open(Path("~/store")).store.path == tmp_path / "store"
    training = hub.train(hub.recipe("vae", dataset=file, settings=QUICK))
    assert hub.export(training.id, "~/weights.safetensors") == tmp_path / "weights.safetensors"


def test_a_study_is_named_by_a_path(hub, tmp_path):
    (tmp_path / "s.toml").write_text('title = "t"\n[recipe]\ndataset = "digits"\n[metrics.spread]\n')
    assert hub.study(tmp_path / "s.toml").definition.title == "t"


# What is no data


def wrapped(seed=0, name="own"):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
        return vaehub.wrap(encoder=encoder, decoder=nn.Sequential(nn.Linear(3, 36), nn.Sigmoid()), name=name)


CALLS = {
    "run": lambda hub, given: hub.run("vae", "elbo", dataset=given, settings=QUICK),
    "recipe": lambda hub, given: hub.recipe("vae", dataset=given),
    "data": lambda hub, given: hub.data(given),
    "sheet": lambda hub, given: hub.sheet(given),
    "measure": lambda hub, given: hub.measure("elbo", wrapped(), data=given),
    "of data": lambda hub, given: hub.measure("spread", given),
    "compare": lambda hub, given: hub.compare(wrapped(), wrapped(1), "cka", data=given),
    "take": lambda hub, given: hub.take(wrapped(), given),
    "suggest_dim": lambda hub, given: hub.suggest_dim(given),
}
BAD = {
    "number": 3,
    "nothing": None,
    "row": np.arange(40.0),
    "empty": np.zeros((0, 3)),
    "objects": np.array([["a"]], dtype=object),
    "nan": np.full((5, 3), np.nan),
    "complex": np.ones((5, 3)) * 1j,
    "ragged": [np.ones(2), np.ones(3)],
    "range": np.full((5, 6, 6), 300.0),
    "mapping": {"x": np.ones((5, 3))},
    "function": len,
    "module": nn.Linear(2, 2),
    "missing path": Path("nothing/here.npz"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("bad", BAD)
def test_every_border_refuses_in_a_sentence_before_any_work(hub, call, bad):
    with pytest.raises(VaehubError, match=r"\w+ .*"):
        CALLS[call](hub, BAD[bad])
    assert not hub.store.exists
