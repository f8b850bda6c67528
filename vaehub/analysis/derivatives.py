"""Derivatives of any decoder: by forward mode where that is right, and by whatever else gives them where it is not."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vaehub.analysis.agreement import Agreement, latent_scales
from vaehub.analysis.jacobians import (
    Decode,
    central_differences,
    differentiable,
    forward_mode,
    reverse_mode,
    twice_reverse,
)
from vaehub.core.errors import VaehubError, WorkFailed
from vaehub.core.result import Table

log = logging.getLogger(__name__)

TANGENTS_AT_ONCE = 128
"""Directional derivatives pushed through the decoder together: more spill out of a processor's cache."""
FORWARD, TWICE, REVERSE = "forward mode", "reverse mode applied twice", "reverse mode"
DIFFERENCES = "central differences"
CHEAP = 4
"""Decoded values for each latent up to which reverse mode is preferred to differences, which decode twice for each."""
DOUBLE_STEP = 1e-5
"""Step of differences in float64, in the spread of a latent: their error is about its square, 1e-10."""
CLOSE, USABLE = 1e-4, 0.1
"""Relative errors that differences in float64, and in the decoder's own precision, may have."""

Compute = Callable[[Decode, Tensor, int], Tensor]


class Jacobian(NamedTuple):
    """Derivatives of what is decoded.

    Attributes:
        values: Derivative of each decoded value by each latent, shape ``(n, n_values, latent_dim)``.
        method: How they were computed, in words; ``forward mode`` for most decoders.
        error: Their relative error: of differences, how much half the step changes them; else that of rounding.
    """

    values: Tensor
    method: str
    error: float


class Unusable(Exception):  # noqa: N818 it is what they are
    """This way does not give right derivatives, and the next one is tried."""


class Derivatives:
    """Derivatives of one decoder, by the first way that gives right ones.

    The ways are, in this order: forward mode, with attention by its formula instead of fused; the same without cuDNN
    and oneDNN, whose recurrent layers have none; reverse mode applied twice; reverse mode, where few values are
    decoded; central differences in float64, by a copy of the decoder; reverse mode for however many values; and central
    differences in the decoder's own precision.

    PyTorch's derivatives are held against a finite difference along one random direction of the latents, which takes
    two more decodes, and those that are wrong are not used. Known to give wrong ones are TorchScript programs with
    trainable weights, through which forward mode is right once and 0 from then on.

    Args:
        decode: Takes ``(n, latent_dim)`` and gives ``(n, *shape)``, each observation by itself, so batch normalisation
            must be in evaluation mode. It computes in the dtype of what it is given.
        at_once: Directional derivatives computed together; bounds memory, changes no result.

    Attributes:
        method: The way that was used last, in words.
        error: Greatest relative error so far, as in :class:`Jacobian`.
    """

    def __init__(self, decode: Decode, at_once: int = TANGENTS_AT_ONCE) -> None:
        self.method, self.error = FORWARD, 0.0
        self._decode = decode
        self._at_once = at_once
        self._in_double: Decode | None = None
        self._ways: list[tuple[str, Callable[[Tensor, Agreement], tuple[Tensor, float]]]] = [
            (FORWARD, self._by(forward_mode)),
            (FORWARD, self._by(forward_mode, native=True)),
            (TWICE, self._by(twice_reverse, native=True)),
            (REVERSE, self._by_cheap_reverse),
            (f"{DIFFERENCES} in float64", self._by_differences_in_double),
            (REVERSE, self._by(reverse_mode, native=True)),
            (f"{DIFFERENCES} in the decoder's own precision", self._by_differences),
        ]

    def blocks(self, z: Tensor) -> Iterator[Tensor]:
        """Yield the derivatives at some places, a few observations at a time.

        Args:
            z: Where to differentiate, shape ``(n, latent_dim)``, n at least 1.

        Yields:
            Shape ``(n, n_values, latent_dim)`` for some of the observations, in their order.

        Raises:
            WorkFailed: If the decoder has no derivatives: it fails, is random, or changes in jumps.
        """
        agreement = Agreement(latent_scales(z))
        for rows in torch.split(z, max(1, self._at_once // z.shape[1])):
            yield self._block(rows, agreement).movedim(0, -1)
        if self.method != FORWARD:
            level = logging.WARNING if self.method.startswith(DIFFERENCES) else logging.INFO
            log.log(
                level,
                "forward mode gives no derivatives of this decoder, or wrong ones; they were computed by "
                f"{self.method}, with a relative error of about {self.error:.0e}",
            )

    def tables(self) -> dict[str, Table]:
        """Return the method and its error as a table for a result; none for forward mode, the usual one."""
        if self.method == FORWARD:
            return {}
        return {"derivatives": Table({"method": [self.method]}, {"relative_error": [self.error]})}

    def _block(self, z: Tensor, agreement: Agreement) -> Tensor:
        reason: Exception | None = None
        while self._ways:
            method, way = self._ways[0]
            try:
                found, error = way(z, agreement)
            except (VaehubError, MemoryError, torch.OutOfMemoryError):
                raise
            # A user's decoder runs here, and PyTorch raises errors of many types where it has no derivative.
            except Exception as failure:  # noqa: BLE001
                log.debug("no derivatives by %s: %s", method, failure)
                reason = failure
                self._ways.pop(0)
                continue
            self.method, self.error = method, max(self.error, error)
            return found
        raise WorkFailed(
            "the derivatives of the decoder cannot be computed: PyTorch has none for what it does, and differences of "
            "its values give none; a decoder whose values change smoothly with the latents has some"
        ) from reason

    def _by(self, compute: Compute, *, native: bool = False) -> Callable[[Tensor, Agreement], tuple[Tensor, float]]:
        def found(z: Tensor, agreement: Agreement) -> tuple[Tensor, float]:
            with differentiable(native=native):
                jacobian = compute(self._decode, z, self._at_once)
                if agreement.contradicts(self._decode, z, jacobian):
                    raise Unusable("they differ from a finite difference")
            return jacobian, torch.finfo(jacobian.dtype).eps

        return found

    def _by_cheap_reverse(self, z: Tensor, agreement: Agreement) -> tuple[Tensor, float]:
        with torch.no_grad():
            n_values = self._decode(z.clone()).numel() / len(z)
        if n_values > CHEAP * z.shape[1]:
            raise Unusable(f"{n_values:.0f} values take too many passes")
        return self._by(reverse_mode, native=True)(z, agreement)

    def _by_differences_in_double(self, z: Tensor, agreement: Agreement) -> tuple[Tensor, float]:
        if z.device.type == "mps":
            raise Unusable("the device has no float64")
        self._in_double = self._in_double or _doubled(self._decode)
        exact = Agreement(agreement.scales.double())
        steps = DOUBLE_STEP * exact.scales
        return self._differences(self._in_double, z.double(), exact, steps, CLOSE)

    def _by_differences(self, z: Tensor, agreement: Agreement) -> tuple[Tensor, float]:
        # Less than the cube root of rounding, which balances it against curvature: networks have kinks too.
        steps = torch.finfo(z.dtype).eps ** 0.4 * agreement.scales
        return self._differences(self._decode, z, agreement, steps, USABLE)

    def _differences(
        self, decode: Decode, z: Tensor, agreement: Agreement, steps: Tensor, most: float
    ) -> tuple[Tensor, float]:
        with differentiable():
            jacobian = central_differences(decode, z, self._at_once, steps=steps)
            if jacobian.dtype != z.dtype:
                raise Unusable(f"the decoder gives {jacobian.dtype} for {z.dtype}")
            error = agreement.error(decode, z, jacobian, steps)
        if not error <= most:
            raise Unusable(f"half the step changes them by {error:.0e}")
        return jacobian, error


def jacobian(decode: Decode, z: Tensor, *, at_once: int = TANGENTS_AT_ONCE) -> Jacobian:
    """Return the derivatives of what is decoded by the latents, by whichever way gives right ones.

    Args:
        decode: As in :class:`Derivatives`.
        z: Where to differentiate, shape ``(n, latent_dim)``, n at least 1.
        at_once: As in :class:`Derivatives`.

    Raises:
        WorkFailed: If the decoder has no derivatives: it fails, is random, or changes in jumps.
    """
    derivatives = Derivatives(decode, at_once)
    values = torch.cat(list(derivatives.blocks(z)))
    return Jacobian(values, derivatives.method, derivatives.error)


def _doubled(decode: Decode) -> Decode:
    """Return a decoder that computes in float64: by a copy of its module, if it is one or a method of one."""
    owner = decode if isinstance(decode, nn.Module) else getattr(decode, "__self__", None)
    if not isinstance(owner, nn.Module):
        return decode
    copied = copy.deepcopy(owner).double()
    return copied if decode is owner else getattr(copied, decode.__name__)
