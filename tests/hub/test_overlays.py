"""Several records in one picture."""

import dataclasses

import numpy as np
import pytest

from vaehub import Hub, Result, VaehubError

pytest.importorskip("matplotlib")
QUICK = {"train.epochs": 2, "data.subset": 100}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    return Hub.open(tmp_path_factory.mktemp("overlays"), device="cpu")


@pytest.fixture(scope="module")
def found(hub):
    """Relevance of two settings with two seeds each."""
    measured = [
        hub.run("vae", "relevance", seed=[0, 1], settings=QUICK | {"model.latent_dim": latents}) for latents in (2, 3)
    ]
    return [each for some in measured for each in some]


def test_seeds_are_thin_lines_of_one_colour_with_their_mean(hub, found):
    panels = {axes.get_title(): axes for axes in hub.figure(*(each.id for each in found)).axes}
    lines = panels["relevance"].lines
    assert len(lines) == 6
    # No latent is the same in two trainings: their order is that of their values.
    ordered = [np.sort(each["relevance"])[::-1] for each in found]
    for line, values in zip([*lines[:2], *lines[3:5]], ordered, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), values)
    for mean, own in ((lines[2], ordered[:2]), (lines[5], ordered[2:])):
        np.testing.assert_allclose(mean.get_ydata(), np.mean(own, axis=0))
    assert [lines[at].get_label() for at in (2, 5)] == ["latent_dim 2", "latent_dim 3"]
    assert len({lines[at].get_color() for at in (0, 1, 2)}) == 1
    assert lines[0].get_color() != lines[3].get_color()


def test_trainings_share_a_panel_for_each_term_of_the_loss(hub, found):
    ids = [each.training.id for each in found[::2]]
    panels = {axes.get_title(): axes for axes in hub.figure(*ids).axes}
    assert set(panels) == {"total, validation", "reconstruction, validation", "kl, validation"}
    stored = [[epoch["validation"]["kl"] for epoch in hub.store.epochs(each)] for each in ids]
    drawn = panels["kl, validation"]
    assert [line.get_ydata().tolist() for line in drawn.lines] == stored
    assert drawn.get_ylabel() == "nats per observation"


def test_single_numbers_are_rows_by_setting_with_a_dot_for_each_seed(hub):
    found = [
        *hub.run("vae", "elbo", seed=[0, 1], settings=QUICK | {"model.latent_dim": 3}),
        *hub.run("vae", "elbo", settings=QUICK | {"model.latent_dim": 2}),
    ]
    panels = {axes.get_title(): axes for axes in hub.figure(*(each.id for each in found)).axes}
    assert set(panels) == {"elbo", "distortion", "kl"}
    values = [each["elbo"] for each in found]
    drawn = {line.get_marker(): line.get_xydata().tolist() for line in panels["elbo"].lines if line.get_alpha() is None}
    dots = [line.get_xydata().tolist() for line in panels["elbo"].lines if line.get_alpha() is not None]
    assert dots == [[[values[0], 0], [values[1], 0]]]
    assert drawn == {"|": [[pytest.approx(np.mean(values[:2])), 0]], "o": [[values[2], 1]]}
    assert panels["elbo"].get_xlabel() == "nats"
    latents = [label.get_text() for label in panels["elbo"].get_yticklabels()]
    assert latents == ["latent_dim 3", "latent_dim 2"]


def test_what_cannot_be_compared_is_refused_in_a_sentence(hub, found):
    [other] = hub.run("vae", "elbo", settings=QUICK | {"model.latent_dim": 2})
    with pytest.raises(VaehubError, match="'relevance' and 'elbo' measure different things; name measurements of one"):
        hub.figure(found[0].id, other.id)
    with pytest.raises(VaehubError, match="trainings and measurements have no axis in common"):
        hub.figure(found[0].id, other.training.id)
    record = dataclasses.replace(other.record, id="0" * 24)
    hub.store.record_measurement(record, Result(tables={}, scalars={"other": 1.0}))
    with pytest.raises(VaehubError, match="of metric 'elbo' have no finite number and no vector in common"):
        hub.figure(other.id, record.id)
    with pytest.raises(VaehubError, match="has an id that begins with 'ffff'"):
        hub.figure(other.id, "ffff")


@pytest.mark.slow
def test_recipes_and_second_trainings_are_settings(hub, found):
    of_recipes = [
        hub.measure("relevant_dimension", hub.recipe("vae", seed=0, settings=QUICK | {"model.latent_dim": n}))
        for n in (2, 3)
    ]
    assert _groups_of(hub.figure(*(each.id for each in of_recipes))) == ["latent_dim 2", "latent_dim 3"]
    first, *others = (each.training.id for each in found[:3])
    pairs = [hub.compare(first, other, "variance_similarity").measurements[0] for other in others]
    with_both = [f"with {other[:8]}" for other in others]
    assert set(_groups_of(hub.figure(*(each.id for each in pairs)))) == set(with_both)


def test_a_training_that_was_measured_twice_counts_once_and_revisions_are_settings(hub, found):
    one = hub.measure("elbo", hub.recipe("vae", seed=0, settings=QUICK))
    again, other = (
        dataclasses.replace(one.record, id=name * 24, seed=seed, request=one.record.request | {"metric": metric})
        for name, seed, metric in (
            ("7", 7, one.record.request["metric"]),
            ("8", 0, one.record.request["metric"] | {"revision": 1000}),
        )
    )
    hub.store.record_measurement(again, Result({"elbo": one["elbo"] + 2}))
    hub.store.record_measurement(other, Result({"elbo": 5.0}))
    [drawn] = hub.figure(one.id, again.id).axes
    assert [line.get_xdata().tolist() for line in drawn.lines if len(line.get_xdata())] == [[one["elbo"] + 1]]
    [drawn] = hub.figure(one.id, other.id).axes
    assert "metric revision 1000" in [label.get_text() for label in drawn.get_yticklabels()]


def _groups_of(figure):
    """Return the settings that a picture names, in its rows or at its lines."""
    labels = dict.fromkeys(line.get_label() for axes in figure.axes for line in axes.lines)
    lines = [label for label in labels if not label.startswith("_")]
    return lines or [label.get_text() for label in figure.axes[0].get_yticklabels()]
