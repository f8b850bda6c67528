"""Four ways to the Jacobian of a decoder, as pure functions of the same form."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

Decode = Callable[[Tensor], Tensor]
"""Takes ``(n, latent_dim)`` and gives ``(n, *shape)``, each observation by itself."""


@contextmanager
def differentiable(*, native: bool = False) -> Iterator[None]:
    """Have PyTorch run operations that it can differentiate instead of fused ones, as long as the context lasts.

    Attention is computed by its formula, without the fast path of transformer layers; compiled modules run as written;
    and TorchScript programs are not specialised, which can lose their derivatives. Everything is set back afterwards.

    Args:
        native: Leave out cuDNN and oneDNN too, whose recurrent layers have no forward-mode derivatives.
    """
    with ExitStack() as scope:
        scope.enter_context(sdpa_kernel(SDPBackend.MATH))
        scope.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        scope.enter_context(torch.jit.optimized_execution(False))  # type: ignore[attr-defined]
        scope.enter_context(uncompiled())
        for library in (torch.backends.cudnn, torch.backends.mkldnn) if native else ():
            scope.callback(setattr, library, "enabled", library.enabled)
            setattr(library, "enabled", False)  # noqa: B010 mypy sees a module
        yield


@contextmanager
def uncompiled() -> Iterator[None]:
    """Have modules that were given to ``torch.compile`` run as they are written, as long as the context lasts."""
    # Where nothing was compiled, the compiler is not imported, which would take seconds.
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


@torch.no_grad()
def forward_mode(decode: Decode, z: Tensor, at_once: int) -> Tensor:
    """Return the derivative of each decoded value by each latent, by forward-mode differentiation.

    Args:
        decode: The decoder, which computes in the dtype of ``z``.
        z: Where to differentiate, shape ``(n, latent_dim)``.
        at_once: Most directional derivatives of one observation computed together.

    Returns:
        Shape ``(latent_dim, n, n_values)``, in the dtype of the decoder.

    Raises:
        Exception: Whatever the decoder or PyTorch raises where an operation has no such derivative.
    """
    axes = torch.eye(z.shape[1], dtype=z.dtype, device=z.device)

    def along(axis: Tensor) -> Tensor:
        # One primal pass serves all axes: only the tangent is batched.
        # A decoder that works in place would otherwise change the place.
        return torch.func.jvp(lambda at: decode(at.clone()), (z,), (axis.expand_as(z),))[1].flatten(1)  # type: ignore[no-any-return]

    return torch.func.vmap(along, chunk_size=at_once)(axes)


def twice_reverse(decode: Decode, z: Tensor, at_once: int) -> Tensor:
    """Return what :func:`forward_mode` does, by reverse-mode differentiation of reverse-mode derivatives.

    The product of a vector and the Jacobian is linear in the vector, and its derivative by the vector is the product of
    the Jacobian and a direction: as many passes as there are latents, however many values are decoded.

    Args:
        decode: As in :func:`forward_mode`.
        z: As in :func:`forward_mode`.
        at_once: Most observations decoded together, each once for each latent.
    """
    n = len(z)
    parts = []
    for axes in _axes(z, at_once):
        directions = axes.repeat_interleave(n, dim=0)
        with torch.inference_mode(False), torch.enable_grad():
            at = z.clone().repeat(len(axes), 1).requires_grad_()
            # A decoder that works in place must not do so on a leaf.
            x = decode(at.clone())
            vector = torch.zeros_like(x).requires_grad_()
            (product,) = torch.autograd.grad(x, at, vector, create_graph=True, allow_unused=True)
            if product is None:
                along = torch.zeros_like(x)
            else:
                (along,) = torch.autograd.grad(product, vector, directions)
        parts.append(along.detach().reshape(len(axes), n, -1))
    return torch.cat(parts)


def reverse_mode(decode: Decode, z: Tensor, at_once: int) -> Tensor:
    """Return what :func:`forward_mode` does, by one reverse-mode pass for each decoded value.

    Args:
        decode: As in :func:`forward_mode`.
        z: As in :func:`forward_mode`.
        at_once: Most observations decoded together, each once for each of some values.
    """
    n, latent_dim = z.shape
    with torch.no_grad():
        n_values = math.prod(decode(z.clone()).shape[1:])
    parts = []
    for some in torch.split(torch.arange(n_values, device=z.device), max(1, at_once // n)):
        with torch.inference_mode(False), torch.enable_grad():
            at = z.clone().repeat(len(some), 1).requires_grad_()
            x = decode(at.clone()).reshape(len(some), n, n_values)
            own = x.gather(2, some[:, None, None].expand(-1, n, 1)).sum()
            (gradient,) = torch.autograd.grad(own, at, allow_unused=True)
        found = torch.zeros_like(at) if gradient is None else gradient
        parts.append(found.detach().reshape(len(some), n, latent_dim))
    return torch.cat(parts).permute(2, 1, 0)


@torch.no_grad()
def central_differences(decode: Decode, z: Tensor, at_once: int, *, steps: Tensor) -> Tensor:
    """Return an approximation of what :func:`forward_mode` does, by central differences.

    Args:
        decode: As in :func:`forward_mode`.
        z: As in :func:`forward_mode`.
        at_once: Most observations decoded together, each once for each latent.
        steps: How far each latent is moved to either side, shape ``(latent_dim,)``.
    """
    n = len(z)
    parts = []
    for axes in _axes(z, at_once):
        moves = (axes * steps).repeat_interleave(n, dim=0)
        places = z.repeat(len(axes), 1)
        change, moved = change_between(decode, places, moves)
        parts.append((change / moved.sum(dim=1, keepdim=True)).reshape(len(axes), n, -1))
    return torch.cat(parts)


@torch.no_grad()
def change_between(decode: Decode, z: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
    """Return how what is decoded changes from one side of some places to the other, and how far apart the sides are.

    Args:
        decode: As in :func:`forward_mode`.
        z: The places, shape ``(n, latent_dim)``.
        moves: From each place to one side, same shape.

    Returns:
        The change, shape ``(n, n_values)``, and the differences of the sides as they were rounded, shape as ``z``.
    """
    above, below = z + moves, z - moves
    return (decode(above.clone()) - decode(below.clone())).flatten(1), above - below


def _axes(z: Tensor, at_once: int) -> tuple[Tensor, ...]:
    """Return unit vectors along the latents, in groups of which each observation of ``z`` gets one at a time."""
    axes = torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
    return torch.split(axes, max(1, at_once // len(z)))
