"""Ends of a path through latent space."""

import pytest
import torch

from vaehub import Dataset, generator, wrap
from vaehub.plugins.latent_response.endpoints import ends_of
from vaehub.plugins.latent_response.params import LatentPathParams


@pytest.mark.parametrize("given", ["start", "end"])
@pytest.mark.parametrize("labels", [None, [0, 0, 1]])
def test_a_random_end_is_another_observation_of_another_label(given, labels):
    data = Dataset(torch.tensor([[0.0, 0], [1, 0], [2, 0]]), labels=None if labels is None else torch.tensor(labels))
    model = wrap(encoder=torch.nn.Identity(), decoder=torch.nn.Identity())
    params = LatentPathParams(**{given: 0, {"start": "end", "end": "start"}[given]: "random"})
    found = set()
    for seed in range(20):
        ends = ends_of(model, data, params, generator(seed, "ends"))[:, 0].tolist()
        known, drawn = ends if given == "start" else reversed(ends)
        assert known == 0
        found.add(drawn)
    assert found == ({1, 2} if labels is None else {2})
