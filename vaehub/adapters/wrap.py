"""From what people have to a model that every metric can measure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

from vaehub.adapters.libraries import parts_of
from vaehub.adapters.modules import import_with_weights
from vaehub.adapters.parts import Output, Part, Parts, decoder_of
from vaehub.adapters.readings import Scale, Statistics
from vaehub.adapters.user_model import Wrapped
from vaehub.adapters.user_parts import UserDecoder, UserEncoder
from vaehub.core.data.dataset import DataSpec
from vaehub.core.errors import VaehubError
from vaehub.core.params import COUNT_LIKELIHOODS, LikelihoodName

Prior = Literal["standard_normal"]

LONGEST_NAME = 80
"""Characters of a name in results."""


def wrap(
    model: object | None = None,
    *,
    encoder: Part | None = None,
    decoder: Part | None = None,
    scale: Scale | None = None,
    statistics: Statistics | None = None,
    inputs: str | None = None,
    output: Output | None = None,
    likelihood: LikelihoodName | None = None,
    prior: Prior | None = None,
    name: str = "wrapped",
    weights: Path | str | None = None,
) -> Wrapped:
    """Return a user's own model as one that every metric can measure.

    What the encoder gives is read as its names and types say, and as ``scale`` and ``statistics`` say where these do
    not; what can be read in two ways is refused. An encoder alone is enough for metrics that need no decoder.

    Args:
        model: A module with the methods ``encode`` and ``decode``, or with the attributes ``encoder`` and ``decoder``;
            a pair of modules or functions; a model of pythae, diffusers or scvi-tools; or an import path such as
            ``package.module:name``, by which it is found again in another process. Or give, instead or besides:
        encoder: Takes observations ``(n, *shape)`` and gives means alone, a pair or triple with log variances, an
            object or mapping with such names, or a normal distribution. A module or a function.
        decoder: Takes latents, and gives a tensor, a distribution, or an object with ``reconstruction``.
        scale: What the encoder gives beside the means, where no name says it: ``logvar``, ``variance``, ``std`` or
            ``log_std``.
        statistics: ``concatenated`` if the encoder gives one tensor with the means and then the log variances (or what
            ``scale`` says) along axis 1.
        inputs: Range of values that the model was trained on, for data in [0, 1]: ``-1..1``, ``0..255``. Observations
            are scaled to it, and decoded means back.
        output: What the decoder gives: the ``mean`` of p(x|z), in the data's range, its ``logits``, or a mean that is
            ``unbounded`` and may leave [0, 1].
        likelihood: Distribution of an observation given its latents; if not given, ``bernoulli`` for data in [0, 1] and
            ``squared_error`` for others and for unbounded means.
        prior: ``standard_normal`` if p(z) is one although the encoder gives means alone; where it gives variances, that
            is taken for granted. An encoder that gives means alone has no prior, if this does not say so.
        name: Name of the model in results.
        weights: File of weights for the object that an import path names.

    Raises:
        VaehubError: If there is no encoder, an argument is none of the above, or the likelihood is one for counts.
    """
    if likelihood in COUNT_LIKELIHOODS:
        raise VaehubError(
            f"wrap() cannot take the likelihood {likelihood!r}, whose means are shares of each observation's total, "
            "which a decoder of your own is not asked for; leave it out, or give 'squared_error' or 'gaussian'"
        )
    for part in (model, encoder, decoder):
        if isinstance(part, type):
            raise VaehubError(f"wrap() was given the class {part.__name__!r}; give an object of it, {part.__name__}(…)")
    _check(name, scale=scale, statistics=statistics, output=output, likelihood=likelihood, prior=prior)
    path = model if isinstance(model, str) else None
    if weights is not None and path is None:
        raise VaehubError("weights belong to an import path; load them into the module yourself, or give 'module:name'")
    weights = None if weights is None else Path(weights).expanduser().absolute()
    found = _parts(model if path is None else import_with_weights(path, weights), encoder, decoder)
    said: dict[str, Any] = {
        "scale": scale,
        "statistics": statistics,
        "inputs": inputs,
        "output": output,
        "likelihood": likelihood,
    }
    found = replace(found, **{each: value for each, value in said.items() if value is not None})
    reading: dict[str, Any] = {"scale": found.scale, "statistics": found.statistics, "inputs": found.inputs}
    unknown = DataSpec((), in_unit_interval=False)
    wrapped = Wrapped(
        UserEncoder(found.encoder, **reading),
        None if found.decoder is None else UserDecoder(found.decoder, unknown, found.output, inputs=found.inputs),
        likelihood=found.likelihood,
        foreign_likelihood=None if likelihood else found.foreign_likelihood,
        has_standard_prior=found.has_standard_prior if prior is None else True,
        name=name,
        rival=None if found.rival is None else UserEncoder(found.rival, **reading),
    )
    if path is not None and encoder is None and decoder is None:
        wrapped.origin = {"model": path, "weights": None if weights is None else str(weights), **said}
        if prior is not None:
            wrapped.origin["prior"] = prior
    return wrapped


def _parts(model: object | None, encoder: Part | None, decoder: Part | None) -> Parts:
    if model is None:
        if encoder is None:
            what = "no encoder" if decoder is not None else "no model and no encoder"
            raise VaehubError(
                f"wrap() was given {what}; give encoder=… and decoder=…, each a module or a function, or a model that "
                "has both"
            )
        return Parts(encoder, decoder)
    if encoder is not None:
        return Parts(encoder, decoder or decoder_of(model))
    found = parts_of(model)
    return found if decoder is None else replace(found, decoder=decoder)


def _check(name: object, **said: object) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise VaehubError(f"a name is printable text of 1 to {LONGEST_NAME} characters, and this is {name!r:.100}")
    choices = {"scale": Scale, "statistics": Statistics, "output": Output, "likelihood": LikelihoodName, "prior": Prior}
    for what, kind in choices.items():
        if said[what] is not None and said[what] not in get_args(kind):
            raise VaehubError(f"{what} is {said[what]!r}, and is one of {', '.join(map(repr, get_args(kind)))}")
