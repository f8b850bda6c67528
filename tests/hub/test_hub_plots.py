"""Plots of what is stored."""

from dataclasses import replace

import pytest

from vaehub import Result, VaehubError
from vaehub.core.errors import WorkFailed

pytest.importorskip("matplotlib")
QUICK = {"train.epochs": 2, "model.latent_dim": 3}


def test_a_training_is_drawn_as_its_losses(hub):
    record = hub.train(hub.recipe("vae", settings=QUICK))
    panels = {axes.get_title(): axes for axes in hub.figure(record.id).axes}
    assert set(panels) == {"total", "reconstruction", "kl"}
    stored = [epoch["validation"]["kl"] for epoch in hub.store.epochs(record.id)]
    drawn = {line.get_label(): line.get_ydata().tolist() for line in panels["kl"].lines}
    assert drawn["validation"] == stored


def test_a_measurement_is_drawn_by_its_metric(hub):
    [found] = hub.run("vae", "relevance", settings=QUICK)
    assert hub.figure(found.id).axes[0].get_title().endswith("of 3 latents are active")


def test_a_measurement_whose_metric_draws_nothing_is_drawn_as_its_values(hub):
    [found] = hub.run("vae", "elbo", settings=QUICK)
    drawn = {}
    for axes in hub.figure(found.id).axes:
        names = [label.get_text() for label in axes.get_yticklabels()]
        [dots] = [line for line in axes.lines if line.get_marker() == "o"]
        drawn |= dict(zip(names, dots.get_xdata(), strict=True))
        assert axes.get_xlabel() == "nats"
    assert drawn == {name: found[name] for name in ("elbo", "distortion", "kl")}


def test_what_has_no_finite_value_says_so(hub):
    [found] = hub.run("vae", "elbo", settings=QUICK)
    record = replace(found.record, id="2" * 24)
    hub.store.record_measurement(record, Result({"elbo": float("nan")}))
    with pytest.raises(VaehubError, match="222 of metric 'elbo' has no finite value that a picture could show"):
        hub.figure(record.id)


def test_what_failed_has_no_picture(hub):
    with pytest.raises(VaehubError):
        hub.run("vae", "fussy", settings=QUICK | {"metric.fail": True})
    with pytest.raises(VaehubError, match=r"failed \(ZeroDivisionError.*so there is no picture"):
        hub.figure(hub.recent()[1][0].id)


def test_what_an_earlier_revision_stored_is_drawn_or_says_what_it_lacks(hub):
    [found] = hub.run("vae", "relevance", settings=QUICK)
    record = replace(found.record, id="0" * 24, request=_of_revision(found.record.request, 0))
    hub.store.record_measurement(record, found.result)
    assert hub.figure(record.id).axes[0].get_title().endswith("of 3 latents are active")
    other = replace(record, id="1" * 24)
    hub.store.record_measurement(other, Result(scalars={"n_active": 1}))
    with pytest.raises(VaehubError, match="has no value 'relevance', which the picture shows; another revision"):
        hub.figure(other.id)


def _of_revision(request, revision):
    return request | {"metric": request["metric"] | {"revision": revision}}


@pytest.mark.parametrize("error", [TypeError("no such figure"), SystemExit(0)])
def test_a_plot_that_fails_is_failed_work_and_named(hub, monkeypatch, error):
    [found] = hub.run("vae", "relevance", settings=QUICK)

    def plot(metric, result):
        raise error

    monkeypatch.setattr("vaehub.plugins.ard.relevance.Relevance.plot", plot)
    with pytest.raises(WorkFailed, match=rf"^the plot of metric 'relevance' failed: {type(error).__name__}: {error}"):
        hub.figure(found.id)
