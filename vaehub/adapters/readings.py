"""What users' encoders and decoders give, read as means, log variances and reconstructions; never a guess.

A reading is right or refused. What a name or a type says is taken; a second tensor whose meaning nothing says is taken
as log variances only if its values cannot be anything else, for variances and standard deviations are above 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, distributions

from vaehub.core.errors import VaehubError

Scale = Literal["logvar", "variance", "std", "log_std"]
"""What an encoder gives beside its means."""
Statistics = Literal["separate", "concatenated"]
"""Whether means and scales are tensors of their own, or halves of one along its first axis after the observations."""

MEAN_NAMES = ("embedding", "mu", "mean", "loc", "z_mean", "qz_mean", "qz_m", "q_m", "latents", "latent")
SCALE_NAMES: Mapping[str, Scale] = {
    "log_covariance": "logvar",
    "logvar": "logvar",
    "log_var": "logvar",
    "log_variance": "logvar",
    "z_logvar": "logvar",
    "z_log_var": "logvar",
    "variance": "variance",
    "var": "variance",
    "z_var": "variance",
    "qz_v": "variance",
    "q_v": "variance",
    "std": "std",
    "stddev": "std",
    "sigma": "std",
    "scale": "std",
    "z_std": "std",
    "log_std": "log_std",
    "logstd": "log_std",
    "log_stddev": "log_std",
    "z_log_std": "log_std",
}
"""Names of scales, and what each says; where an object has several, the first here is read."""
HOLDERS = ("latent_dist", "posterior", "qz", "q_z", "dist")
"""Names under which an output holds the distribution itself."""
OTHER_NAMES = ("z", "sample", "samples", "x", "input", "recon_x", "reconstruction", "loss")
"""Names that say neither mean nor scale, so that they leave nothing open."""
SPREAD = 6
"""Standard errors by which the spread of draws may miss the variances before the reading is called wrong."""
NATS = 10
"""By how much another reading must be more likely, given the draws."""
RECONSTRUCTION_NAMES = ("reconstruction", "recon_x", "sample", "mean", "x")
READABLE = (
    "a tensor of means; a pair of means and log variances; means, log variances and a draw; a normal distribution; or "
    f"an object or mapping with {', '.join(MEAN_NAMES[:3])} and {', '.join(list(SCALE_NAMES)[:4])}"
)


@dataclass(frozen=True)
class Output:
    """An encoder's output, taken apart.

    Attributes:
        mu: Means, of any shape.
        scales: Values beside the means; ``None`` if there are none.
        says: What names or types say that these are; ``None`` if they say nothing.
        others: The same under other names, with what each says.
    """

    mu: Tensor
    scales: Tensor | None = None
    says: Scale | None = None
    others: tuple[tuple[str, Tensor], ...] = ()


@dataclass(frozen=True)
class Reading:
    """How an encoder's output is read.

    Attributes:
        scale: What is given beside the means, if the user or the values said it.
        statistics: Whether means and scales are halves of one tensor.
        order: Places of means and scales in a tuple of three tensors; the third is a draw.
    """

    scale: Scale | None = None
    statistics: Statistics = "separate"
    order: tuple[int, int] | None = None

    def settled(self, found: Any, again: Any) -> Reading:
        """Return this reading with all that names do not say decided by values.

        Args:
            found: What the encoder gives for some observations in evaluation mode.
            again: What it gives for them once more, with other random numbers.

        Raises:
            VaehubError: If it can be read in two ways, in none, or is random where it must not be.
        """
        order = _order(found, again) if _n_tensors(found) == 3 else None
        reading = Reading(self.scale, self.statistics, order)
        one, other = reading.output(found), reading.output(again)
        if order is not None and one.says is None and self.scale is None:
            _refuse_other_spread(found, again, order)
        for mine, theirs, what in ((one.mu, other.mu, "means"), (one.scales, other.scales, "variances")):
            if mine is not None and theirs is not None:
                _refuse_other_values(mine, theirs, what)
        return Reading(reading._scale_of(one), self.statistics, order)

    def posterior(self, found: Any) -> tuple[Tensor, Tensor | None]:
        """Return means and log variances, in the shape in which they come; ``None`` for a deterministic encoder.

        Raises:
            VaehubError: If the output cannot be read.
        """
        output = self.output(found)
        scale = output.says or self.scale or "logvar"
        if output.scales is None or scale == "logvar":
            return output.mu, output.scales
        logs = output.scales if scale == "log_std" else output.scales.log()
        return output.mu, logs if scale == "variance" else 2 * logs

    def output(self, found: Any) -> Output:
        """Return an encoder's output, taken apart.

        Raises:
            VaehubError: If it is nothing that can be read.
        """
        if self.statistics == "concatenated":
            return _halves(found, self.scale)
        if isinstance(found, Tensor):
            return Output(found)
        if isinstance(found, distributions.Distribution):
            return _of_distribution(found)
        if isinstance(found, Sequence) and not isinstance(found, str) and not hasattr(found, "_fields"):
            return self._of_sequence(found)
        return self._of_names(found)

    def _of_sequence(self, found: Sequence[Any]) -> Output:
        if len(found) == 1:
            return self.output(found[0])
        if not isinstance(found[0], Tensor) and all(isinstance(each, Tensor) for each in found[1:]):
            return self.output(found[0])  # a distribution, and a draw from it
        if _n_tensors(found) not in (2, 3):
            kinds = ", ".join(type(each).__name__ for each in found)
            raise VaehubError(
                f"the encoder gives a {type(found).__name__} of {len(found)} ({kinds}); readable are {READABLE}. Give "
                "a function as encoder that returns means and log variances alone"
            )
        mean, scales = self.order or (0, 1)
        return Output(found[mean], found[scales])

    def _of_names(self, found: Any) -> Output:
        held = next((each for name in HOLDERS if (each := _get(found, name)) is not None), None)
        mu = _named(found, MEAN_NAMES)
        if mu is None and held is not None:
            return self.output(held)
        if mu is None:
            there = ", ".join(_names(found))
            has = f" with {there}" if there else ""
            raise VaehubError(
                f"the encoder gives a {type(found).__name__}{has}; readable are {READABLE}. Give a function as encoder "
                "that returns one of these"
            )
        scales = {name: value for name in SCALE_NAMES if isinstance(value := _get(found, name), Tensor)}
        if scales:
            name, *others = scales
            return Output(mu, scales[name], SCALE_NAMES[name], tuple((each, scales[each]) for each in others))
        self._refuse_unknown(found, mu)
        return Output(mu)

    def _refuse_unknown(self, found: Any, mu: Tensor) -> None:
        """Refuse an output that may hold scales under a name that says nothing."""
        known = {*MEAN_NAMES, *OTHER_NAMES, *HOLDERS}
        unknown = [name for name in _names(found) if name not in known and _have_one_shape(_get(found, name), mu)]
        if unknown:
            raise VaehubError(
                f"the encoder gives means and {', '.join(map(repr, unknown))}, whose name does not say whether these "
                "are log variances, variances or standard deviations, or none of them; give a function as encoder that "
                "returns them with the means as a pair, and say with scale what they are"
            )

    def _scale_of(self, output: Output) -> Scale | None:
        """Return what the scales are, as said, named, or shown by their values."""
        if output.scales is None:
            if self.scale is not None:
                raise VaehubError(
                    f"scale is {self.scale!r}, and the encoder gives one tensor of shape {tuple(output.mu.shape)}, "
                    "with nothing beside the means; leave scale out, or set statistics to 'concatenated' if its halves "
                    "are means and scales"
                )
            return None
        if output.says is not None and self.scale not in (None, output.says):
            raise VaehubError(
                f"scale is {self.scale!r}, and the encoder's output says by its name or type that it is "
                f"{output.says!r}; leave scale out, or give a function as encoder that returns a pair"
            )
        # Both are 0 where the posterior has collapsed.
        if bool(output.mu.any()) and _are_equal(output.mu, output.scales):
            raise VaehubError(
                "the encoder gives the same tensor twice, and no variance is its mean; give an encoder that returns it "
                "once if it is deterministic"
            )
        _refuse_disagreement(output)
        scale = output.says or self.scale
        is_above_0 = bool((output.scales > 0).all())
        least = float(output.scales.min())
        if scale in ("variance", "std") and not is_above_0:
            raise VaehubError(
                f"the encoder gives {scale} values down to {least:.6g}, and these are above 0; if they are log "
                "variances, set scale to 'logvar'"
            )
        if scale is None and is_above_0:
            what = "one tensor of two halves" if self.statistics == "concatenated" else "two tensors"
            raise VaehubError(
                f"the encoder gives {what}, and nothing says what the second is: its values, from {least:.6g} to "
                f"{float(output.scales.max()):.6g}, may be log variances, variances or standard deviations; set scale "
                "to 'logvar', 'variance', 'std' or 'log_std'"
            )
        return scale or "logvar"


def _refuse_disagreement(output: Output) -> None:
    """Refuse an output whose names say two variances, as of a distribution that was made deterministic."""
    if output.scales is None or output.says is None:
        return
    variance = _variance(output.scales, output.says)
    for name, values in output.others:
        other = _variance(values, SCALE_NAMES[name])
        known = variance.isfinite() & other.isfinite()  # a variance may overflow where its logarithm does not
        if not torch.allclose(variance[known], other[known], rtol=0.05, atol=1e-6):
            raise VaehubError(
                f"the encoder gives variances twice, as {output.says!r} and as {name!r}, and they differ; give a "
                "function as encoder that returns the means and the right ones as a pair, and say with scale what they "
                "are"
            )


def _variance(values: Tensor, scale: Scale) -> Tensor:
    values = values.double()
    values = values.exp() if scale in ("logvar", "log_std") else values
    return values.square() if scale in ("std", "log_std") else values


def read_reconstruction(found: Any) -> Tensor:
    """Return the tensor that a decoder's output holds; the mean of a distribution.

    Raises:
        VaehubError: If there is none.
    """
    if isinstance(found, Tensor):
        return found
    if isinstance(found, distributions.Distribution):
        mean: Tensor = found.mean
        return mean
    if isinstance(found, tuple | list) and len(found) == 1:
        return read_reconstruction(found[0])
    output = _named(found, RECONSTRUCTION_NAMES)
    if output is None:
        of = f" of {len(found)}" if isinstance(found, tuple | list) else ""
        raise VaehubError(
            f"the decoder gives a {type(found).__name__}{of}; a tensor, a distribution, or an object with "
            f"{' or '.join(RECONSTRUCTION_NAMES)} can be used; give a function as decoder that returns one"
        )
    return output


def _halves(found: Any, scale: Scale | None) -> Output:
    if isinstance(found, tuple | list) and len(found) == 1:
        [found] = found
    if not isinstance(found, Tensor):
        raise VaehubError(
            f"statistics is 'concatenated', and the encoder gives a {type(found).__name__}; leave statistics out, or "
            "give an encoder that returns one tensor"
        )
    if found.ndim < 2 or found.shape[1] % 2:
        raise VaehubError(
            f"statistics is 'concatenated', and the encoder gives shape {tuple(found.shape)}, whose axis 1 has no "
            "halves"
        )
    mu, scales = found.chunk(2, dim=1)
    return Output(mu, scales, scale)


def _of_distribution(found: distributions.Distribution) -> Output:
    inner = found
    while isinstance(inner, distributions.Independent):
        inner = inner.base_dist
    if not isinstance(inner, distributions.Normal):
        raise VaehubError(
            f"the encoder gives a distribution of type {type(inner).__name__}, and posteriors are normal with "
            "independent latents here; give a function as encoder that returns its means alone, or means and log "
            "variances of a normal one"
        )
    return Output(inner.loc, inner.scale, "std")


def _order(found: Sequence[Any], again: Sequence[Any]) -> tuple[int, int]:
    """Return the places of means and scales in three tensors, of which one is a draw."""
    random = [at for at in range(3) if not _are_close(found[at], again[at])]
    same = [
        (at, other) for at in range(3) for other in range(at + 1, 3) if _are_equal(found[at], found[other])
    ]  # without noise, a draw in evaluation mode is the mean
    if len(random) == 1:
        mean, scales = (at for at in range(3) if at != random[0])
        return mean, scales
    if not random and len(same) == 1:
        [mean] = same[0][:1]
        [scales] = [at for at in range(3) if at not in same[0]]
        return mean, scales
    raise VaehubError(
        "the encoder gives three tensors, and their values do not show which are means, log variances and a draw: "
        "(mu, logvar, z) and (z, mu, logvar) are both common; give a function as encoder that returns a pair of means "
        "and log variances"
    )


def _refuse_other_spread(found: Sequence[Tensor], again: Sequence[Tensor], order: tuple[int, int]) -> None:
    """Refuse means, log variances and a draw if the draws scatter otherwise than such log variances say."""
    mean, scales = order
    [drawn] = {0, 1, 2} - {mean, scales}
    squares = (torch.stack([found[drawn], again[drawn]]).double() - found[mean].double()).square()
    if not bool(squares.any()):
        return  # draws that repeat the means say nothing
    given = found[scales].double()
    logs: dict[Scale, Tensor] = {"logvar": given, "log_std": 2 * given}
    if bool((given > 0).all()):
        logs |= {"variance": given.log(), "std": 2 * given.log()}
    ratios = {scale: squares / logvar.exp() for scale, logvar in logs.items()}
    # Twice the log likelihood, without its constant.
    fits = {scale: float(-(logs[scale] + ratio).sum()) for scale, ratio in ratios.items()}
    best, ratio = max(fits, key=lambda scale: fits[scale]), float(ratios["logvar"].mean())
    sentence = "the encoder gives three tensors, which would be means, log variances and a draw; but the draws scatter"
    if fits[best] - fits["logvar"] > 2 * NATS:
        raise VaehubError(
            f"{sentence} as if what is taken for log variances were {best!r}; set scale to what it is, 'logvar', "
            "'variance', 'std' or 'log_std'"
        )
    if not 0.5 < ratio < 2 and abs(ratio - 1) > SPREAD * (2 / squares.numel()) ** 0.5:
        raise VaehubError(
            f"{sentence} with {ratio:.3g} times the variance that such log variances say; give a function as encoder "
            "that returns a pair of means and log variances"
        )


def _refuse_other_values(mine: Tensor, theirs: Tensor, what: str) -> None:
    if mine.shape == theirs.shape and (_are_close(mine, theirs) or not bool(mine.isfinite().all())):
        return
    raise VaehubError(
        f"the encoder gives other {what} for the same observations when asked twice in evaluation mode: it draws at "
        "random (a sample, a mask or noise); give a function as encoder that returns what it draws from"
    )


def _are_close(one: Any, other: Any) -> bool:
    if not _have_one_shape(one, other):
        return False
    # Sums in another order may differ in their last digits.
    eps = torch.finfo(one.dtype).eps if one.is_floating_point() else 0.0
    tolerance = max(4 * eps, 1e-5)
    return torch.allclose(one, other, rtol=tolerance, atol=tolerance)


def _are_equal(one: Any, other: Any) -> bool:
    return _have_one_shape(one, other) and torch.equal(one, other)


def _have_one_shape(one: Any, other: Any) -> bool:
    return isinstance(one, Tensor) and isinstance(other, Tensor) and one.shape == other.shape


def _n_tensors(found: Any) -> int:
    """Return how many tensors a plain tuple or list holds; 0 if it holds anything else, or is something else."""
    is_plain = isinstance(found, tuple | list) and not hasattr(found, "_fields")
    return len(found) if is_plain and all(isinstance(each, Tensor) for each in found) else 0


def _names(found: Any) -> list[str]:
    if isinstance(found, Mapping):
        return [str(name) for name in found]
    if hasattr(found, "_fields"):
        return list(found._fields)
    slots = [name for kind in type(found).__mro__ for name in getattr(kind, "__slots__", ())]
    return [name for name in (*getattr(found, "__dict__", {}), *slots) if not name.startswith("_")]


def _get(found: Any, name: str) -> Any:
    return found.get(name) if isinstance(found, Mapping) else getattr(found, name, None)


def _named(found: Any, names: Sequence[str]) -> Tensor | None:
    return next((value for name in names if isinstance(value := _get(found, name), Tensor)), None)
