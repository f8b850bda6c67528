"""What networks promise."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial

import torch

from vaehub.core.data.dataset import DataSpec
from vaehub.core.errors import VaehubError, first_line
from vaehub.core.network import Network
from vaehub.core.random import seeded_construction
from vaehub.testing.failures import Item, NotChecked
from vaehub.testing.guards import class_of, scrambled, untouched
from vaehub.testing.parameters import check_params

SHAPES = ((1, 8, 8), (1, 16, 16), (1, 28, 28), (3, 32, 32), (1, 64, 64), (3, 64, 64), (10,))
"""Shapes of observations, of which a network takes one at least and refuses others in a sentence."""

MOST = 3
"""How many of these it is tried on."""


def check(item: Item, settings: Mapping[str, object] | None = None) -> None:
    """Note the promises of a network that are not kept."""
    kind = class_of(item, Network)
    check_params(item)
    params = item.params(dict(settings or {}))
    refusals: list[str] = []
    taken: list[tuple[int, ...]] = []
    for shape in SHAPES:
        if len(taken) == MOST:
            break
        spec = DataSpec(shape, in_unit_interval=True)

        def built(latent_dim: int, n_statistics: int, spec: DataSpec = spec, seed: int = 0) -> Network | None:
            try:
                with seeded_construction(seed):
                    return kind(params, spec, latent_dim, n_statistics)
            except VaehubError as error:
                refusals.append(first_line(error))
                return None

        # Large networks take a while to build: other sizes are tried on one shape.
        for latent_dim, n_statistics in ((3, 2), (5, 1)) if not taken else ((3, 2),):
            with scrambled(1), untouched(item, "is built"):
                network = item.attempt(
                    f"fails as it is built for shape {shape}", partial(built, latent_dim, n_statistics)
                )
            if network is None:
                continue
            if shape not in taken:
                taken.append(shape)
            with scrambled(2):
                again = built(latent_dim, n_statistics)
            other = built(latent_dim, n_statistics, seed=1)
            if other is not None and same_for_all_seeds(network, other):
                item.broken("begins with the same weights for every seed: does it set one itself?", kind)
            _check_one(item, network, again, shape)
    if not taken:
        raise NotChecked(f"{item.title} takes none of the shapes of the kit: {refusals[0]}")


def same_for_all_seeds(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Return whether weights that are not all constant begin the same, built with two seeds."""
    pairs = [(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True) if a.numel() > 1]
    return any(bool((a != a.flatten()[0]).any()) for a, _ in pairs) and all(torch.equal(a, b) for a, b in pairs)


@torch.no_grad()
def _check_one(item: Item, network: Network, again: Network | None, shape: tuple[int, ...]) -> None:
    kind = type(network)
    weights = network.state_dict()
    if again is None or any(not torch.equal(value, again.state_dict()[name]) for name, value in weights.items()):
        item.broken("has other weights each time it is built with one seed", kind)
    for name in ("encoder", "decoder"):
        if not isinstance(getattr(network, name, None), torch.nn.Module):
            item.broken(f"has no module {name!r}, which its constructor sets", kind)
            return
    network.eval()
    x = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    n = network.latent_dim * network.n_statistics
    statistics = item.attempt(f"fails as it encodes shape {shape}", lambda: network.encoder(x))
    if statistics.shape != (3, n):
        item.broken(
            f"encodes 3 observations of {shape} to {tuple(statistics.shape)}, and {network.n_statistics} statistics of "
            f"{network.latent_dim} latents have shape (3, {n})",
            kind,
        )
        return
    if not torch.allclose(network.encoder(x[:1]), statistics[:1], atol=1e-5, rtol=1e-4):
        item.broken("encodes an observation otherwise among others than alone, in evaluation mode", kind)
    z = statistics[:, : network.latent_dim]
    decoded = item.attempt(f"fails as it decodes to shape {shape}", lambda: network.decoder(z))
    if decoded.shape != x.shape:
        item.broken(f"decodes to {tuple(decoded.shape)}, and 3 observations have shape {tuple(x.shape)}", kind)
    copied = item.attempt("cannot be copied, as snapshots of a training are", lambda: copy.deepcopy(network))
    if not torch.equal(copied.encoder(x), statistics):
        item.broken("encodes otherwise once it is copied", kind)
