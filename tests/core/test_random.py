"""Explicit randomness."""

import hashlib
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaehub.core.random import derived_seed, generator, seeded_construction


@given(st.integers(0, 2**63), st.text(), st.integers(0, 10**6))
def test_seeds_fit_a_generator(seed, name, number):
    assert 0 <= derived_seed(seed, name, number) < 2**63


def test_a_purpose_has_one_stream():
    first, second = (torch.rand(5, generator=generator(3, "noise", 1)) for _ in range(2))
    assert torch.equal(first, second)


def test_purposes_and_seeds_have_streams_of_their_own():
    seeds = [derived_seed(*key) for key in [(0,), (1,), (0, "a"), (0, "b"), (0, "a", 0), (0, "a", 1), (0, "a", "1")]]
    assert len(set(seeds)) == len(seeds)


def build(seed=5):
    with seeded_construction(seed):
        return torch.nn.Linear(3, 2).weight


def test_modules_start_with_the_same_weights_whatever_was_drawn_before():
    first = build()
    torch.rand(17)
    assert torch.equal(build(), first)


def test_the_global_generator_is_left_as_it_was():
    before = torch.random.get_rng_state()
    build()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_seeds_mean_the_same_in_every_version():
    digest = hashlib.blake2b(b'[3,"noise",1]', digest_size=8).hexdigest()
    assert derived_seed(3, "noise", 1) == int(digest, 16) // 2


def test_streams_of_neighbouring_purposes_are_uncorrelated():
    n = 20_000
    streams = torch.stack([torch.randn(n, generator=generator(0, "epoch", epoch)) for epoch in range(4)])
    off_diagonal = torch.corrcoef(streams.double())[~torch.eye(4, dtype=torch.bool)]
    # Five standard errors of a correlation that is zero.
    assert float(off_diagonal.abs().max()) < 5 / math.sqrt(n)


def test_another_seed_starts_with_other_weights():
    assert not torch.equal(build(5), build(6))


def test_a_construction_that_fails_leaves_the_global_generator_too():
    before = torch.random.get_rng_state()
    with pytest.raises(TypeError, match="missing"), seeded_construction(5):
        torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear())
    assert torch.equal(torch.random.get_rng_state(), before)
