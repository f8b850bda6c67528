"""Responses of a model: its decoder and encoder applied one after the other, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from vaehub import Batch, DataSpec, LatentModel, Needs, Posterior, VaehubError, WorkFailed, task
from vaehub.plugins.latent_response.kernels import CODES_AT_ONCE, Respond, marginal_draws, self_responses

VALUES_AT_ONCE = 2**21
"""Values of observations that are decoded together, of however many latents those are."""
FEWEST_AT_ONCE = 64


def codes_at_once(spec: DataSpec) -> int:
    """Return how many latents go through decoder and encoder together."""
    return max(FEWEST_AT_ONCE, min(CODES_AT_ONCE, VALUES_AT_ONCE // spec.n_values))


def needs_of_source(source: str) -> Needs:
    """Return what metrics need whose latents are drawn from the aggregate posterior or from the prior."""
    return Needs(
        decoder=True,
        x_only=True,
        prior=source == "prior",
        observations=2,
        instead={"prior": "'-s metric.source=posterior' needs none"},
    )


@contextmanager
def responding(model: LatentModel, label: str, n: int) -> Iterator[Respond]:
    """Report progress over ``n`` responses; yield the response, the mean of q(z|dec(z)), float64, on the CPU."""
    with task(label, n) as advance:

        def respond(codes: Tensor) -> Tensor:
            advance(len(codes))
            return response_posterior(model, codes).mu.cpu().double()

        yield respond


@torch.no_grad()
def response_posterior(model: LatentModel, codes: Tensor) -> Posterior:
    """Return q(z|dec(z)), dec(z) being the mean of p(x|z).

    Raises:
        WorkFailed: If it is NaN or infinite.
    """
    found = model.encode(Batch(model.decode(codes.to(model.device, torch.float32))))
    if not bool(found.mu.isfinite().all()):
        raise WorkFailed(
            "the encoder returns NaN or infinite means for decoded latents, so that responses are undefined"
        )
    return found


def posterior_of_response(model: LatentModel, codes: Tensor, at_once: int) -> Posterior:
    """Return q(z|dec(z)) of any number of latents, on the CPU."""
    found = [response_posterior(model, block) for block in torch.split(codes, at_once)]
    logvar = [each.logvar.cpu() for each in found if each.logvar is not None]
    return Posterior(torch.cat([each.mu.cpu() for each in found]), torch.cat(logvar) if logvar else None)


def responses_to(respond: Respond, codes: Tensor, at_once: int) -> Tensor:
    """Return the responses to any number of latents, shape ``(n, latent_dim)``."""
    return torch.cat([respond(block) for block in torch.split(codes, at_once)])


def posteriors_at(posterior: Posterior, places: Tensor) -> Posterior:
    """Return the posteriors at some places, in any order, with repetitions.

    Args:
        posterior: Of each observation.
        places: Shape ``(k,)``, or ``(k, latent_dim)`` if each latent has its own place.
    """
    mu, logvar = posterior.mu, posterior.logvar
    rows = places if places.ndim == 2 else places[:, None].expand(-1, mu.shape[1])
    return Posterior(mu.gather(0, rows), None if logvar is None else logvar.gather(0, rows))


def causal_latents(
    model: LatentModel, z: Tensor, replacements: torch.Generator, threshold: float, at_once: int
) -> Tensor:
    """Return which latents respond to themselves by at least the threshold, shape ``(latent_dim,)``."""
    with responding(model, "causal latents", len(z) * (1 + z.shape[1])) as respond:
        squares = self_responses(respond, z, marginal_draws(z, replacements), at_once)
    return squares.mean(dim=0).sqrt() >= threshold


def check_plane(metric: str, latents: tuple[int, int], latent_dim: int) -> None:
    """Refuse two latents that the model does not have, or that are one."""
    first, second = latents
    if first == second or max(first, second) >= latent_dim:
        raise VaehubError(
            f"metric {metric!r} was given latents {first} and {second}, and needs two different ones of the "
            f"{latent_dim} of this model, which are counted from 0"
        )


def check_grid(metric: str, size: int, extent: tuple[float, float, float, float] | None) -> None:
    """Refuse a grid of one point, and one that does not reach from less to more; ``None`` is known later."""
    if size < 2:
        raise VaehubError(
            f"metric {metric!r} was given a grid of {size} x {size} points, and needs at least 2 along each axis; "
            "'-s metric.size=100' is usual"
        )
    if extent is not None and not (extent[0] < extent[1] and extent[2] < extent[3]):
        raise VaehubError(
            f"metric {metric!r} was given the extent {', '.join(f'{value:g}' for value in extent)}, which does not "
            "rise; give the least and the greatest value of the first axis, then of the second"
        )
