"""A user's own encoder and decoder as a model that every metric can measure."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor, nn

from vaehub.adapters.modules import check_finite
from vaehub.adapters.user_parts import UNIT, UserDecoder, UserEncoder, in_unit_interval
from vaehub.core.data.dataset import Batch, DataSpec
from vaehub.core.errors import VaehubError
from vaehub.core.likelihood import Likelihood
from vaehub.core.model import LatentModel, Losses, Posterior, Step, evaluating
from vaehub.core.network import Network
from vaehub.core.params import LikelihoodName, LikelihoodParams, ModelParams, Params
from vaehub.likelihoods.selection import likelihood


@final
class Wrapped(LatentModel):
    """A user's encoder and decoder; :func:`vaehub.wrap` makes it, and says when the prior is a standard normal.

    It learns the shape of its data and its number of latents from the first observations that it encodes, or from
    :meth:`meet`. It encodes and decodes in evaluation mode, and leaves the mode of every module as it was.

    Attributes:
        name: In results.
        origin: Arguments of :func:`vaehub.wrap` that make it again in another process, if it has an import path.
    """

    def __init__(
        self,
        encoder: UserEncoder,
        decoder: UserDecoder | None,
        *,
        likelihood: LikelihoodName | None,
        name: str,
        foreign_likelihood: str | None = None,
        has_standard_prior: bool | None = None,
        rival: UserEncoder | None = None,
    ) -> None:
        unknown = DataSpec((), in_unit_interval=False)
        super().__init__(ModelParams(), Network(Params(), unknown, 1, 1), unknown)
        self.network.encoder = encoder
        self.decodes = decoder is not None
        self.network.decoder = nn.Identity() if decoder is None else decoder
        self.name = name
        self.origin: dict[str, str | None] | None = None
        # No part of the model: it shares its weights, and is asked once.
        self._rival = (rival,)
        self.likelihood_name = likelihood
        self._foreign_likelihood, self._has_standard_prior = foreign_likelihood, has_standard_prior
        self._likelihood: Likelihood | None = None
        self.register_state_dict_post_hook(_without_repetitions)  # type: ignore[no-untyped-call]

    @property
    def latent_dim(self) -> int:
        """Number of latents.

        Raises:
            VaehubError: If no observation has been encoded yet.
        """
        self._check_met()
        return self.params.latent_dim

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of an observation's latents before they are flattened; raises as :attr:`latent_dim`."""
        self._check_met()
        return self._encoder.latent_shape

    @torch.no_grad()
    def meet(self, batch: Batch, spec: DataSpec) -> None:
        """Learn the shapes of the encoder and the decoder, and check them against the data.

        Args:
            batch: Some observations.
            spec: What is known about all observations.

        Raises:
            VaehubError: If encoder and decoder do not fit the data, or each other; if a weight is NaN or infinite.
        """
        check_finite(self, f"model {self.name!r}")
        low, high = self._encoder.range
        if not spec.in_unit_interval and (low, high) != UNIT:
            raise VaehubError(
                f"the model takes values in {low:g}..{high:g}, to which data in [0, 1] are scaled, and these data are "
                "not in [0, 1]; give such data, or say inputs='0..1' to give these as they are"
            )
        x = batch.x.to(self.device)
        mu, logvar = self._encoder.meet(x)
        _refuse_rival(self._rival[0], x, mu, logvar)
        self.spec = spec
        if self.decodes:
            self._meet_decoder(mu, spec)
        self.params = self.params.model_copy(update={"latent_dim": mu.shape[1]})
        self._is_deterministic, self._has_met = logvar is None, True

    def _meet_decoder(self, mu: Tensor, spec: DataSpec) -> None:
        decoder = self._decoder
        decoder.spec = spec
        # A mean that may leave the range is no probability, and no sigmoid may bound it.
        is_bounded = spec.in_unit_interval and decoder.output != "unbounded"
        bounded = DataSpec(spec.shape, in_unit_interval=is_bounded)
        params = LikelihoodParams(
            latent_dim=mu.shape[1],
            likelihood=self.likelihood_name or ("bernoulli" if is_bounded else "squared_error"),
        )
        found = likelihood(params, bounded)
        # Observations that are encoded to no number are counted by what measures them.
        decoder.meet(mu.nan_to_num(0.0, 0.0, 0.0), self._encoder.latent_shape)
        self.params, self._likelihood = params, found.to(self.device)

    def encode(self, batch: Batch) -> Posterior:
        """Return q(z|x)."""
        if not self._has_met:
            self.meet(batch, DataSpec(tuple(batch.x.shape[1:]), in_unit_interval=in_unit_interval(batch.x)))
        with evaluating(self):
            statistics = self.network.encoder(batch.x)
        return Posterior(statistics, None) if self._is_deterministic else Posterior.split(statistics)

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z).

        Raises:
            VaehubError: If there is no decoder, or no observation has been encoded yet.
        """
        found = self._known()
        with evaluating(self):
            return found.mean(self.network.decoder(z))

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term plus, unless the encoder is deterministic, the divergence.

        Raises:
            VaehubError: If there is no decoder, or the prior or the likelihood is none that is known here.
        """
        posterior = self.encode(batch)
        found = self._known()
        self._check_prior()
        if self._foreign_likelihood is not None:
            raise VaehubError(
                f"model {self.name!r} was trained with the likelihood {self._foreign_likelihood!r} of its library, "
                "which vaehub does not compute; ask the library for its bound, or say likelihood=… to take another"
            )
        with evaluating(self):
            output = self.network.decoder(posterior.sample(step.generator))
        terms = {"reconstruction": found.reconstruction(output, batch.x).mean()}
        if posterior.logvar is not None:
            mu, logvar = posterior.mu, posterior.logvar
            terms["kl"] = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(dim=1).mean()
        return Losses(torch.stack(list(terms.values())).sum(), terms, found.omitted)

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws from the standard normal.

        Raises:
            VaehubError: If the model has another prior, or none.
        """
        self._check_prior()
        self._check_met()
        if self._has_standard_prior is None and self._is_deterministic:
            raise VaehubError(
                f"model {self.name!r} gives means without variances, as an autoencoder without a prior does; if its "
                "prior is a standard normal, wrap(…, prior='standard_normal') says so"
            )
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)

    def notes(self) -> list[str]:
        """Return what a record should say of it: shapes that were flattened, and what nobody said."""
        shape, taken = self.latent_shape, getattr(self.params, "likelihood", None)
        said = [] if len(shape) == 1 else [f"latents of shape {shape} are flattened to {self.latent_dim}"]
        if self.decodes and self.likelihood_name is None and taken is not None:
            said.append(f"its likelihood was taken to be {taken}, since wrap() was told none")
        return said

    @property
    def users_own(self) -> nn.Module:
        """The user's encoder and decoder, without what is put around them here."""
        parts = [self._encoder.module, *([self._decoder.module] if self.decodes else [])]
        return nn.ModuleList(parts)

    def identity(self) -> dict[str, str]:
        """Return all but weights and code that decides its numbers: how it is given data, and how it is read."""
        encoder, decoder = self._encoder, self._decoder if self.decodes else None
        said = {
            "scale": encoder.reading.scale,
            "statistics": encoder.reading.statistics,
            "inputs": None if encoder.range == UNIT else "{:g}..{:g}".format(*encoder.range),
            "output": None if decoder is None else decoder.output,
            "likelihood": getattr(self.params, "likelihood", None),
        }
        return {name: value for name, value in said.items() if value is not None}

    _has_met = False
    _is_deterministic = False

    @property
    def _encoder(self) -> UserEncoder:
        assert isinstance(self.network.encoder, UserEncoder), "set in the constructor"
        return self.network.encoder

    @property
    def _decoder(self) -> UserDecoder:
        assert isinstance(self.network.decoder, UserDecoder), "asked only of a model that decodes"
        return self.network.decoder

    def _check_met(self) -> None:
        if not self._has_met:
            raise VaehubError(
                "a wrapped model learns how many latents it has from the first observations; encode some first"
            )

    def _check_prior(self) -> None:
        if self._has_standard_prior is False:
            raise VaehubError(f"model {self.name!r} has no prior, or one of its own, which is not known here")

    def _known(self) -> Likelihood:
        if not self.decodes:
            raise VaehubError(
                f"model {self.name!r} was wrapped without a decoder; give wrap() one, or ask for what needs an encoder "
                "alone"
            )
        self._check_met()
        assert self._likelihood is not None, "made when it met its data"
        return self._likelihood


def _refuse_rival(rival: UserEncoder | None, x: Tensor, mu: Tensor, logvar: Tensor | None) -> None:
    """Refuse a model whose attribute ``encoder`` gives other statistics of the same latents than its ``encode``."""
    if rival is None:
        return
    try:
        other_mu, other_logvar = rival.meet(x)
    except VaehubError:
        return  # features, or what only encode() makes whole
    has_both = logvar is not None and other_logvar is not None
    if other_mu.shape != mu.shape or (torch.allclose(mu, other_mu) and (has_both or logvar is other_logvar)):
        return
    means, both = "means alone", "means and variances"
    raise VaehubError(
        f"the model's encode() gives {means if logvar is None else both}, and its encoder gives "
        f"{means if other_logvar is None else both}, which differ; say which to measure: wrap(model, "
        "encoder=model.encode) or wrap(model, encoder=model.encoder)"
    )


def _without_repetitions(_: nn.Module, weights: dict[str, Any], prefix: str, __: Any) -> None:
    """Leave out of a model's weights what has a second name, as where both parts are methods of one object."""
    seen: set[tuple[object, ...]] = set()
    for name, value in list(weights.items()):
        if not name.startswith(prefix) or not isinstance(value, Tensor) or value.numel() == 0:
            continue
        place = (value.device, value.data_ptr(), value.dtype, value.shape, value.stride())
        if place in seen:
            del weights[name]
        seen.add(place)
