"""What a plugin raises need be no Exception: extensions in Rust panic, and some code calls sys.exit."""

import re

import pytest

from vaehub import VaehubError, WorkFailed
from vaehub.registry import hookimpl

QUICK = {"train.epochs": 1, "model.latent_dim": 2, "data.subset": 64}


class PanicException(BaseException):
    """As pyo3 raises it."""


@pytest.fixture(
    params=[PanicException("index out of bounds"), SystemExit("index out of bounds")], ids=lambda e: type(e)
)
def panic(request):
    return request.param


def raises(error):
    def work(*arguments, **named):
        raise error

    return work


def words(error):
    return f"{type(error).__name__}: {error}"


def test_a_metric_that_panics_is_recorded_as_failed(hub, monkeypatch, panic):
    import hub_test_plugin

    monkeypatch.setattr(hub_test_plugin.Fussy, "measure", raises(panic))
    with pytest.raises(WorkFailed, match=f"metric 'fussy' failed: {words(panic)}"):
        hub.run("vae", "fussy", settings=QUICK)
    [failed] = hub.recent()[1]
    assert failed.status == "failed"
    assert re.fullmatch(rf"{re.escape(words(panic))} \(test_panics.py, line \d+\)", failed.error)


def test_a_check_that_panics_is_a_refusal_or_a_failure_in_one_sentence(hub, monkeypatch, panic):
    import hub_test_plugin

    monkeypatch.setattr(hub_test_plugin.Fussy, "check", raises(panic))
    with pytest.raises(VaehubError, match=f"'fussy'.*{words(panic)}"):
        hub.run("vae", "fussy", settings=QUICK)


@pytest.mark.parametrize("seeds", [[0], [0, 1]])
def test_a_model_that_panics_is_recorded_as_failed(hub, monkeypatch, panic, seeds):
    from vaehub.plugins.models.vae.model import Vae

    def panics_later(self, losses, step):
        if step.epoch == 1:
            raise panic

    monkeypatch.setattr(Vae, "step_ended", panics_later)
    with pytest.raises(WorkFailed, match=f"of model 'vae' with seed 0 failed: {words(panic)}"):
        hub.run("vae", "elbo", seed=seeds, settings=QUICK | {"train.epochs": 3, "train.together": True})
    assert [(each.status, each.error) for each in hub.recent()[0]] == [("failed", words(panic))] * len(seeds)


def test_a_model_that_panics_when_it_is_made_is_named(hub, monkeypatch, panic):
    from vaehub.plugins.models.vae.model import Vae

    monkeypatch.setattr(Vae, "__init__", raises(panic))
    with pytest.raises(VaehubError, match=f"model 'vae' on network 'mlp' cannot be made: {words(panic)}"):
        hub.run("vae", "elbo", settings=QUICK)


def test_a_tracker_that_panics_is_named_and_keeps_no_other_from_hearing(hub, caplog, events, panic):
    class Bad:
        @hookimpl(tryfirst=True)
        def vaehub_trained(self, training_id, status):
            raise panic

    hub.catalog.manager.register(Bad(), name="acme:tracker")
    assert not hub.run("vae", "elbo", settings=QUICK)[0].reused
    assert "plugin 'acme:tracker' failed when told of trained" in caplog.text
    assert [kind for kind, *_ in events] == ["started", "epoch", "trained", "measured"]


def test_an_interruption_is_none_of_these(hub, monkeypatch):
    import hub_test_plugin

    class Interrupted:
        @hookimpl
        def vaehub_measured(self, measurement_id):
            raise KeyboardInterrupt

    monkeypatch.setattr(hub_test_plugin.Fussy, "measure", raises(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        hub.run("vae", "fussy", settings=QUICK)
    assert hub.recent()[1] == []
    hub.catalog.manager.register(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        hub.run("vae", "elbo", settings=QUICK)
