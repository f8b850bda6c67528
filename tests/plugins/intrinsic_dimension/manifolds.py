"""Observations on manifolds whose dimension is known: among them families of Campadelli et al. 2015, Table 2."""

import numpy as np


def sphere(n, d, rng):
    x = rng.normal(size=(n, d + 1))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def plane(n, d, rng, values=40):
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, values)) + 3.0


def cube(n, d, rng):
    return np.hstack([rng.uniform(size=(n, d)), np.zeros((n, 1))])


def swiss_roll(n, rng):
    t = 1.5 * np.pi * (1 + 2 * rng.uniform(size=n))
    return np.column_stack([t * np.cos(t), 21 * rng.uniform(size=n), t * np.sin(t)])


def moebius(n, rng):
    """M7: a strip with ten half turns."""
    angle, width = rng.uniform(0, 2 * np.pi, n), rng.uniform(-1, 1, n)
    radius = 1 + 0.5 * width * np.cos(5 * angle)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), 0.5 * width * np.sin(5 * angle)])


def helix(n, rng):
    """M5: a helix of two dimensions."""
    along, turn = rng.uniform(0, 2 * np.pi, (2, n))
    return np.column_stack([along * np.cos(turn), along * np.sin(turn), 0.5 * turn])


def nonlinear(n, rng):
    """M6: six dimensions in 36 values, bent by products of sines and cosines."""
    x = rng.uniform(size=(n, 6))
    turned = np.roll(x, -1, axis=1)
    half = np.hstack([turned * np.cos(2 * np.pi * x), turned * np.sin(2 * np.pi * x)])
    return np.hstack([half, half, half])
