"""Metrics asked of models on the way, and of many seeds at once."""

import numpy as np
import pytest

from vaehub import Hub, VaehubError, WorkFailed

SETTINGS = {"model.latent_dim": 3, "train.epochs": 4}


@pytest.fixture
def trained(monkeypatch):
    """Epochs of every training that was carried out."""
    from vaehub.hub.builder import Builder

    found = []
    train, together = Builder.train, Builder.train_together

    def counted(self, job, **more):
        found.append(job.recipe.train.epochs)
        train(self, job, **more)

    def counted_together(self, jobs, **more):
        found.append([job.recipe.seed for job in jobs])
        together(self, jobs, **more)

    monkeypatch.setattr(Builder, "train", counted)
    monkeypatch.setattr(Builder, "train_together", counted_together)
    return found


def test_each_stage_is_what_a_shorter_training_gives_and_one_training_does_for_all(hub, tmp_path, trained):
    found = hub.run("ard", ["elbo", "relevance"], settings=SETTINGS, at_epochs=[3, 1])
    assert trained == [4]
    assert [each.training.recipe["train"]["params"]["epochs"] for each in found] == [1, 1, 3, 3, 4, 4]
    alone = Hub.open(tmp_path / "other", device="cpu")
    for at, epochs in ((0, 1), (2, 3), (4, 4)):
        expected = alone.run("ard", "elbo", settings={**SETTINGS, "train.epochs": epochs})[0]
        assert found[at]["elbo"] == expected["elbo"]
        assert found[at].training.id == expected.training.id
        ours, theirs = hub.store.weights(found[at].training.id), alone.store.weights(expected.training.id)
        assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
        assert hub.store.epochs(found[at].training.id) == alone.store.epochs(expected.training.id)


def test_asked_again_nothing_is_trained(hub, trained):
    first = hub.run("vae", "elbo", settings=SETTINGS, at_epochs=[1, 2])
    again = hub.run("vae", "elbo", settings=SETTINGS, at_epochs=[1, 2])
    assert trained == [4]
    assert [each.id for each in again] == [each.id for each in first]
    assert all(each.reused for each in again)


def test_a_stage_that_is_missing_costs_no_more_than_its_epochs(hub, trained):
    hub.run("vae", "elbo", settings=SETTINGS)
    hub.run("vae", "elbo", settings=SETTINGS, at_epochs=[1, 2])
    assert trained == [4, 2]


def test_the_evolution_is_a_query(hub):
    hub.run("vae", "elbo", settings=SETTINGS, at_epochs=[1, 2])
    rows = hub.sql(
        "select (recipe ->> '$.train.params.epochs')::int as epoch, value from results where name = 'elbo' order by 1"
    )
    assert [row["epoch"] for row in rows.to_arrow().to_pylist()] == [1, 2, 4]


def test_a_dataset_is_measured_once_however_many_stages(hub):
    found = hub.run("vae", ["elbo"], settings=SETTINGS, at_epochs=[4, 1, 1])
    assert len(found) == 2


@pytest.mark.parametrize("wrong", [[0], [5], [2, 9]])
def test_epochs_beyond_the_training_are_refused(hub, wrong):
    with pytest.raises(VaehubError, match="are numbers from 1 to 'train.epochs', which is 4, got"):
        hub.run("vae", "elbo", settings=SETTINGS, at_epochs=wrong)


@pytest.mark.slow
def test_seeds_are_trained_together_and_measured_each(hub, tmp_path, trained):
    together = {**SETTINGS, "train.together": True}
    found = hub.run("vae", "elbo", seed=[0, 1, 2], settings=together, at_epochs=[2])
    assert trained == [[0, 1, 2]]
    assert [each.record.seed for each in found] == [0, 0, 1, 1, 2, 2]
    assert "trained together with seeds 0, 1, 2" in found[0].training.notes
    alone = Hub.open(tmp_path / "other", device="cpu").run(
        "vae", "elbo", seed=[0, 1, 2], settings=SETTINGS, at_epochs=[2]
    )
    for ours, theirs in zip(found, alone, strict=True):
        assert ours["elbo"] == pytest.approx(theirs["elbo"], rel=1e-4)
        assert ours.training.id != theirs.training.id


def test_only_missing_seeds_are_trained_and_a_single_one_by_itself(hub, trained):
    together = {**SETTINGS, "train.together": True}
    hub.run("vae", "elbo", seed=[0, 1], settings=together)
    hub.run("vae", "elbo", seed=[0, 1, 2, 3], settings=together)
    hub.run("vae", "elbo", seed=[3, 4], settings=together)
    assert trained == [[0, 1], [2, 3], 4]


def test_forced_seeds_are_trained_together_once(hub, trained):
    together = {**SETTINGS, "train.together": True}
    hub.run("vae", "elbo", seed=[0, 1], settings=together)
    hub.run("vae", "elbo", seed=[0, 1], settings=together, force=True)
    assert trained == [[0, 1], [0, 1]]


def test_what_cannot_be_batched_is_trained_one_by_one_and_says_so(hub, caplog):
    settings = {**SETTINGS, "train.together": True, "model.prior": "student_t"}
    found = hub.run("ard", "relevance", seed=[0, 1], settings=settings)
    assert any("one by one, because this model cannot be trained together" in note for note in found[0].training.notes)
    assert "one by one" in caplog.text


def test_an_error_of_the_model_fails_every_seed_and_is_recorded(hub, monkeypatch):
    from vaehub.plugins.models.vae.model import Vae

    def breaks(self, losses, step):
        if step.epoch == 1:
            raise ZeroDivisionError("the model's own fault")

    monkeypatch.setattr(Vae, "step_ended", breaks)
    settings = {**SETTINGS, "train.together": True}
    with pytest.raises(WorkFailed, match="ZeroDivisionError: the model's own fault"):
        hub.run("vae", "elbo", seed=[0, 1], settings=settings)
    trainings, _ = hub.recent()
    assert [(each.seed, each.status) for each in sorted(trainings, key=lambda each: each.seed)] == [
        (0, "failed"),
        (1, "failed"),
    ]


# In steps

STEPS = {**{name: value for name, value in SETTINGS.items() if name != "train.epochs"}, "train.steps": 9}


def test_steps_on_the_way_are_trainings_of_so_many_steps_and_come_from_one(hub, tmp_path):
    found = hub.run("ard", ["elbo", "relevance"], settings=STEPS, at_steps=[2, 7])
    assert len(found) == 6
    lengths = "select recipe -> '$.train.params' ->> 'steps', count(*) from trainings group by all order by all"
    assert [tuple(row) for row in hub.sql(lengths)] == [("2", 1), ("7", 1), ("9", 1)]
    alone = Hub.open(tmp_path / "alone", device="cpu")
    for measurement, n in zip(found[::2], (2, 7, 9), strict=True):
        [other] = alone.run("ard", "elbo", settings=STEPS | {"train.steps": n})
        assert other.id == measurement.id
        assert other.result.scalars == measurement.result.scalars


def test_steps_that_are_stored_are_not_trained_again(hub):
    first = hub.run("vae", "elbo", settings=STEPS, at_steps=[2, 7])
    again = hub.run("vae", "elbo", settings=STEPS, at_steps=[2, 7])
    assert [each.id for each in again] == [each.id for each in first]
    assert all(each.reused for each in again)


def test_seeds_in_steps_that_are_asked_for_together_are_trained_one_by_one_and_it_is_said(hub):
    found = hub.run("vae", "elbo", seed=[0, 1], settings=STEPS | {"train.together": True})
    assert all("may end within an epoch" in " ".join(each.training.notes) for each in found)
