"""Trackers: asked for by name and place, told of what happens, and never a reason for work to fail."""

import os

import pluggy
import pytest

from vaehub import Hub, VaehubError
from vaehub.registry import hookimpl, hooks, trackers
from vaehub.registry.catalog import Catalog
from vaehub.registry.discovery import discover

QUICK = {"train.epochs": 2, "model.latent_dim": 2, "data.subset": 64}


class Heard:
    """Keeps the events that it hears; stands for a folder."""

    def __init__(self, where):
        self.where = where
        self.events = []

    @hookimpl
    def vaehub_training_started(self, training_id, recipe):
        self.events.append(("started", training_id))

    @hookimpl
    def vaehub_epoch_ended(self, training_id, epoch):
        self.events.append(("epoch", training_id, epoch))

    @hookimpl
    def vaehub_trained(self, training_id, recipe, error):
        self.events.append(("trained", training_id, recipe["model"]["name"], error))

    @hookimpl
    def vaehub_measured(self, metric, result, params, subject, trainings, plot):
        self.events.append(("measured", metric, params, subject, trainings, plot))


class Maker:
    """A plugin with a tracker, as its manifest."""

    def __init__(self, kind):
        self.kind = kind
        self.made = []

    @hookimpl
    def vaehub_tracker(self, where):
        made = self.kind(where)
        self.made.append(made)
        return made


@pytest.fixture
def manager():
    found = pluggy.PluginManager("vaehub")
    found.add_hookspecs(hooks)
    return found


def tracked_hub(tmp_path, kind):
    """Return a hub and the tracker that hears of what it does."""
    found, maker = discover(), Maker(kind)
    found.manager.register(maker, name="acme:heard")
    trackers.add(found.manager, ["heard:/somewhere"])
    return Hub(Hub.open(tmp_path / "store").store, Catalog(found), "cpu"), maker.made[0]


def test_a_tracker_hears_of_trainings_and_measurements_with_all_that_it_needs(tmp_path):
    hub, heard = tracked_hub(tmp_path, Heard)
    [found] = hub.run("vae", "elbo", settings=QUICK)
    name = found.training.id
    assert heard.where == "/somewhere"
    assert heard.events[:-1] == [
        ("started", name),
        ("epoch", name, 0),
        ("epoch", name, 1),
        ("trained", name, "vae", None),
    ]
    _, metric, params, subject, of, plot = heard.events[-1]
    assert (metric, list(of)) == ("elbo", [name])
    assert params["n_samples"] > 0
    assert of[name]["dataset"]["name"] == "digits"
    assert name in subject.values()
    assert plot() is None  # this metric has no plot


def test_what_was_trained_before_is_measured_with_its_recipe(tmp_path):
    Hub.open(tmp_path / "store", device="cpu").run("vae", "elbo", settings=QUICK)
    hub, heard = tracked_hub(tmp_path, Heard)
    [found] = hub.run("vae", "reconstruction_error", settings=QUICK)
    [(_, metric, _, _, of, _)] = heard.events
    assert (metric, of[found.training.id]["seed"]) == ("reconstruction_error", 0)


def test_a_tracker_that_fails_says_so_once_and_costs_nothing(tmp_path, caplog):
    class Gone(Heard):
        tried = 0

        @hookimpl
        def vaehub_epoch_ended(self, training_id, epoch):
            type(self).tried += 1
            raise OSError("no route to host")

    hub, heard = tracked_hub(tmp_path, Gone)
    assert not hub.run("vae", "elbo", settings=QUICK)[0].reused
    assert hub.run("vae", "elbo", settings=QUICK)[0].reused
    [said] = [each.getMessage() for each in caplog.records]
    assert said == (
        "tracker heard:/somewhere failed when told of epoch_ended, and hears of nothing more here; all work is "
        "recorded in the store as ever: OSError: no route to host"
    )
    assert Gone.tried == 1
    assert [kind for kind, *_ in heard.events] == ["started"]


def test_an_unknown_tracker_is_refused_with_those_that_there_are(manager):
    manager.register(Maker(Heard), name="acme:heard")
    with pytest.raises(VaehubError, match="unknown tracker 'herd'; installed plugins have heard, written as"):
        trackers.add(manager, ["herd:/somewhere"])


@pytest.mark.parametrize("tracker", ["tensorboard", "tensorboard:", ":runs", ""])
def test_a_tracker_without_a_place_is_refused(tracker):
    with pytest.raises(VaehubError, match=f"tracker '{tracker}' has no place; write NAME:PLACE, such as"):
        trackers.whole(tracker)


def test_a_place_with_a_comma_is_refused():
    with pytest.raises(VaehubError, match="the place of tracker 'tensorboard:a,b' has a comma"):
        trackers.whole("tensorboard:a,b")


def test_a_name_of_vaehubs_own_stays_its_own_and_others_are_told_apart(manager):
    made = {name: Maker(Heard) for name in ("vaehub:heard", "zeta:heard", "acme:other", "zeta:other")}
    for name, maker in made.items():
        manager.register(maker, name=name)
    trackers.add(manager, ["heard:/x"])
    assert [len(made[name].made) for name in ("vaehub:heard", "zeta:heard")] == [1, 0]
    with pytest.raises(VaehubError, match="tracker 'other' is claimed by acme:other and zeta:other; uninstall one"):
        trackers.add(manager, ["other:/x"])


def test_what_cannot_be_made_by_a_worker_costs_no_work(manager, caplog):
    maker = Maker(Heard)
    manager.register(maker, name="acme:heard")
    with trackers.added(manager, ["lost:/x", "heard:/x"]):
        assert len(maker.made) == 1
    [record] = caplog.records
    assert record.getMessage().startswith("unknown tracker 'lost'")


def test_a_tracker_that_cannot_be_made_is_refused_before_any_work(manager):
    def fails(where):
        raise RuntimeError("license expired")

    manager.register(Maker(fails), name="acme:heard")
    with pytest.raises(VaehubError, match="tracker 'heard' cannot be made for '/x': RuntimeError: license expired"):
        trackers.add(manager, ["heard:/x"])


def test_a_tracker_with_an_unknown_event_is_refused(manager):
    class Odd:
        @hookimpl
        def vaehub_finished(self): ...

    manager.register(Maker(lambda where: Odd()), name="acme:heard")
    with pytest.raises(VaehubError, match="tracker 'heard' cannot be made .*vaehub_finished"):
        trackers.add(manager, ["heard:/x"])
    assert not manager.has_plugin("tracker heard:/x")


def test_trackers_of_a_context_end_with_it(manager):
    maker = Maker(Heard)
    manager.register(maker, name="acme:heard")
    for _ in range(2):
        with trackers.added(manager, ["heard:/x", "heard:/x"]):
            assert len(manager.hook.vaehub_trained.get_hookimpls()) == 1
        assert manager.hook.vaehub_trained.get_hookimpls() == []
    assert len(maker.made) == 2


def test_places_are_whole_paths_and_reach_other_processes(monkeypatch, tmp_path):
    monkeypatch.setenv("VAEHUB_TRACKERS", "")
    trackers.ask(["tensorboard:runs", "mlflow:http://host:5000/x"])
    assert os.environ["VAEHUB_TRACKERS"] == f"tensorboard:{tmp_path}/runs,mlflow:http://host:5000/x"
    assert trackers.asked() == [f"tensorboard:{tmp_path}/runs", "mlflow:http://host:5000/x"]


def test_who_uses_none_has_none(monkeypatch):
    monkeypatch.delenv("VAEHUB_TRACKERS", raising=False)
    hook = Hub.open(device="cpu").catalog.manager.hook
    assert hook.vaehub_trained.get_hookimpls() == hook.vaehub_epoch_ended.get_hookimpls() == []
