"""What scores of disentanglement refuse, or fail with."""

import importlib.util
import math

import pytest
import torch
from disentanglement_samples import (
    every,
    measured,
    model_of,
)

from vaehub import DataError, VaehubError, WorkFailed

# What is refused


@every
def test_unknown_factors_and_latents_are_answered_with_those_there_are(name, data, ideal):
    with pytest.raises(
        DataError, match=f"metric '{name}' was asked for the factors 'hue', and .* have shape, size, pl"
    ):
        measured(name, ideal, data, factors=("shape", "hue"))
    with pytest.raises(
        VaehubError, match=f"metric '{name}' was asked for the latents 1, 3, and the model has 3, count"
    ):
        measured(name, ideal, data, latents=(1, 3))


@every
def test_factors_that_do_not_vary_are_refused_if_none_is_left(name, data, ideal):
    least = 1 if name in ("mig", "irs", "sap") else 2
    message = rf"metric '{name}' needs at least {least} factors that vary, and there are none .* \(constant: 'colour'\)"
    with pytest.raises(DataError, match=message):
        measured(name, ideal, data, factors=("colour",))
    if least == 2:
        with pytest.raises(DataError, match="and there is 1 among .*; name more in '-s metric.factors=…'"):
            measured(name, ideal, data, factors=("size",))


@every
def test_too_few_observations_are_refused(name, data, ideal):
    few = data.subset(torch.arange(7) if name in ("sap", "dci") else torch.arange(5))
    with pytest.raises(
        DataError, match=f"'{name}' needs more observations .* classes, and got 5 .* 'place' has 5; take"
    ):
        measured(name, ideal, few)


def test_one_observation_leaves_none_to_be_tested_on(data, ideal):
    for name in ("sap", "dci"):
        with pytest.raises(DataError, match="needs at least 3 observations, and got 1: the split"):
            measured(name, ideal, data.first(1))


def test_a_model_without_active_latents_fails_with_the_reason(hub, data):
    model = model_of(lambda x: x[:, :3], data, logvar=(0.0, 0.0, 0.0))
    for name, kind in (("mig", "active"), ("factor_vae_score", "active"), ("sap", "without_passive")):
        with pytest.raises(WorkFailed, match="none of the 3 latents is .* by their posterior variances, .* ask for"):
            measured(name, model, data, latents=kind)


@every
def test_a_model_that_gives_no_numbers_fails(name, data):
    model = model_of(lambda x: torch.where(x[:, :3] > 2.5, math.nan, x[:, :3]), data)
    with pytest.raises(WorkFailed, match="NaN or infinite means or variances for .* in latents 1, 2; nothing can be"):
        measured(name, model, data)


def test_a_missing_predictor_is_named_before_any_work(data, ideal, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "vaehub.plugins.disentanglement.dci.find_spec", lambda name: None if name == "lightgbm" else found(name)
    )
    with pytest.raises(VaehubError, match=r"predictor 'lightgbm', which is not installed: pip install 'vaehub\[boost"):
        measured("dci", ideal, data)
