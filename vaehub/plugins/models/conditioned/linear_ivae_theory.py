"""A trained linear iVAE beside the optimum of its decoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, Dataset, LatentModel, ModelMetric, Needs, Result, VaehubError, Vector
from vaehub.analysis import PALETTE, frame, new_figure
from vaehub.plugins.models.conditioned.conditional_prior import conditional_posterior, prior_fixed_point, whitened_mean
from vaehub.plugins.models.conditioned.ivae import Ivae
from vaehub.plugins.models.conditioned.params import LinearIvaeTheoryParams
from vaehub.plugins.polarised.kernels import LATENT_TYPES, types_beside_prior, variable_types

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_PROBES = 64
"""Draws of z at which a decoder is compared with the linear one that its answers to the unit vectors make."""

MATRIX_VALUES = 2**22
"""Values of matrices that are held together, one matrix for each value of u; bounds memory, changes no result."""


@final
class LinearIvaeTheory(ModelMetric[LinearIvaeTheoryParams]):
    """Prior and posterior variances that suit the decoder of a linear iVAE best, and what training made of them.

    Bonheme 2023, Section 5.2. Given the decoder, the best prior for each u is known, and with it the best
    posterior of each observation. Types are those of ``variable_types``, for what is trained and for what is predicted.
    """

    needs = Needs(observations=2)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse other models, decoders that are not linear, and priors whose variance is not learned."""
        if not isinstance(model, Ivae):
            raise VaehubError(
                f"metric {self.name!r} needs the model 'ivae', and this is another; "
                "'linear_vae_theory' is for 'linear_vae', and 'variable_types' for any VAE"
            )
        params = model.params
        if params.likelihood != "gaussian" or data.spec.in_unit_interval:
            raise VaehubError(
                f"metric {self.name!r} needs a Gaussian with a linear mean, and this is the likelihood "
                f"{params.likelihood!r} of data {'in' if data.spec.in_unit_interval else 'beyond'} [0, 1]; "
                "'-s model.likelihood=gaussian' with data that are not all in [0, 1] has one"
            )
        if params.prior_variance != "learned":
            raise VaehubError(
                f"metric {self.name!r} predicts the variance of the prior, and that of this model is 1; "
                "'-s model.prior_variance=learned' learns it"
            )
        if not params.beta:
            raise VaehubError(f"metric {self.name!r} needs a beta above 0, for without a divergence no prior is best")
        if affine_map(model) is None:
            raise VaehubError(
                f"metric {self.name!r} needs a linear decoder, and that of this network is none; add '--network linear'"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return variances of prior and posterior, predicted and trained, by latent, and types."""
        assert isinstance(model, Ivae), "refused if another"
        sample = self.draw(model, data)
        prior_mu, prior_logvar = (each.cpu().double() for each in model.prior_all(sample.data))
        decoder = _Decoder.of(model)
        u = _unique_rows(model, sample.data)
        best = decoder.best(sample.data, u, is_centred=model.params.prior_mean == "learned")
        trained_types = types_beside_prior(sample.mu, sample.logvar, prior_mu, prior_logvar, self.params.alpha)
        predicted_types = variable_types(best.ratio, self.params.alpha, best.shift.var(dim=0, correction=0))
        given = decoder.posterior(sample.data, prior_mu, prior_logvar.exp())
        unused = ~decoder.squares.gt(0)
        columns = {
            "trained_prior_variance": prior_logvar.exp().mean(dim=0),
            "predicted_prior_variance": best.prior_variance.mean(dim=0).masked_fill(unused, torch.nan),
            "trained_variance": sample.variance.mean(dim=0),
            "predicted_variance": best.variance.mean(dim=0).masked_fill(unused, torch.nan),
            "variance_of_prior": given[1].mean(dim=0),
            "squared_mean": (sample.mu - prior_mu).square().mean(dim=0),
            "share_used": (best.prior_variance > 0).double().mean(dim=0),
        }
        error, scale = (sample.mu - given[0]).square().sum(), given[0].var(dim=0, correction=0).sum() * sample.n
        counts = {
            f"n_{when}_{name}": int((types == name).sum())
            for when, types in (("predicted", predicted_types), ("trained", trained_types))
            for name in LATENT_TYPES
        }
        return Result(
            scalars={
                "gamma": decoder.gamma,
                "beta": decoder.beta,
                "threshold": decoder.beta * decoder.gamma,
                **counts,
                "mean_error": float((error / scale).sqrt()) if scale > 0 else float("nan"),
                "max_cosine": decoder.max_cosine(),
                "n_u": int(u.max()) + 1,
                "n_samples": sample.n,
            },
            vectors={
                **{name: Vector(values) for name, values in columns.items()},
                "trained_type": _type_vector(trained_types),
                "predicted_type": _type_vector(predicted_types),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return predicted against trained variances of prior and posterior, on logarithmic axes."""
        figure = new_figure(8.6, 4.2)
        panels = (("prior_variance", "variance of the prior"), ("variance", "variance of the posterior"))
        for axes, (name, title) in zip(figure.subplots(1, 2), panels, strict=True):
            predicted, trained = (result.vectors[f"{each}_{name}"].values for each in ("predicted", "trained"))
            axes.scatter(predicted, trained, s=24, alpha=0.7, color=PALETTE[0], zorder=3)
            # Predicted variances may be 0, which a logarithm has no place for.
            smallest = min(trained.min(), predicted[predicted > 0].min(initial=trained.min()))
            decade = 10.0 ** math.floor(math.log10(smallest))
            axes.set_xscale("symlog", linthresh=decade)
            axes.set_yscale("symlog", linthresh=decade)
            axes.axline((0, 0), (1, 1), color="black", linewidth=0.8)
            axes.set_xlabel(f"predicted {title}")
            axes.set_ylabel(f"trained {title}")
            frame(axes)
        counts = (int(result.scalars[f"n_{each}_active"]) for each in ("predicted", "trained"))
        figure.suptitle("active of {}: {} predicted, {} trained".format(len(predicted), *counts), fontsize=10)
        return figure


@dataclass(frozen=True)
class _Best:
    """The best prior and posterior of each observation, shape ``(N, n)`` each; ``shift`` in deviations of the prior."""

    prior_variance: Tensor
    variance: Tensor
    ratio: Tensor
    shift: Tensor


@dataclass(frozen=True)
class _Decoder:
    weights: Tensor
    bias: Tensor
    gamma: float
    beta: float

    @classmethod
    def of(cls, model: Ivae) -> _Decoder:
        found = affine_map(model)
        assert found is not None, "refused if not linear"
        log_variance: Any = model.likelihood.log_variance
        return cls(*found, float(log_variance.detach().cpu().double().exp()), model.params.beta)

    @property
    def squares(self) -> Tensor:
        """Squared length of each column."""
        return self.weights.square().sum(dim=0)

    def max_cosine(self) -> float:
        """Return the greatest cosine of two columns that are not 0, without sign; 0 if there are none."""
        columns = self.weights[:, self.squares > 0]
        unit = columns / columns.norm(dim=0)
        return float((unit.mT @ unit).abs().fill_diagonal_(0).max()) if columns.shape[1] else 0.0

    def best(self, data: Dataset, u: Tensor, *, is_centred: bool) -> _Best:
        """Return the optimum, with a row of u for each observation; means of the prior are 0, or best for each u."""
        along = torch.cat([(self._x(batch) - self.bias) @ self.weights for batch in data.batches(EVALUATION_BATCH)])
        if is_centred:
            along = along - _group_mean(along, u)[u]
        noise, n = self.beta * self.gamma, along.shape[1]
        gram = self.weights.mT @ self.weights
        order = u.argsort(stable=True)
        along, u = along[order], u[order]
        priors, shifts = [], []
        # Values of u are independent of each other: as many at once as their matrices take little memory.
        per_chunk = max(1, MATRIX_VALUES // n**2)
        for some in torch.split(torch.arange(int(u[-1]) + 1), per_chunk):
            rows = slice(int(torch.searchsorted(u, some[0])), int(torch.searchsorted(u, some[-1], right=True)))
            group = u[rows] - some[0]
            moments = _second_moments(along[rows], group, per_chunk)
            prior = prior_fixed_point(moments, self.weights, self.gamma, self.beta).nan_to_num(0.0)[group]
            chunks = zip(torch.split(along[rows], per_chunk), torch.split(prior, per_chunk), strict=True)
            shifts += [whitened_mean(values, gram, noise, variance) for values, variance in chunks]
            priors.append(prior)
        back = order.argsort()
        prior, shift = torch.cat(priors)[back], torch.cat(shifts)[back]
        ratio = noise / (self.squares * prior + noise)
        return _Best(prior, ratio * prior, ratio, shift)

    def posterior(self, data: Dataset, prior_mu: Tensor, prior_variance: Tensor) -> tuple[Tensor, Tensor]:
        """Return the best posterior of each observation for the prior that it has."""
        found = []
        per_batch = (torch.split(each, EVALUATION_BATCH) for each in (prior_mu, prior_variance))
        for batch, mu, variance in zip(data.batches(EVALUATION_BATCH), *per_batch, strict=True):
            some = conditional_posterior(
                self._x(batch),
                self.weights,
                self.bias,
                self.gamma,
                prior_mu=mu,
                prior_variance=variance,
                beta=self.beta,
            )
            found.append(some)
        means, variances = zip(*found, strict=True)
        return torch.cat(means), torch.cat(variances)

    @staticmethod
    def _x(batch: Any) -> Tensor:
        x: Tensor = batch.x.cpu().double().flatten(1)
        return x


@torch.no_grad()
def affine_map(model: Ivae) -> tuple[Tensor, Tensor] | None:
    """Return weights ``(m, n)`` and constant ``(m,)`` of a decoder, read off its answers; ``None`` if not linear."""
    device = model.device
    probes = torch.randn(N_PROBES, model.latent_dim, generator=torch.Generator().manual_seed(0))
    z = torch.cat([torch.zeros(1, model.latent_dim), torch.eye(model.latent_dim), probes]).to(device)
    answers = model.network.decoder(z).flatten(1).cpu().double()
    bias, units, others = answers[0], answers[1:-N_PROBES], answers[-N_PROBES:]
    weights = (units - bias).mT
    expected = probes.double() @ weights.mT + bias
    # Rounding of single precision, in sums over latents.
    tolerance = 1e-4 * answers.abs().max()
    return (weights, bias) if (others - expected).abs().max() <= tolerance else None


def _unique_rows(model: Ivae, data: Dataset) -> Tensor:
    """Return which of the different values of u each observation has, shape ``(N,)``."""
    u = torch.cat([model.auxiliary(batch).cpu() for batch in data.to(model.device).batches(EVALUATION_BATCH)])
    found: Tensor = torch.unique(u, dim=0, return_inverse=True)[1]
    return found


def _group_mean(values: Tensor, group: Tensor) -> Tensor:
    """Return the mean of the rows of each group, shape ``(n_groups, n)``."""
    total = values.new_zeros(int(group.max()) + 1, values.shape[1]).index_add_(0, group, values)
    return total / group.bincount().to(values)[:, None]


def _second_moments(along: Tensor, group: Tensor, n_rows: int) -> Tensor:
    """Return the second moments of the rows of each group, shape ``(n_groups, n, n)``, from some rows at a time."""
    n = along.shape[1]
    total = along.new_zeros(int(group.max()) + 1, n * n)
    for values, where in zip(torch.split(along, n_rows), torch.split(group, n_rows), strict=True):
        total.index_add_(0, where, (values[:, :, None] * values[:, None, :]).flatten(1))
    return (total / group.bincount().to(along)[:, None]).reshape(-1, n, n)


def _type_vector(types: Any) -> Vector:
    words = types.tolist()
    return Vector([LATENT_TYPES.index(word) for word in words], labels=words)
