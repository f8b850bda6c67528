"""Mathematics of response matrices: what each latent does to itself and to the others through decoder and encoder."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays

Respond = Callable[[Tensor], Tensor]
"""From latents ``(k, latent_dim)`` to responses, same shape: what the encoder makes of what they decode to."""

CODES_AT_ONCE = 1024
"""Latents that go through decoder and encoder together; bounds memory, changes no result."""


@accepts_arrays
def response_matrix(respond: Respond, z: Tensor, v: Tensor, at_once: int = CODES_AT_ONCE) -> Tensor:
    """Return how far each latent's response moves when one latent is replaced.

    Leeb et al. 2021, Eq. 5: ``M_jk`` is the root of the mean over draws of ``(R_k(z with z_j = v_j) - R_k(z))^2``. The
    paper draws z and v from the aggregate posterior; its released code from the prior, unless it is given data.

    Args:
        respond: The response R of latents, the mean of q(z|dec(z)).
        z: Draws of all latents, shape ``(n, latent_dim)``.
        v: Replacements, same shape: row i replaces, one at a time, the entries of row i of ``z``.
        at_once: Latents handed to ``respond`` at a time; intervened copies exist for as long.

    Returns:
        Shape ``(latent_dim, latent_dim)``, float64, in the latents' unit; the row is the latent that was replaced. A
        row is 0 where the decoder ignores the latent, a column where the encoder's mean of it is constant. With R the
        identity, the diagonal is ``sqrt(2)`` standard deviations on average, and the rest 0.
    """
    return response_moments(respond, z, v, at_once).squares.sqrt()


class Moments(NamedTuple):
    """What draws say of squared moves.

    Attributes:
        squares: Means over draws, float64, in the latents' unit squared.
        errors: Standard errors of these means, same shape.
    """

    squares: Tensor
    errors: Tensor


@accepts_arrays
def response_moments(respond: Respond, z: Tensor, v: Tensor, at_once: int = CODES_AT_ONCE) -> Moments:
    """Return the squares of :func:`response_matrix`, shape ``(latent_dim, latent_dim)``, with standard errors.

    Arguments are those of :func:`response_matrix`.
    """
    n, latent_dim = z.shape
    total, fourth = torch.zeros(2, latent_dim, latent_dim, dtype=torch.float64, device=z.device)
    for latent, _, moved in _interventions(respond, z, v, at_once):
        total.index_add_(0, latent, moved.square())
        fourth.index_add_(0, latent, moved.square().square())
    return _moments(total, fourth, n)


@accepts_arrays
def redraw_moments(respond: Respond, z: Tensor, again: Tensor, at_once: int = CODES_AT_ONCE) -> Moments:
    """Return how far each response moves, squared, when all other latents are drawn anew from the same posteriors.

    The observation and the latent stay, so that this is what the encoder's own noise in others does to a response.

    Args:
        respond: The response R of latents.
        z: Draws, shape ``(n, latent_dim)``.
        again: Second draws from the posteriors that ``z`` was drawn from, same shape.
        at_once: Latents handed to ``respond`` at a time.

    Returns:
        Shape ``(latent_dim,)`` each.
    """
    total, fourth = torch.zeros(2, z.shape[1], dtype=torch.float64, device=z.device)
    for latent, _, moved in _interventions(respond, again, z, at_once, origin=z):
        own = moved.gather(1, latent[:, None])[:, 0].square()
        total.index_add_(0, latent, own)
        fourth.index_add_(0, latent, own.square())
    return _moments(total, fourth, len(z))


def _moments(total: Tensor, fourth: Tensor, n: int) -> Moments:
    mean = total / n
    # Unbiased variance of the squares, over n.
    return Moments(mean, ((fourth / n - mean.square()).clamp_min(0) / max(1, n - 1)).sqrt())


@accepts_arrays
def self_responses(respond: Respond, z: Tensor, v: Tensor, at_once: int = CODES_AT_ONCE) -> Tensor:
    """Return the squared move of each latent's own response when it is replaced, for each draw.

    The diagonal of :func:`response_matrix` is the root of the means of its columns; arguments are those of it.

    Returns:
        Shape ``(n, latent_dim)``, float64, in the latents' unit squared.
    """
    found = torch.zeros(z.shape, dtype=torch.float64, device=z.device)
    for latent, row, moved in _interventions(respond, z, v, at_once):
        found[row, latent] = moved.gather(1, latent[:, None])[:, 0].square()
    return found


def _interventions(
    respond: Respond, z: Tensor, v: Tensor, at_once: int, origin: Tensor | None = None
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield latents, rows, and how far all responses moved, in full batches: all rows of one latent, then the next.

    Moves are from the responses to ``origin``, which is ``z`` if it is not given.
    """
    n, latent_dim = z.shape
    plain = torch.cat([_answer(respond, block) for block in torch.split(z if origin is None else origin, at_once)])
    for begin in range(0, n * latent_dim, at_once):
        numbers = torch.arange(begin, min(begin + at_once, n * latent_dim), device=z.device)
        latent, row = numbers // n, numbers % n
        codes = z[row]
        codes.scatter_(1, latent[:, None], v[row, latent][:, None])
        yield latent, row, _answer(respond, codes) - plain[row]


def _answer(respond: Respond, codes: Tensor) -> Tensor:
    return torch.as_tensor(respond(codes)).to(codes.device, torch.float64)


def marginal_draws(z: Tensor, generator: torch.Generator) -> Tensor:
    """Return replacements from the marginals of draws: of each latent, the value of another row, drawn by itself.

    Args:
        z: Draws, shape ``(n, latent_dim)``, two rows at least.
        generator: Source of randomness, on the CPU.

    Returns:
        Same shape; no row takes its own value.
    """
    n = len(z)
    ahead = torch.randint(1, n, z.shape, generator=generator).to(z.device)
    return z.gather(0, (torch.arange(n, device=z.device)[:, None] + ahead) % n)


# Responses conditioned on factors


@accepts_arrays
def group_response(squares: Tensor, reduction: Literal["rms", "mean"] = "rms") -> Tensor:
    """Return one row of the conditioned response matrix: how each latent responds to itself within groups.

    Leeb et al. 2021, Eq. 6. The paper takes the root of the mean over groups and interventions; the released code has
    the mean over groups of the roots, which is never greater.

    Args:
        squares: From :func:`self_responses`, shape ``(groups, interventions, latent_dim)``.
        reduction: ``rms`` for the paper's, ``mean`` for the code's.

    Returns:
        Shape ``(latent_dim,)``, in the latents' unit.
    """
    within = squares.mean(dim=1)
    return within.mean(dim=0).sqrt() if reduction == "rms" else within.sqrt().mean(dim=0)


@accepts_arrays
def causal_disentanglement(matrix: Tensor, rescaled: bool = True) -> float:
    """Return the causal disentanglement score: how far each latent responds to one factor alone.

    Leeb et al. 2021, Eq. 7: the greatest entry of each column, over the sum of all. It is 1/K at least with K factors,
    and the paper rescales it to [0, 1]; the released code returns it as it is.

    Args:
        matrix: Conditioned responses, shape ``(factors, latents)``, none negative.
        rescaled: Whether 1/K is taken to 0.

    Returns:
        In [0, 1], without unit: 1 where each latent responds to one factor, 0 where all entries are equal. ``nan`` if
        nothing responds, and of one factor if rescaled.
    """
    return _concentration(matrix.double().amax(dim=0).sum() / matrix.double().sum(), len(matrix), rescaled)


@accepts_arrays
def causal_completeness(matrix: Tensor, rescaled: bool = True) -> float:
    """Return the causal completeness score: how far each factor moves one latent alone.

    Leeb et al. 2021, Eq. 13: the greatest entry of each row, over the sum of all.

    Args:
        matrix: Conditioned responses, shape ``(factors, latents)``, none negative.
        rescaled: Whether 1/d, the least there is with d latents, is taken to 0.

    Returns:
        In [0, 1], without unit; ``nan`` if nothing responds, and of one latent if rescaled.
    """
    return _concentration(matrix.double().amax(dim=1).sum() / matrix.double().sum(), matrix.shape[1], rescaled)


def _concentration(raw: Tensor, n: int, rescaled: bool) -> float:
    if not rescaled:
        return float(raw)
    return float((raw - 1 / n) / (1 - 1 / n)) if n > 1 else float("nan")
