"""A user's encoder and decoder as the encoder and decoder of a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from vaehub.adapters.callables import CallableModule
from vaehub.adapters.parts import Output, Part
from vaehub.adapters.readings import Reading, Scale, Statistics, read_reconstruction
from vaehub.core.data.dataset import DataSpec
from vaehub.core.errors import VaehubError, first_line
from vaehub.core.model import evaluating

TRIED = 64
"""Observations that an encoder and a decoder are tried on."""
UNIT = (0.0, 1.0)


def range_of(inputs: str | None) -> tuple[float, float]:
    """Return the two ends of a range such as ``-1..1``; of [0, 1], the range of images here, if none is given.

    Raises:
        VaehubError: If it is none.
    """
    if inputs is None:
        return UNIT
    low, dots, high = inputs.partition("..")
    try:
        found = (float(low), float(high))
    except ValueError:
        found = UNIT[::-1]
    if not dots or not found[0] < found[1]:
        raise VaehubError(f"inputs is {inputs!r}, and is the range of values that the model takes, such as '-1..1'")
    return found


class UserEncoder(nn.Module):
    """Converts the output of a user's encoder to that of a network's encoder.

    Accepted is what ``vaehub/adapters/readings.py`` reads. Observations are given in the encoder's own number format,
    scaled to the range that it was trained on, and as a copy, which it may overwrite. Latents of any shape are
    flattened.

    Args:
        module: Accepts ``(n, *shape)``.
        scale: What it gives beside its means, where no name says so.
        statistics: ``concatenated`` if it gives one tensor of means and scales side by side.
        inputs: Range of the values that it takes where data lie in [0, 1], such as ``-1..1``.

    Attributes:
        latent_shape: Shape of an observation's latents before they are flattened; known once they have been seen.
    """

    def __init__(
        self,
        module: Part,
        *,
        scale: Scale | None = None,
        statistics: Statistics = "separate",
        inputs: str | None = None,
    ) -> None:
        super().__init__()
        self.module = as_module(module)
        self.reading = Reading(scale, statistics)
        self.range = range_of(inputs)
        self.latent_shape: tuple[int, ...] = ()
        self._takes_vectors = False

    def forward(self, x: Tensor) -> Tensor:
        """Return means, concatenated with log variances if there are any."""
        mu, logvar = self._flat(self._answer(x), x)
        return mu if logvar is None else torch.cat([mu, logvar], dim=1)

    def meet(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Find out how the output is to be read, from some observations; return means and log variances.

        Args:
            x: Observations, of which at most 64 are looked at.

        Raises:
            VaehubError: If the encoder does not accept such observations, draws at random, or its output can be read in
                no way or in two.
        """
        x = x[:TRIED]
        with evaluating(self):
            found, again = (self._tried(x, seed) for seed in (0, 1))
        self.reading = self.reading.settled(found, again)
        mu, logvar = self.reading.posterior(found)
        if mu.ndim == 0 or len(mu) != len(x) or (logvar is not None and logvar.shape != mu.shape):
            shapes = " and ".join(str(tuple(each.shape)) for each in (mu, logvar) if each is not None)
            raise VaehubError(
                f"the encoder gives shape {shapes} for {len(x)} observations; means, and log variances if there are "
                f"any, are both of shape ({len(x)}, latent_dim) or ({len(x)}, ...), which is flattened"
            )
        self.latent_shape = tuple(mu.shape[1:])
        return self._flat(found, x)

    def _answer(self, x: Tensor) -> Any:
        low, high = self.range
        given = x.to(dtype_of(self.module), copy=True)
        if self._takes_vectors:
            given = given.flatten(1)
        return self.module(given if (low, high) == UNIT else given.mul_(high - low).add_(low))

    def _tried(self, x: Tensor, seed: int) -> Any:
        try:
            with _other_randomness(x.device, seed):
                return self._answer(x)
        except VaehubError:
            raise
        # A user's module runs here.
        except Exception as error:
            if x.ndim > 2 and not self._takes_vectors:
                # As in models whose own forward() flattens images before it encodes them.
                self._takes_vectors = True
                try:
                    return self._tried(x, seed)
                except VaehubError:
                    self._takes_vectors = False
            raise VaehubError(
                f"the encoder cannot take observations of shape {tuple(x.shape[1:])} as {dtype_of(self.module)} on "
                f"{x.device.type}: {first_line(error)}"
            ) from error

    def _flat(self, found: Any, x: Tensor) -> tuple[Tensor, Tensor | None]:
        mu, logvar = self.reading.posterior(found)
        mu = mu.to(x.dtype).reshape(len(x), -1)
        return mu, None if logvar is None else logvar.to(x.dtype).reshape(len(x), -1)


class UserDecoder(nn.Module):
    """Converts the output of a user's decoder to that of a network's decoder, before its non-linearity.

    Accepted are a tensor ``(n, *shape)``, or with as many values; an object or a mapping with ``reconstruction``; and a
    distribution, whose mean is taken.

    Args:
        module: Accepts ``(n, *latent_shape)``.
        spec: What is known about the data.
        output: Whether it returns means, logits of means, or means that may leave the data's range.
        inputs: Range of the values that the model was trained on where data lie in [0, 1], such as ``-1..1``; its means
            are scaled back from there.

    Attributes:
        latent_shape: Shape of one observation's latents as the decoder takes them.
    """

    def __init__(self, module: Part, spec: DataSpec, output: Output, *, inputs: str | None = None) -> None:
        super().__init__()
        self.module = as_module(module)
        self.spec = spec
        self.output: Output = output
        self.range = range_of(inputs)
        self.latent_shape: tuple[int, ...] | None = None

    def forward(self, z: Tensor) -> Tensor:
        """Return the output whose sigmoid is the mean for data in [0, 1], and the mean itself otherwise."""
        found = self._reconstruction(z).reshape(len(z), *self.spec.shape)
        if self.output == "mean" and self.spec.in_unit_interval:
            return found.logit(eps=torch.finfo(found.dtype).eps)
        return found

    def meet(self, z: Tensor, latent_shape: tuple[int, ...]) -> None:
        """Check that the decoder accepts such latents, and that its output can be compared with the data.

        Args:
            z: Latents, shape ``(n, latent_dim)``.
            latent_shape: Shape of one observation's latents.

        Raises:
            VaehubError: If not.
        """
        self.latent_shape = latent_shape
        with evaluating(self):
            found, again = (self._tried(z, seed) for seed in (0, 1))
        if found.numel() != len(z) * self.spec.n_values:
            raise VaehubError(
                f"the decoder gives shape {tuple(found.shape)} for {len(z)} observations of shape {self.spec.shape}; "
                "the numbers of values should be the same"
            )
        if not bool(found.isfinite().all()):
            raise VaehubError(
                f"the decoder gives NaN or infinite values for the means of {len(z)} observations; nothing can be "
                "measured"
            )
        if not torch.allclose(found, again, rtol=1e-3, atol=1e-5):
            raise VaehubError(
                "the decoder gives other values for the same latents when asked twice in evaluation mode: it draws at "
                "random; give a function as decoder that returns the mean"
            )
        if self.output == "mean" and self.spec.in_unit_interval and not in_unit_interval(found):
            low, high = float(found.min()), float(found.max())
            raise VaehubError(
                f"the decoder gives values outside [0, 1], from {low:.4g} to {high:.4g}, for data inside; if they are "
                "logits, set output to 'logits'; if the model's data are in another range, set inputs, such as "
                "'-1..1'; if nothing bounds them, set output to 'unbounded'"
            )

    def _reconstruction(self, z: Tensor) -> Tensor:
        shape = z.shape[1:] if self.latent_shape is None else self.latent_shape
        found = read_reconstruction(self.module(z.to(dtype_of(self.module), copy=True).reshape(len(z), *shape)))
        low, high = self.range
        found = found.to(z.dtype)
        return found if self.output == "logits" or (low, high) == UNIT else (found - low) / (high - low)

    def _tried(self, z: Tensor, seed: int) -> Tensor:
        try:
            with _other_randomness(z.device, seed):
                return self._reconstruction(z)
        except VaehubError:
            raise
        # A user's module runs here.
        except Exception as error:
            raise VaehubError(
                f"the decoder cannot take the {z.shape[1]} latents that the encoder gives: {first_line(error)}"
                f"{self._hint(z)}"
            ) from error

    def _hint(self, z: Tensor) -> str:
        """Say what the encoder's output may be, if the decoder takes half of it."""
        if self.latent_shape is None or len(self.latent_shape) == 0 or self.latent_shape[0] % 2:
            return ""
        half = (self.latent_shape[0] // 2, *self.latent_shape[1:])
        try:
            self.module(z.new_zeros(len(z), *half, dtype=dtype_of(self.module)))
        # Only tried: what is wrong is reported already.
        except Exception:  # noqa: BLE001
            return ""
        return (
            f". It takes {half[0]}: if the encoder gives means and log variances side by side in one tensor, set "
            "statistics to 'concatenated'"
        )


def as_module(part: Part) -> nn.Module:
    """Return a part as a module that can be put in training and evaluation mode.

    Raises:
        VaehubError: If it is neither a module nor a function.
    """
    if not isinstance(part, nn.Module):
        if not callable(part):
            raise VaehubError(
                f"an encoder or decoder is a torch module or a function, and this is a {type(part).__name__}"
            )
        return CallableModule(part)
    try:
        with evaluating(part):
            return part
    except NotImplementedError:
        # A program of torch.export has only one mode.
        part.train = _unchanged.__get__(part)  # type: ignore[method-assign]
        return part


def dtype_of(module: nn.Module) -> torch.dtype:
    """Return the number format in which a module takes its input: that of its first weight, else float32."""
    values = (each for tensors in (module.parameters(), module.buffers()) for each in tensors)
    return next((each.dtype for each in values if each.is_floating_point()), torch.float32)


def in_unit_interval(x: Tensor) -> bool:
    """Return whether all values lie in [0, 1]."""
    return bool((x >= 0).all() & (x <= 1).all())


def _unchanged(module: nn.Module, _: bool = True) -> nn.Module:
    return module


@contextmanager
def _other_randomness(device: torch.device, seed: int) -> Iterator[None]:
    """Seed PyTorch's global random numbers inside the context, and go on as if nothing had been drawn."""
    others = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(others, device_type=device.type if others else "cuda"):
        torch.manual_seed(seed)
        yield
