"""How the tests of networks build one, and what they ask of it."""

import torch

from vaehub import DataSpec


def build(kind, params, shape, latent_dim=5, n_statistics=2, *, bounded=True):
    return kind(params, DataSpec(shape, bounded), latent_dim, n_statistics)


def seeded(*arguments):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return build(*arguments)


def sizes(kind, params, shape, latent_dim, n_statistics=2):
    """Numbers that are learned in the encoder and in the decoder, without making any."""
    with torch.device("meta"):
        net = build(kind, params, shape, latent_dim, n_statistics)
    return tuple(sum(p.numel() for p in part.parameters()) for part in (net.encoder, net.decoder))


def kinds(part):
    return " ".join(type(layer).__name__ for layer in part)


def outputs(part, x):
    """Shape of one observation after each layer that changes it."""
    found = []
    for layer in part.eval():
        before, x = x.shape, layer(x)
        found += [tuple(x.shape[1:])] if x.shape != before else []
    return found
