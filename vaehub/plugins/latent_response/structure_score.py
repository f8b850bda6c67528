"""The discrepancy between the prior and the responses to draws from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, VaehubError, Vector, task
from vaehub.plugins.latent_response.kernels import permuted_mmd2
from vaehub.plugins.latent_response.params import StructureScoreParams
from vaehub.plugins.latent_response.responses import (
    causal_latents,
    codes_at_once,
    response_posterior,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class RepeatedMmd(NamedTuple):
    """Estimates of all repetitions.

    Attributes:
        mmd2: Estimates, shape ``(n_repeats,)``.
        exchanged: Means over repetitions of the estimates after each exchange, shape ``(n_permutations,)``.
    """

    mmd2: Tensor
    exchanged: Tensor


@final
class StructureScore(ModelMetric[StructureScoreParams]):
    """Discrepancy between draws from the prior and the responses to such draws: Leeb et al. 2021, Section 4.2, Eq. 8.

    Equation 8 is a discrepancy; the paper does not say whether the tables print it or its square, how many draws they
    use, nor whether responses are drawn or means. With means, a collapsed latent is a spike at 0 and raises the score,
    as in Table 3; with draws it follows the prior and lowers the score, as in Table 2 and in the text.
    """

    needs = Needs(decoder=True, x_only=True, prior=True, observations=2)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a bandwidth for a kernel without one."""
        if self.params.kernel == "imq" and self.params.bandwidth is not None:
            raise VaehubError(
                f"metric {self.name!r} was given a bandwidth, and the kernel 'imq' has none; "
                "'-s metric.kernel=rbf' has, and 'metric.scales' are those of 'imq'"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return scores of all latents and of causal ones."""
        sample, at_once = self.draw(model, data), codes_at_once(data.spec)
        threshold = self.params.causal_threshold
        is_causal = causal_latents(model, sample.z, self.generator("replacements"), threshold, at_once)
        variants = {"": torch.ones_like(is_causal), "causal_": is_causal}
        found = self._compared(model, variants, at_once)
        scalars = {f"{name}{key}": value for name, each in found.items() for key, value in self._summary(each).items()}
        return Result(
            scalars={**scalars, "n_causal": int(is_causal.sum()), "n_samples": sample.n},
            vectors={
                **{f"{name}mmd2_of_repeat": Vector(each.mmd2, "repeat") for name, each in found.items()},
                "is_causal": Vector(is_causal),
            },
            arrays={f"{name}exchanged": each.exchanged for name, each in found.items()},
        )

    def _compared(self, model: LatentModel, variants: dict[str, Tensor], at_once: int) -> dict[str, RepeatedMmd]:
        """Return the comparison for each choice of latents, shape ``(latent_dim,)`` each."""
        n_repeats, n_permutations = self.params.n_repeats, self.params.n_permutations
        found = {}
        with task("structure score", len(variants) * n_repeats) as advance:
            for name, kept in variants.items():
                rounds = torch.full((n_repeats, 1 + n_permutations), torch.nan, dtype=torch.float64)
                for repeat in range(n_repeats if kept.any() else 0):
                    rounds[repeat] = self._once(model, kept, repeat, at_once)
                    advance(1)
                found[name] = RepeatedMmd(rounds[:, 0], rounds[:, 1:].mean(dim=0))
        return found

    def _once(self, model: LatentModel, kept: Tensor, repeat: int, at_once: int) -> Tensor:
        """Return the estimate and what it is after each exchange; latents that are not kept stay at 0."""
        n, params = self.params.n_draws, self.params
        # Draws that are compared are not those that were decoded, which would be nearer to their responses.
        random = self.generator("prior", repeat, device=model.device)
        compared, z = (model.prior_sample(n, random) for _ in range(2))
        z = z.where(kept.to(z.device), 0.0)
        noise = self.generator("noise", "responses", repeat, device=model.device)
        responses = [self._response(model, block, noise) for block in torch.split(z, at_once)]
        variance = model.learned_prior_variance
        spread = kept.double() if variance is None else variance.cpu().double() * kept
        return permuted_mmd2(
            compared.cpu()[:, kept],
            torch.cat(responses)[:, kept],
            params.n_permutations,
            self.generator("exchanges", repeat),
            params.kernel,
            params.scales,
            2 * float(spread.sum()),
            params.bandwidth,
        )

    def _response(self, model: LatentModel, z: Tensor, noise: torch.Generator) -> Tensor:
        found = response_posterior(model, z)
        return (found.mu if self.params.response == "mean" else found.sample(noise)).cpu()

    def _summary(self, found: RepeatedMmd) -> dict[str, float]:
        """Return the scores of one choice of latents, and the interval that they are in without a difference."""
        mean = found.mmd2.mean()
        scores = {
            "mmd2": float(mean),
            "mmd2_deviation": float(found.mmd2.std()) if len(found.mmd2) > 1 else float("nan"),
            "structure_score": float(mean.clamp(min=0).sqrt()),
        }
        n = len(found.exchanged)
        if not n:
            return scores
        outside = (1 - self.params.confidence) / 2
        low, high = found.exchanged.quantile(torch.tensor([outside, 1 - outside], dtype=torch.float64)).tolist()
        n_as_great = int((found.exchanged >= mean).sum())
        p_value = float("nan") if mean.isnan() else (1 + n_as_great) / (1 + n)
        return scores | {"null_low": low, "null_high": high, "p_value": p_value}

    def plot(self, result: Result) -> Figure:
        """Return the estimates beside what they are after exchanges, of all latents and of causal ones."""
        from vaehub.plugins.latent_response.plots import exchanges

        return exchanges(result)
