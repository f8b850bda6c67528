"""The encoder and the decoder of what people have, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from vaehub.adapters.readings import Scale, Statistics
from vaehub.core.errors import VaehubError
from vaehub.core.params import LikelihoodName

Output = Literal["mean", "logits", "unbounded"]
"""Output of a decoder: the mean of p(x|z) in the data's range, its logits, or a mean that may leave the range."""
Part = nn.Module | Callable[[Any], Any]
"""An encoder or a decoder: a module, or a function of one tensor."""


@dataclass(frozen=True)
class Parts:
    """An encoder and a decoder, and what is known of both.

    Attributes:
        encoder: Module or function.
        decoder: Module or function; ``None`` if there is none.
        rival: Another encoder of the same object, which must not give something else.
        scale: What the encoder gives beside the means.
        statistics: Whether means and scales come in one tensor.
        inputs: Range of values that the model takes.
        output: What the decoder gives.
        likelihood: Distribution that the model was trained with.
        foreign_likelihood: Its name, if it is none of those here, so that no bound can be computed.
        has_standard_prior: Whether p(z) is a standard normal; ``None`` if nothing says so, which means that it is one
            where the encoder gives variances, and that there is none where it gives means alone.
    """

    encoder: Part
    decoder: Part | None
    rival: Part | None = None
    scale: Scale | None = None
    statistics: Statistics = "separate"
    inputs: str | None = None
    output: Output = "mean"
    likelihood: LikelihoodName | None = None
    foreign_likelihood: str | None = None
    has_standard_prior: bool | None = None


def attributes_of(model: object) -> Parts:
    """Return the encoder and the decoder of an object, by their names, or both of a pair.

    Methods ``encode`` and ``decode`` come before attributes ``encoder`` and ``decoder``, which may be less than the
    whole: an ``encoder`` without the layer that gives means, which ``encode`` applies to it.

    Raises:
        VaehubError: If the object has no such thing.
    """
    if isinstance(model, tuple | list | nn.ModuleList):
        if len(model) != 2 or not all(map(callable, model)):
            kinds = ", ".join(type(each).__name__ for each in model)
            raise VaehubError(f"a pair is an encoder and a decoder, both modules or functions, and this holds {kinds}")
        return Parts(model[0], model[1])
    encoder, rival = _part(model, "encode", "encoder", "enc")
    decoder = decoder_of(model)
    if encoder is None:
        raise VaehubError(
            f"a {type(model).__name__} has neither a method 'encode' nor an attribute 'encoder'; give wrap() both, "
            "encoder=… and decoder=…, each a module or a function, or an encoder alone, if there is no decoder"
        )
    return Parts(encoder, decoder, rival)


def decoder_of(model: object) -> Part | None:
    """Return the decoder of an object: its method ``decode``, else its attribute ``decoder``; ``None`` without."""
    return _part(model, "decode", "decoder", "dec")[0]


def _part(model: object, *names: str) -> tuple[Part | None, Part | None]:
    found = [part for name in names if callable(part := getattr(model, name, None))]
    return (found[0] if found else None), (found[1] if len(found) > 1 else None)
