"""TensorBoard and MLflow themselves read what their trackers have written."""

import io
import json

import pytest
from PIL import Image
from studies import small_study

from vaehub import Hub, VaehubError
from vaehub.registry import run_names as names
from vaehub.registry import trackers

SETTINGS = {"train.epochs": 2, "model.latent_dim": 3, "data.subset": 100}
# Of the packages themselves, and of those that they use.
pytestmark = pytest.mark.filterwarnings("ignore:::tensorboard", "ignore:::mlflow", "ignore:`torch.jit.script")


def tracked(tmp_path, monkeypatch, tracker):
    """Return a hub whose work a tracker hears of, and what it made of a training, and of a measurement of data."""
    monkeypatch.setenv(trackers.TRACKERS, f"{tracker}:{tmp_path / 'tracked'}")
    hub = Hub.open(tmp_path / "store", device="cpu")
    [relevance] = hub.run("ard", "relevance", settings=SETTINGS)
    return hub, relevance, hub.measure("intrinsic_dimension_twonn", "digits")


def runs_of_tensorboard(folder):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = {}
    for each in folder.iterdir():
        found[each.name] = accumulator.EventAccumulator(str(each), {"scalars": 0, "images": 0, "tensors": 0})
        found[each.name].Reload()
    return found


def scalars(run, tag):
    return [(each.step, each.value) for each in run.Scalars(tag)]


def test_tensorboard_shows_losses_values_plot_and_recipe_on_the_run_of_the_training(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    hub, relevance, dimension = tracked(tmp_path, monkeypatch, "tensorboard")
    training = relevance.training.id
    runs = runs_of_tensorboard(tmp_path / "tracked")
    assert sorted(runs) == sorted([f"ard-digits-seed0-{training[:8]}", f"{dimension.record.metric}-{dimension.id[:8]}"])
    run = runs[f"ard-digits-seed0-{training[:8]}"]
    recorded = [losses["validation"]["total"] for losses in hub.show(training).epochs]
    assert scalars(run, "loss/total/validation") == list(enumerate(map(pytest.approx, recorded), start=1))
    name = names.metric_name("relevance", relevance.record.params)
    assert scalars(run, f"{name}/n_active") == [(0, relevance["n_active"])]
    assert [value for _, value in scalars(run, f"{name}/relevance")] == pytest.approx(relevance["relevance"], rel=1e-6)
    [picture] = run.Images(name)
    with Image.open(io.BytesIO(picture.encoded_image_string)) as image:
        assert min(image.size) > 100
    text = run.Tensors("recipe/text_summary")[0].tensor_proto.string_val[0].decode()
    assert json.loads(text)["model"]["params"]["latent_dim"] == 3


@pytest.mark.slow
def test_mlflow_shows_losses_values_plot_and_recipe_on_the_run_of_the_training(tmp_path, monkeypatch):
    pytest.importorskip("alembic")
    mlflow = pytest.importorskip("mlflow")
    hub, relevance, dimension = tracked(tmp_path, monkeypatch, "mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/tracked/mlflow.db")
    experiment = client.get_experiment_by_name("vaehub").experiment_id
    runs = {run.data.tags["vaehub.id"]: run for run in client.search_runs([experiment])}
    assert runs.keys() == {relevance.training.id, dimension.id}
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    run = runs[relevance.training.id]
    assert run.data.params["model.latent_dim"] == "3"
    history = client.get_metric_history(run.info.run_id, "loss/total/validation")
    recorded = [losses["validation"]["total"] for losses in hub.show(relevance.training.id).epochs]
    assert [(each.step, each.value) for each in history] == list(enumerate(recorded, start=1))
    name = names.metric_name("relevance", relevance.record.params)
    assert run.data.metrics[f"{name}/n_active"] == relevance["n_active"]
    picture = client.download_artifacts(run.info.run_id, f"{name}.png", str(tmp_path))
    with Image.open(picture) as image:
        assert min(image.size) > 100
    recipe = client.download_artifacts(run.info.run_id, "recipe.json", str(tmp_path))
    with open(recipe) as file:
        assert json.load(file)["seed"] == 0


def test_a_later_process_goes_on_with_the_run_of_mlflow(tmp_path, monkeypatch):
    pytest.importorskip("alembic")
    mlflow = pytest.importorskip("mlflow")
    recipe = {"seed": 0} | {scope: {"name": scope, "params": {}} for scope in ("model", "network", "dataset", "train")}
    from vaehub.plugins.trackers.mlflow.tracker import MLflow

    for step, value in enumerate([1.0, float("inf")]):  # each time by another object, as in another process
        tracker = MLflow(str(tmp_path))
        tracker.vaehub_training_started("ab12", recipe)
        tracker.vaehub_epoch_ended("ab12", step, {"train": {"total": value}})
    tracker.vaehub_trained("ab12", "failed", 1.0, recipe, "the loss became infinite")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    [run] = client.search_runs([client.get_experiment_by_name("vaehub").experiment_id])
    assert run.info.status == "FAILED"
    assert run.data.metrics["loss/total/train"] == 1.0
    assert run.data.tags["loss/total/train at 2"] == "inf"
    assert run.data.tags["vaehub.error"] == "the loss became infinite"


@pytest.mark.slow
def test_mlflow_nests_the_runs_of_a_study_below_its_own(tmp_path):
    pytest.importorskip("alembic")
    mlflow = pytest.importorskip("mlflow")
    recipe = {"seed": 0} | {scope: {"name": scope, "params": {}} for scope in ("model", "network", "dataset", "train")}
    from vaehub.plugins.trackers.mlflow.tracker import MLflow

    def asked(study):
        return {"study_id": f"id of {study}", "trainings": ["ab12", "cd34", "none yet"]}

    ours, worker = MLflow(str(tmp_path)), MLflow(str(tmp_path))
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    ends = [("first", "failed", {"done": 2, "failed": 1}, None), ("second", "stopped", {}, None)]
    for study, status, counts, error in [*ends, ("third", "failed", {}, "the disk is full")]:
        ours.vaehub_study_started(f"id of {study}", study, "small", {"title": "of latents"})
        for training in ("ab12", "cd34"):
            worker.vaehub_trained(training, "done", 1.0, recipe, None)
        ours.vaehub_study_ended(**asked(study), status=status, seconds=2.0, counts=counts, error=error)
    runs = {run.data.tags["vaehub.id"]: run for run in client.search_runs(["1"])}
    first, second, third = (runs[f"id of {study}"] for study in ("first", "second", "third"))
    assert runs.keys() == {"ab12", "cd34", *(f"id of {study}" for study in ("first", "second", "third"))}
    # The study that had them first keeps them.
    assert {runs[each].data.tags["mlflow.parentRunId"] for each in ("ab12", "cd34")} == {first.info.run_id}
    assert [run.info.status for run in (first, second, third)] == ["FAILED", "KILLED", "FAILED"]
    assert first.info.run_name == "first-small-id of fi"
    assert first.data.metrics == {"done": 2.0, "failed": 1.0, "seconds": 2.0}
    assert third.data.tags["vaehub.error"] == "the disk is full"
    with open(client.download_artifacts(first.info.run_id, "study.json", str(tmp_path))) as file:
        assert json.load(file) == {"title": "of latents"}


@pytest.mark.parametrize("tracker", ["tensorboard", "mlflow"])
def test_a_missing_package_is_named_with_its_extra_before_any_work(tmp_path, monkeypatch, tracker):
    monkeypatch.setattr(names, "find_spec", lambda name: None)
    with pytest.raises(VaehubError, match=rf"needs the package '{tracker}': pip install 'vaehub\[{tracker}\]'"):
        tracked(tmp_path, monkeypatch, tracker)
    assert not (tmp_path / "tracked").exists()


@pytest.mark.slow
@pytest.mark.parametrize("tracker", ["tensorboard", "mlflow"])
def test_workers_of_a_study_write_the_runs_of_their_trainings(tmp_path, monkeypatch, tracker):
    pytest.importorskip("tensorboard")
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("alembic")
    place = tmp_path / "tracked"
    monkeypatch.setenv(trackers.TRACKERS, f"{tracker}:{place}")
    (tmp_path / "small.toml").write_text(small_study())
    hub = Hub.open(tmp_path / "store", device="cpu")
    assert hub.study(tmp_path / "small.toml").run(jobs=2).done == 4
    trained = {
        (each.id, value) for each in hub.recent()[0] for value in [hub.show(each.id).epochs[0]["train"]["total"]]
    }
    assert len(trained) == 4
    if tracker == "tensorboard":
        runs = runs_of_tensorboard(place)
        shown = {(name.rpartition("-")[2], scalars(run, "loss/total/train")[0][1]) for name, run in runs.items()}
        assert all(any(tag.endswith("/elbo") for tag in run.Tags()["scalars"]) for run in runs.values())
    else:
        client = mlflow.MlflowClient(f"sqlite:///{place}/mlflow.db")
        found = client.search_runs([client.get_experiment_by_name("vaehub").experiment_id])
        runs = [run for run in found if not run.info.run_name.startswith("small-whole-")]
        [study] = [run for run in found if run not in runs]
        assert study.info.status == "FINISHED"
        assert study.data.metrics.items() >= {"n_measurements": 4.0, "done": 4.0, "failed": 0.0}.items()
        assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {study.info.run_id}
        shown = {(run.data.tags["vaehub.id"][:8], run.data.metrics["loss/total/train"]) for run in runs}
        assert all(any(name.endswith("/elbo") for name in run.data.metrics) for run in runs)
    assert dict(shown) == {name[:8]: pytest.approx(value, rel=1e-6) for name, value in trained}
