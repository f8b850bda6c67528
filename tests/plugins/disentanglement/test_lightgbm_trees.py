"""Trees of LightGBM."""

import builtins

import numpy as np
import pytest
import torch
from representations import factors_of, light_dci, noise

from vaehub import VaehubError


def test_the_number_of_threads_changes_no_tree(train):
    before = torch.get_num_threads()
    try:
        found = []
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            found.append(light_dci(train[0][:300], train[1][:300, :1]).importance)
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_a_missing_package_is_named_with_what_to_do(rng, monkeypatch):
    imported = builtins.__import__

    def without_lightgbm(name, *rest, **others):
        if name == "lightgbm":
            raise ImportError(name)
        return imported(name, *rest, **others)

    monkeypatch.setattr(builtins, "__import__", without_lightgbm)
    factors = factors_of(rng, 60)
    with pytest.raises(VaehubError, match=r"pip install 'vaehub\[boosting\]'; 'gradient_boosting' works without"):
        light_dci(noise(factors, rng), factors)
