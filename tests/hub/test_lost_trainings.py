"""A store that is deleted while a command works in it: between a training and what is measured of it, or while read."""

import shutil
from contextlib import contextmanager
from datetime import timedelta

import pytest
from studies import small_study

from vaehub import Hub
from vaehub.core.errors import NotRecorded, StoreError, WorkFailed
from vaehub.hub.builder import Builder
from vaehub.hub.inputs import Inputs
from vaehub.hub.runner import Runner
from vaehub.store.records import now
from vaehub.store.store import Store

SMALL = {"train.epochs": 1, "model.latent_dim": 2, "data.subset": 100}
GONE = "was in the store a moment ago, and is no more: the store was deleted or moved, or the record replaced, while"
LOST = "was made and recorded, and the store has it no more"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store with a training and a measurement of it."""
    place = tmp_path_factory.mktemp("made") / "store"
    return place, Hub.open(place, device="cpu").run("vae", "elbo", settings=SMALL)


@pytest.fixture
def filled(made, tmp_path):
    """A hub with a copy of that store, and a training and a measurement in it."""
    shutil.copytree(made[0], tmp_path / "store")
    return Hub.open(tmp_path / "store", device="cpu"), made[1][0]


@pytest.fixture
def deleted_after(tmp_path, monkeypatch):
    """Delete the store when a method has ended."""

    def delete(owner, name):
        method = getattr(owner, name)

        def deleting(*given, **named):
            found = method(*given, **named)
            shutil.rmtree(tmp_path / "store", ignore_errors=True)
            return found

        monkeypatch.setattr(owner, name, deleting)

    return delete


def test_a_training_whose_store_is_deleted_ends_in_a_sentence(hub, deleted_after):
    deleted_after(Builder, "train")
    with pytest.raises(NotRecorded, match=LOST):
        hub.run("vae", "elbo", settings=SMALL)


def test_nothing_is_measured_of_a_training_that_is_gone(filled, deleted_after):
    hub, _ = filled
    a, b = (hub.recipe("vae", settings=SMALL, seed=seed) for seed in (0, 1))
    deleted_after(Runner, "train")
    with pytest.raises(NotRecorded, match=LOST):
        hub.compare(a, b, "cka", seeds=[2, 3])
    assert not hub.store.exists


@pytest.mark.parametrize("kind", ["training", "measurement"])
def test_a_record_that_goes_away_while_it_is_shown_is_named(filled, deleted_after, kind):
    hub, found = filled
    deleted_after(Store, "resolve")
    wanted = found.training.id if kind == "training" else found.record.id
    with pytest.raises(StoreError, match=f"^{kind} {wanted[:8]} {GONE}"):
        hub.show(wanted[:8])


def test_weights_that_go_away_are_not_exported_as_none(filled, deleted_after, tmp_path):
    hub, found = filled
    deleted_after(Inputs, "training")
    with pytest.raises(StoreError, match=f"^training {found.training.id[:8]} {GONE}"):
        hub.export(found.training.id, tmp_path / "weights.safetensors")
    assert not (tmp_path / "weights.safetensors").exists()


def test_a_training_that_goes_away_while_its_id_is_looked_up_is_named(filled, deleted_after, tmp_path):
    hub, found = filled
    deleted_after(Store, "training_id")
    with pytest.raises(StoreError, match=f"^training {found.training.id[:8]} {GONE}"):
        hub.export(found.training.id, tmp_path / "weights.safetensors")


def test_a_model_that_goes_away_is_no_model_with_other_weights(filled, deleted_after):
    hub, found = filled
    deleted_after(Runner, "train")
    with pytest.raises(StoreError, match=f"^training {found.training.id[:8]} {GONE}"):
        hub.model(hub.stored_recipe(found.training.id))


# Studies, whose work is left out here: what the pool of workers does with the store is in test_study.py


class Pool:
    """Workers that have done all, and say that they failed; then the store is deleted, or not."""

    reason: str | None = None
    deletes = False

    def __init__(self, size, store, devices):
        self.store, self.n_busy = store.path, 0

    @contextmanager
    def running(self):
        yield self

    def start(self, n):
        """Start nothing."""

    def run(self, jobs, until):
        for job in jobs:
            failed = {} if job.dry or self.reason is None else dict.fromkeys(job.wanted, self.reason)
            yield job, failed
            if self.deletes and not job.dry:
                shutil.rmtree(self.store, ignore_errors=True)


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.setattr("vaehub.hub.study.study.Pool", Pool)
    return monkeypatch


def test_a_study_whose_store_is_deleted_is_not_done(hub, pool, tmp_path):
    (tmp_path / "small.toml").write_text(small_study())
    pool.setattr(Pool, "deletes", True)
    with pytest.raises(NotRecorded, match=r"4 measurements of study 'small' were made and recorded, and store .* has"):
        hub.study(tmp_path / "small.toml").run(jobs=1)


def test_so_is_a_suggestion(hub, pool):
    pool.setattr(Pool, "deletes", True)
    with pytest.raises(NotRecorded, match="1 measurements of study 'suggest-dim digits' were made and recorded, and"):
        hub.suggest_dim("digits", methods=["relevant_dimension"], seeds=1, settings={"data.subset": 100})


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_latest_failure_is_kept_whatever_the_clock_says(hub, pool, tmp_path, hours):
    (tmp_path / "small.toml").write_text(small_study())
    study = hub.study(tmp_path / "small.toml")
    for reason, moment in (("first", now() + timedelta(hours=hours)), ("second", now())):
        pool.setattr("vaehub.hub.runner.now", lambda moment=moment: moment)
        pool.setattr(Pool, "reason", reason)
        state = study.run(jobs=1)
        assert [why for _, _, why in state.failures] == [reason] * 4


def test_a_training_is_recorded_as_failed_whatever_its_device_still_gives(hub, monkeypatch):
    """After an assertion on a GPU, not even the weights can be read."""

    def lost(*given, **named):
        raise RuntimeError("device-side assert triggered")

    monkeypatch.setattr("vaehub.hub.builder.fit", lost)
    monkeypatch.setattr("vaehub.hub.recorder._array", lost)
    with pytest.raises(WorkFailed, match="device-side assert triggered"):
        hub.run("vae", "elbo", settings=SMALL)
    assert list(hub.sql("select status, error from trainings")) == [
        ("failed", "RuntimeError: device-side assert triggered")
    ]
