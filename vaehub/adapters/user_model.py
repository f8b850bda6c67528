"""A user's own encoder and decoder as a model that every metric can measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, final

import torch
from torch import Tensor, distributions, nn

from vaehub.core.data.dataset import Batch, DataSpec
from vaehub.core.errors import VaehubError, first_line
from vaehub.core.likelihood import Likelihood, likelihood
from vaehub.core.model import LatentModel, Losses, Posterior, Step
from vaehub.core.network import Network
from vaehub.core.params import COUNT_LIKELIHOODS, LikelihoodName, LikelihoodParams, ModelParams, Params

Output = Literal["mean", "logits"]
"""Output of a decoder: the mean of p(x|z), or its logits."""

MEAN_NAMES = ("embedding", "mu", "mean", "loc")
LOGVAR_NAMES = ("log_covariance", "logvar", "log_var")
RECONSTRUCTION_NAMES = ("reconstruction", "recon_x", "mean", "x")


class UserEncoder(nn.Module):
    """Converts the output of a user's encoder to that of a network's encoder.

    Accepted are a tensor of means ``(n, latent_dim)``; a pair of means and log variances; an object or a mapping with
    ``embedding`` (or ``mu``, ``mean``) and, unless the encoder is deterministic, ``log_covariance`` (or ``logvar``,
    ``log_var``), as in pythae; and a normal distribution.

    Args:
        module: Accepts ``(n, *shape)``.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = _switchable(module)

    def forward(self, x: Tensor) -> Tensor:
        """Return means, concatenated with log variances if there are any."""
        mu, logvar = _posterior(self.module(x))
        return mu if logvar is None else torch.cat([mu, logvar], dim=1)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return checked means and log variances.

        Raises:
            VaehubError: If the encoder does not accept such observations, or returns anything else.
        """
        try:
            mu, logvar = _posterior(self.module(x))
        except VaehubError:
            raise
        # A user's module runs here.
        except Exception as error:
            raise VaehubError(
                f"the encoder cannot take observations of shape {tuple(x.shape[1:])}: {first_line(error)}"
            ) from error
        if mu.ndim != 2 or len(mu) != len(x) or (logvar is not None and logvar.shape != mu.shape):
            shapes = " and ".join(str(tuple(each.shape)) for each in (mu, logvar) if each is not None)
            raise VaehubError(
                f"the encoder gives shape {shapes} for {len(x)} observations; means, and log variances if there are "
                f"any, should both be of shape ({len(x)}, latent_dim)"
            )
        return mu, logvar


class UserDecoder(nn.Module):
    """Converts the output of a user's decoder to that of a network's decoder, before its non-linearity.

    Accepted are a tensor ``(n, *shape)``, or with as many values; an object or a mapping with ``reconstruction``; and a
    distribution, whose mean is taken.

    Args:
        module: Accepts ``(n, latent_dim)``.
        spec: What is known about the data.
        output: Whether it returns means, or the logits of means.
    """

    def __init__(self, module: nn.Module, spec: DataSpec, output: Output) -> None:
        super().__init__()
        self.module = _switchable(module)
        self.spec = spec
        self.output: Output = output

    def forward(self, z: Tensor) -> Tensor:
        """Return the output whose sigmoid is the mean for data in [0, 1], and the mean itself otherwise."""
        found = _reconstruction(self.module(z)).reshape(len(z), *self.spec.shape)
        if self.output == "mean" and self.spec.in_unit_interval:
            return found.logit(eps=torch.finfo(found.dtype).eps)
        return found

    def check(self, z: Tensor) -> None:
        """Check that the decoder accepts such latents, and that its output can be compared with the data.

        Raises:
            VaehubError: If not.
        """
        try:
            found = _reconstruction(self.module(z))
        except VaehubError:
            raise
        # A user's module runs here.
        except Exception as error:
            raise VaehubError(
                f"the decoder cannot take the {z.shape[1]} latents that the encoder gives: {first_line(error)}"
            ) from error
        if found.numel() != len(z) * self.spec.n_values:
            raise VaehubError(
                f"the decoder gives shape {tuple(found.shape)} for {len(z)} observations of shape {self.spec.shape}; "
                "the numbers of values should be the same"
            )
        if self.output == "mean" and self.spec.in_unit_interval and not _in_unit_interval(found):
            raise VaehubError(
                "the decoder gives values outside [0, 1] for data inside; if they are logits, set output to 'logits'"
            )


@final
class Wrapped(LatentModel):
    """A user's encoder and decoder with a standard normal prior; :func:`wrap` makes it.

    It learns the shape of its data and its number of latents from the first observations that it encodes, or from
    :meth:`meet`.
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, *, output: Output, likelihood: LikelihoodName | None, name: str
    ) -> None:
        unknown = DataSpec((), in_unit_interval=False)
        super().__init__(ModelParams(), Network(Params(), unknown, 1, 1), unknown)
        self.network.encoder = UserEncoder(encoder)
        self.network.decoder = UserDecoder(decoder, unknown, output)
        self.output: Output = output
        self.name = name
        self.likelihood_name = likelihood
        self._likelihood: Likelihood | None = None

    @property
    def latent_dim(self) -> int:
        """Number of latents.

        Raises:
            VaehubError: If no observation has been encoded yet.
        """
        self._known()
        return self.params.latent_dim

    @torch.no_grad()
    def meet(self, batch: Batch, spec: DataSpec) -> None:
        """Learn the shapes of the encoder and the decoder, and check them against the data.

        Args:
            batch: At least two observations.
            spec: What is known about all observations.

        Raises:
            VaehubError: If encoder and decoder do not fit the data, or each other.
        """
        encoder, decoder = self.network.encoder, self.network.decoder
        assert isinstance(encoder, UserEncoder), "set in the constructor"
        assert isinstance(decoder, UserDecoder), "set in the constructor"
        mu, logvar = encoder.posterior(batch.x.to(self.device))
        self.spec = decoder.spec = spec
        name = self.likelihood_name or ("bernoulli" if spec.in_unit_interval else "squared_error")
        params = LikelihoodParams(latent_dim=mu.shape[1], likelihood=name)
        found = likelihood(params, spec)
        decoder.check(mu)
        self.params, self._likelihood, self._is_deterministic = params, found, logvar is None

    def encode(self, batch: Batch) -> Posterior:
        """Return q(z|x)."""
        if self._likelihood is None:
            self.meet(batch, DataSpec(tuple(batch.x.shape[1:]), in_unit_interval=_in_unit_interval(batch.x)))
        statistics = self.network.encoder(batch.x)
        return Posterior(statistics, None) if self._is_deterministic else Posterior.split(statistics)

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z)."""
        return self._known().mean(self.network.decoder(z))

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term plus, unless the encoder is deterministic, the divergence."""
        posterior = self.encode(batch)
        found = self._known()
        output = self.network.decoder(posterior.sample(step.generator))
        terms = {"reconstruction": found.reconstruction(output, batch.x).mean()}
        if posterior.logvar is not None:
            mu, logvar = posterior.mu, posterior.logvar
            terms["kl"] = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(dim=1).mean()
        return Losses(torch.stack(list(terms.values())).sum(), terms, found.omitted)

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws from the standard normal."""
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)

    def _known(self) -> Likelihood:
        if self._likelihood is None:
            raise VaehubError(
                "a wrapped model learns how many latents it has from the first observations; encode some first"
            )
        return self._likelihood


def wrap(
    model: nn.Module | None = None,
    *,
    encoder: nn.Module | None = None,
    decoder: nn.Module | None = None,
    output: Output = "mean",
    likelihood: LikelihoodName | None = None,
    name: str = "wrapped",
) -> Wrapped:
    """Return a user's own model as one that every metric can measure.

    Args:
        model: A module with the attributes ``encoder`` and ``decoder``, such as a pythae model; or give both:
        encoder: An encoder with one of the outputs described at :class:`UserEncoder`.
        decoder: A decoder with one of the outputs described at :class:`UserDecoder`.
        output: Whether the decoder returns the ``mean`` of p(x|z), in the data's range, or ``logits``.
        likelihood: Distribution of an observation given its latents; if not given, ``bernoulli`` for data in [0, 1] and
            ``squared_error`` for others.
        name: Name of the model in results.

    Raises:
        VaehubError: If there is no encoder or no decoder, or the likelihood is one for counts.
    """
    if likelihood in COUNT_LIKELIHOODS:
        raise VaehubError(
            f"wrap() cannot take the likelihood {likelihood!r}, whose means are shares of each observation's total, "
            "which a decoder of your own is not asked for; leave it out, or give 'squared_error' or 'gaussian'"
        )
    found = {"encoder": encoder, "decoder": decoder}
    if model is not None:
        found = {name: getattr(model, name, None) if part is None else part for name, part in found.items()}
    missing = [name for name, part in found.items() if not isinstance(part, nn.Module)]
    if missing:
        raise VaehubError(
            f"wrap() was given no {' and no '.join(missing)} that is a torch module; "
            "give encoder=… and decoder=…, or a model that has both as attributes"
        )
    return Wrapped(found["encoder"], found["decoder"], output=output, likelihood=likelihood, name=name)  # type: ignore[arg-type]


def _switchable(module: nn.Module) -> nn.Module:
    """Let a module be put in training and evaluation mode, even a ``torch.export`` program, which has only one mode."""
    try:
        module.train(module.training)
    except NotImplementedError:
        module.train = _unchanged.__get__(module)  # type: ignore[method-assign]
    return module


def _unchanged(module: nn.Module, _: bool = True) -> nn.Module:
    return module


def _posterior(found: Any) -> tuple[Tensor, Tensor | None]:  # whatever a user's encoder gives
    if isinstance(found, distributions.Distribution):
        return found.mean, found.variance.log()
    if isinstance(found, Tensor):
        return found, None
    if isinstance(found, tuple | list) and len(found) in (1, 2):
        return found[0], found[1] if len(found) == 2 else None
    mu = _named(found, MEAN_NAMES)
    if mu is None:
        raise VaehubError(
            f"the encoder gives a {type(found).__name__}; a tensor, a pair of means and log variances, "
            f"or an object with {' or '.join(MEAN_NAMES)} can be used"
        )
    return mu, _named(found, LOGVAR_NAMES)


def _reconstruction(found: Any) -> Tensor:  # whatever a user's decoder gives
    if isinstance(found, Tensor):
        return found
    if isinstance(found, distributions.Distribution):
        return found.mean
    output = _named(found, RECONSTRUCTION_NAMES)
    if output is None:
        raise VaehubError(
            f"the decoder gives a {type(found).__name__}; a tensor, or an object with "
            f"{' or '.join(RECONSTRUCTION_NAMES)}, can be used"
        )
    return output


def _named(found: Any, names: tuple[str, ...]) -> Tensor | None:
    for name in names:
        value = found.get(name) if isinstance(found, Mapping) else getattr(found, name, None)
        if isinstance(value, Tensor):
            return value
    return None


def _in_unit_interval(x: Tensor) -> bool:
    return bool((x >= 0).all() & (x <= 1).all())
