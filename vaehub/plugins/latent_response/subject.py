"""What responds: a model's decoder and encoder, one after the other, and the draws that are sent through them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from vaehub import (
    Batch,
    DataError,
    Dataset,
    DataSpec,
    LatentModel,
    Posterior,
    VaehubError,
    WorkFailed,
    first_line,
    task,
)
from vaehub.plugins.latent_response.kernels import CODES_AT_ONCE, Respond, marginal_draws, self_responses
from vaehub.plugins.latent_response.params import Part

VALUES_AT_ONCE = 2**21
"""Values of observations that are decoded together, of however many latents those are."""
FEWEST_AT_ONCE = 64


def codes_at_once(spec: DataSpec) -> int:
    """Return how many latents go through decoder and encoder together."""
    return max(FEWEST_AT_ONCE, min(CODES_AT_ONCE, VALUES_AT_ONCE // spec.n_values))


@contextmanager
def responding(model: LatentModel, label: str, n: int) -> Iterator[Respond]:
    """Announce so many responses; yield what gives them, the mean of q(z|dec(z)), float64, on the CPU."""
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
            "the encoder gives NaN or infinite means for what the decoder makes; nothing can be said of it"
        )
    return found


@torch.no_grad()
def decoded(model: LatentModel, codes: Tensor, at_once: int) -> Tensor:
    """Return what latents decode to, on the CPU: ``(n, latent_dim)`` to ``(n, *shape)``."""
    blocks = torch.split(codes.to(model.device, torch.float32), at_once)
    return torch.cat([model.decode(block).cpu() for block in blocks])


def codes_of(posterior: Posterior, noise: torch.Generator, *, use_mean: bool) -> Tensor:
    """Return a draw from each posterior, or its mean."""
    return posterior.mu if use_mean else posterior.sample(noise)


def posteriors_at(posterior: Posterior, places: Tensor) -> Posterior:
    """Return the posteriors at some places, in any order and as often as they are named.

    Args:
        posterior: Of each observation.
        places: Shape ``(k,)``, or ``(k, latent_dim)`` for a place of its own for each latent.
    """
    mu, logvar = posterior.mu, posterior.logvar
    rows = places if places.ndim == 2 else places[:, None].expand(-1, mu.shape[1])
    return Posterior(mu.gather(0, rows), None if logvar is None else logvar.gather(0, rows))


def causal_latents(
    model: LatentModel, z: Tensor, replacements: torch.Generator, threshold: float, at_once: int
) -> Tensor:
    """Return which latents respond to themselves by the threshold at least, shape ``(latent_dim,)``."""
    with responding(model, "causal latents", len(z) * (1 + z.shape[1])) as respond:
        squares = self_responses(respond, z, marginal_draws(z, replacements), at_once)
    return squares.mean(dim=0).sqrt() >= threshold


# What is refused


def check_responds(metric: str, model: LatentModel, data: Dataset) -> None:
    """Refuse models without a decoder, and those whose encoder must know more of an observation than what it is."""
    if not model.decodes:
        raise VaehubError(f"metric {metric!r} needs a model with a decoder, and this one has none; 'vae' has")
    try:
        model.encode_all(Dataset(data.batch(slice(0, 1)).x))
    except VaehubError as error:
        raise VaehubError(
            f"metric {metric!r} encodes what the model decodes, of which no factors or labels are known, and this "
            f"model cannot: {first_line(error)}; 'vae' can"
        ) from error


def check_prior(metric: str, model: LatentModel) -> None:
    """Refuse models that have no prior to draw from."""
    try:
        model.prior_sample(1, torch.Generator(model.device).manual_seed(0))
    except VaehubError as error:
        raise VaehubError(f"metric {metric!r} draws from the prior: {first_line(error)}; 'vae' has one") from error


def check_observations(metric: str, data: Dataset, part: Part, least: int = 2) -> None:
    """Refuse a part of too few observations."""
    if (n := len(data.split(part))) < least:
        raise DataError(
            f"metric {metric!r} needs {least} observations at least, and the split {part!r} has {n}; "
            "'-s metric.part=all' takes all"
        )


def check_grid(metric: str, size: int, extent: tuple[float, float, float, float]) -> None:
    """Refuse a grid of one point, and one that does not reach from less to more."""
    if size < 2:
        raise VaehubError(
            f"metric {metric!r} was given a grid of {size} x {size} points, and needs 2 along each axis at least; "
            "'-s metric.size=100' is usual"
        )
    if not (extent[0] < extent[1] and extent[2] < extent[3]):
        raise VaehubError(
            f"metric {metric!r} was given the extent {', '.join(f'{value:g}' for value in extent)}, which does not "
            "rise; give the least and the greatest value of the first axis, then of the second"
        )
