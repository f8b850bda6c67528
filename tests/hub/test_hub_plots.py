"""Pictures of what is stored."""

import pytest

from vaehub import VaehubError

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


def test_what_has_no_picture_says_so(hub):
    [found] = hub.run("vae", "elbo", settings=QUICK)
    with pytest.raises(VaehubError, match=f"metric 'elbo' has no picture; 'vaehub show {found.id[:8]}'"):
        hub.figure(found.id)


def test_what_failed_has_no_picture(hub):
    with pytest.raises(VaehubError):
        hub.run("vae", "fussy", settings=QUICK | {"metric.fail": True})
    with pytest.raises(VaehubError, match=r"failed \(ZeroDivisionError.*so there is no picture"):
        hub.figure(hub.recent()[1][0].id)
