"""What tests of scores share: representations whose scores are known, and how near is near."""

import numpy as np

from vaehub.plugins.disentanglement.kernels import dci

EXACT = {"rtol": 1e-9, "atol": 1e-10}
"""How near the same arithmetic in other code comes."""
SIZES = (3, 4, 5)


def factors_of(rng, n=900, sizes=SIZES):
    return np.stack([rng.integers(0, size, n) for size in sizes], axis=1)


def ideal(factors, rng):
    """One latent for each factor, with a little noise."""
    return factors + 0.01 * rng.normal(size=factors.shape)


def constant(factors, rng):
    return np.full((len(factors), 3), 0.3)


def noise(factors, rng):
    return rng.normal(size=(len(factors), 3))


def mixture(factors, rng):
    """Three copies of one latent that depends on all factors alike."""
    scaled = factors / np.array(SIZES)
    return np.repeat(scaled.sum(axis=1, keepdims=True), 3, axis=1) + 0.01 * rng.normal(size=(len(factors), 3))


def doubled(factors, rng):
    """Two latents for each factor."""
    return np.concatenate([ideal(factors, rng), ideal(factors, rng)], axis=1)


def halves(codes, factors):
    half = len(codes) // 2
    return codes[:half], factors[:half], codes[half:], factors[half:]


def groups_of(represent, rng, n_groups=300, size=24):
    """Groups that hold a factor: positions of factors, and codes ``(n_groups, size, n_latents)``."""
    held = rng.integers(0, len(SIZES), n_groups)
    factors = factors_of(rng, n_groups * size).reshape(n_groups, size, -1)
    for group, factor in enumerate(held):
        factors[group, :, factor] = factors[group, 0, factor]
    codes = represent(factors.reshape(-1, len(SIZES)), rng)
    return held, codes.reshape(n_groups, size, -1)


def pairs_of(represent, rng, n_groups=300, n_pairs=24):
    """Pairs that hold a factor: positions of factors, and codes ``(n_groups, n_pairs, 2, n_latents)``."""
    held = rng.integers(0, len(SIZES), n_groups)
    factors = factors_of(rng, n_groups * n_pairs * 2).reshape(n_groups, n_pairs, 2, -1)
    for group, factor in enumerate(held):
        factors[group, :, 1, factor] = factors[group, :, 0, factor]
    codes = represent(factors.reshape(-1, len(SIZES)), rng)
    return held, codes.reshape(n_groups, n_pairs, 2, -1)


def light_dci(*data):
    return dci(*data, predictor="lightgbm")
