"""What is known is not looked up, built or restored again: real calls are counted."""

import subprocess
import sys

import duckdb
import pytest
import torch
from filelock import FileLock

from vaehub import Hub, LatentModel, ModelMetric, Params, Result, WorkFailed
from vaehub.hub.builder import Builder
from vaehub.hub.memory import LIMIT, Memory, Trained
from vaehub.hub.requests import RunPlan, metric_of
from vaehub.hub.runner import Runner
from vaehub.registry import hookimpl
from vaehub.store.session import Session
from vaehub.store.store import Store

QUICK = {"train.epochs": 1, "model.latent_dim": 3}


def test_six_stored_measurements_are_one_opening(hub, openings):
    metrics = ["elbo", "relevance", "fussy"]
    first = hub.run("vae", metrics, seed=[0, 1], settings=QUICK)
    openings.clear()
    again = hub.run("vae", metrics, seed=[0, 1], settings=QUICK)
    assert openings == ["look up"]
    assert [(each.id, each.reused) for each in again] == [(each.id, True) for each in first]
    assert [each["elbo"] for each in again[::3]] == [each["elbo"] for each in first[::3]]
    assert [each.training for each in again] == [each.training for each in first]


def test_nobody_waits_for_the_database_while_a_model_is_trained_or_measured(hub, monkeypatch):
    def is_free():
        lock = FileLock(hub.store.path / "results.lock")
        lock.acquire(timeout=0)
        lock.release()
        return True

    class Tracker:
        @hookimpl
        def vaehub_epoch_ended(self, training_id, epoch, losses):
            seen.append(is_free())

    def measure(self, model, data):
        seen.append(is_free())
        return Result(scalars={"n": 1})

    seen = []
    hub.catalog.manager.register(Tracker())
    monkeypatch.setattr(sys.modules["hub_test_plugin"].Fussy, "measure", measure)
    hub.run("vae", "fussy", settings=QUICK)
    assert seen == [True, True]


@pytest.fixture
def made(monkeypatch):
    """Names of what the builder makes from now on: models that are built, and trainings that are restored."""
    found = []
    build, restore = Builder.build, Builder.restore

    def counted_build(self, *arguments):
        found.append("built")
        return build(self, *arguments)

    def counted_restore(self, *arguments):
        found.append("restored")
        return restore(self, *arguments)

    monkeypatch.setattr(Builder, "build", counted_build)
    monkeypatch.setattr(Builder, "restore", counted_restore)
    return found


def anew(hub):
    """A hub that remembers nothing, on the same store and catalog."""
    return Hub(hub.store, hub.catalog, "cpu")


def test_what_was_just_trained_is_not_built_again_for_any_metric(hub, made):
    hub.run("vae", ["elbo", "relevance", "fussy"], seed=[0, 1], settings=QUICK)
    assert made == ["built", "built"]


def test_seeds_that_are_trained_together_are_not_built_again_either(hub, made):
    hub.run("vae", ["elbo", "relevance"], seed=[0, 1], settings={**QUICK, "train.together": True})
    assert made == ["built", "built"]


def test_a_pair_of_stored_trainings_is_restored_once_each(hub, made):
    a, b = (hub.train(hub.recipe("vae", seed=seed, settings=QUICK)).id for seed in (0, 1))
    made.clear()
    other = anew(hub)
    other.compare(a, b, "cka")
    assert made.count("restored") == 2
    other.compare(a, b, "procrustes")
    assert made.count("restored") == 2


@pytest.mark.slow
def test_five_by_five_seeds_are_ten_restored_trainings(hub, made):
    a, b = (hub.recipe(model, settings=QUICK) for model in ("vae", "beta_vae"))
    for seed in range(5):
        hub.train(a.vary(seed=seed))
        hub.train(b.vary(seed=seed))
    made.clear()
    found = anew(hub).compare(a, b, "distance", seeds=range(5))
    assert len(found.measurements) == 25
    assert made.count("restored") == 10


# The same bits as from the store


CONVOLUTIONS = {"data.size": 28, "data.subset": 150, "train.channels_last": True}


def measured_anew(hub, run):
    """Forget all measurements but no training, and measure again with a hub that remembers nothing."""
    with duckdb.connect(hub.store.path / "results.duckdb") as connection:
        connection.execute("delete from measurements; delete from measured_values")
    found = run(anew(hub))
    assert not any(each.reused for each in found)
    return found


def bits(result):
    vectors = {name: vector.values.tobytes() for name, vector in result.vectors.items()}
    return {name: value.hex() for name, value in result.scalars.items()} | vectors


@pytest.mark.parametrize(
    ("model", "settings", "network"),
    [
        ("vae", {"train.keep": "best", "train.epochs": 3, "train.learning_rate": 0.05}, "mlp"),
        ("ard", {}, "mlp"),
        ("beta_vae", CONVOLUTIONS, "conv_mnist"),
        ("vae", {"train.together": True}, "mlp"),
    ],
    ids=["the best of three epochs", "finished at the end", "laid out otherwise", "seeds together"],
)
def test_measured_after_training_or_from_the_store_every_bit_is_the_same(hub, made, model, settings, network):
    def run(hub):
        return hub.run(model, ["elbo", "relevance"], seed=[0, 1], settings={**QUICK, **settings}, network=network)

    first = run(hub)
    assert made == ["built", "built"]
    again = measured_anew(hub, run)
    assert made.count("restored") == 2
    assert [bits(each.result) for each in again] == [bits(each.result) for each in first]


def test_stages_are_measured_as_from_the_store(hub):
    def run(hub):
        settings = {**QUICK, "train.epochs": 3}
        return hub.run("vae", ["elbo", "relevance"], settings=settings, at_epochs=[1, 2])

    first = run(hub)
    assert [bits(each.result) for each in measured_anew(hub, run)] == [bits(each.result) for each in first]


@pytest.mark.slow
def test_another_process_measures_the_same_bits(hub):
    [first] = hub.run("ard", "elbo", settings=QUICK)
    script = (
        "import sys; from vaehub import Hub; "
        "found = Hub.open(sys.argv[1], device='cpu').measure('elbo', sys.argv[2], force=True); "
        "print(*(f'{name} {value.hex()}' for name, value in found.result.scalars.items()), sep='\\n')"
    )
    command = [sys.executable, "-c", script, str(hub.store.path), first.training.id]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert dict(line.split() for line in said.splitlines()) == bits(first.result)


def test_a_model_that_cannot_be_copied_is_restored_from_the_store(hub, made, monkeypatch):
    def refuse(self, memo):
        raise TypeError("not to be copied")

    monkeypatch.setattr(LatentModel, "__deepcopy__", refuse, raising=False)
    first = hub.run("vae", ["elbo", "relevance"], settings=QUICK)
    assert made == ["built", "restored", "built"]
    again = measured_anew(hub, lambda hub: hub.run("vae", ["elbo", "relevance"], settings=QUICK))
    assert [bits(each.result) for each in again] == [bits(each.result) for each in first]


# What a metric leaves behind


class Meddling(ModelMetric):
    """Changes the model in one way or another, and says what it found."""

    class Params(Params):
        how: str = "nothing"

    params: Params

    def measure(self, model, data):
        found = {"n": sum(weight.sum() for weight in model.parameters()), "training": model.training}
        weight = next(model.parameters())
        if self.params.how == "mode":
            model.train()
        elif self.params.how == "weight":
            weight.data.mul_(2)
        elif self.params.how == "gradient":
            weight.grad = torch.ones_like(weight)
        elif self.params.how == "frozen":
            weight.requires_grad_(False)
        elif self.params.how == "hook":
            model.network.register_forward_hook(lambda *_: None)
        return Result(scalars=found)


@pytest.mark.parametrize("how", ["mode", "weight", "gradient", "frozen", "hook"])
def test_what_a_metric_changes_of_a_model_is_not_there_for_the_next(hub, made, how, monkeypatch):
    monkeypatch.setattr(sys.modules["hub_test_plugin"], "Fussy", Meddling)
    recipe = hub.recipe("vae", settings=QUICK)
    first = hub.measure("fussy", recipe, settings={"how": how})
    again = hub.measure("fussy", recipe, settings={"how": "nothing"}, seed=1)
    assert made == ["built", "restored", "built"]
    assert again["n"] == first["n"]
    assert not again["training"]
    hub.measure("fussy", recipe, settings={"how": "nothing"}, seed=2)
    assert made == ["built", "restored", "built"]


def test_a_model_that_is_handed_out_is_the_callers_own(hub):
    recipe = hub.recipe("vae", settings=QUICK)
    hub.train(recipe)
    one, _ = hub.model(recipe)
    other, _ = hub.model(recipe)
    assert one is not other
    next(one.parameters()).data.zero_()
    assert next(other.parameters()).any()


def test_a_training_that_was_forced_takes_the_place_of_what_is_remembered(hub, made):
    recipe = hub.recipe("vae", settings=QUICK)
    hub.train(recipe)
    kept = dict(hub.store.weights(recipe.id))
    # As if it had come from another device: the same recipe, with other weights.
    other = Store.open(hub.store.path)
    other.record_training(
        hub.store.training(recipe.id), [], {name: 2 * value for name, value in kept.items()}, replace=True
    )
    found = hub.measure("elbo", recipe)
    assert made == ["built", "restored", "built"]
    assert found["elbo"] == anew(hub).measure("elbo", recipe, force=True)["elbo"]


def test_a_training_that_fails_is_never_remembered(hub, monkeypatch):
    kept = []
    monkeypatch.setattr(Memory, "keep_trained", lambda *arguments: kept.append(arguments))
    with pytest.raises(WorkFailed, match="diverged"):
        hub.run("vae", "elbo", settings=QUICK | {"train.learning_rate": 1e30, "train.epochs": 3})
    assert kept == []
    hub.run("vae", "elbo", settings=QUICK)
    assert kept


# The bound


def test_beyond_the_bound_what_was_not_used_for_longest_goes(hub):
    recipe = hub.recipe("vae", settings=QUICK)
    builder = Builder(hub.catalog, hub.store, "cpu")
    jobs = [builder.job(recipe.vary(seed=seed)) for seed in range(3)]
    trained = [Trained(job.model, job.data) for job in jobs]
    room = trained[0].data.n_bytes + 2 * trained[0].n_bytes
    memory = Memory(room)
    for name, each in zip("ab", trained, strict=False):
        memory.keep_trained(name, each)
    assert memory.trained("a") is trained[0]
    memory.keep_trained("c", trained[2])
    assert [memory.trained(name) for name in "abc"] == [trained[0], None, trained[2]]


def test_the_data_of_the_last_model_stay_however_little_room_there_is(hub):
    """Or each of many short trainings would read them again."""
    recipe, builder = hub.recipe("vae", settings=QUICK), Builder(hub.catalog, hub.store, "cpu", room=1)
    assert builder.load(recipe.dataset) is builder.load(recipe.dataset)
    jobs = [builder.job(recipe.vary(seed=seed)) for seed in range(2)]
    for name, job in zip("ab", jobs, strict=True):
        builder._memory.keep_trained(name, Trained(job.model, job.data))
    assert builder._memory.trained("a") is None
    assert builder._memory.dataset(recipe.dataset) is not None


def test_the_size_of_a_kept_model_is_asked_once(hub, monkeypatch):
    """Or each of thousands of short trainings takes longer than the one before."""
    asked = []
    size = Trained.n_bytes.fget
    monkeypatch.setattr(Trained, "n_bytes", property(lambda trained: asked.append(trained) or size(trained)))
    job = Builder(hub.catalog, hub.store, "cpu").job(hub.recipe("vae", settings=QUICK))
    memory = Memory()
    for name in range(20):
        memory.keep_trained(str(name), Trained(job.model, job.data))
    assert len(asked) == 20


def test_workers_divide_what_may_be_remembered(hub):
    alone, one_of_four = (Runner(hub.store, hub.catalog, "cpu", n_workers=n).builder for n in (1, 4))
    assert (alone._memory._limit, one_of_four._memory._limit) == (LIMIT, LIMIT // 4)


def test_a_cell_of_one_training_looks_into_the_store_four_times(hub, monkeypatch):
    asked = []
    for name in ("trainings", "find_many"):
        look_up = getattr(Session, name)
        monkeypatch.setattr(
            Session, name, lambda session, ids, name=name, look_up=look_up: asked.append(name) or look_up(session, ids)
        )
    recipe = hub.recipe("vae", settings=QUICK)
    plan = RunPlan(recipe, [], [metric_of(hub.catalog, "elbo", {}, hub.store.training_id)])
    assert hub._runner.run_all([recipe], plan.requests) == {}
    # Before the work and once nobody else can do it, for the training and for the measurement.
    assert asked == ["trainings", "trainings", "find_many", "find_many"]


def test_the_last_used_is_kept_whatever_its_size(hub):
    memory, both = Memory(0), [hub.data("digits", settings={"subset": n}) for n in (100, 200)]
    first, last = (hub.recipe("vae", settings={"data.subset": n}).dataset for n in (100, 200))
    memory.keep_dataset(first, both[0])
    memory.keep_dataset(last, both[1])
    assert [memory.dataset(first), memory.dataset(last)] == [None, both[1]]
