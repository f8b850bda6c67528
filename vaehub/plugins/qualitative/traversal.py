"""What each latent changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Posterior, Result, VaehubError, WorkFailed
from vaehub.plugins.ard.kernels import is_relevant, latent_relevance
from vaehub.plugins.qualitative.kernels import traversed, unit_steps
from vaehub.plugins.qualitative.params import TraversalParams
from vaehub.plugins.qualitative.subjects import decoded, require_decoder, require_observations

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REACH = {"thesis": 2.0, "higgins": 3.0, "prior": 3.0, "means": 3.0}
"""Half of each range: Bonheme 2023; Higgins et al. 2017; Saha, Joshi & Whitaker 2025 (both last, in deviations)."""
AXIS = {
    "thesis": "value of the latent",
    "higgins": "value of the latent",
    "prior": "standard deviations of the prior",
    "means": "from the mean of means, in their standard deviations",
}


@final
class Traversal(ModelMetric):
    """One latent goes through a range of values while the others stay at the posterior mean of one observation.

    Higgins et al. 2017, as is usual: the observation is drawn, and latents that the encoder uses most come first. Saha,
    Joshi & Whitaker 2025, supplementary Figures 2 to 4, have relevant latents alone, by relevance, over 3 deviations of
    the learned prior: ``n_latents=relevant``, ``order=relevance``, ``span=prior``.
    """

    Params = TraversalParams
    params: TraversalParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a model without a decoder or, where asked for, a learned prior; and more than there is."""
        require_decoder(model, metric="traversal")
        part, asked = self.params.part, self.params.n_latents
        require_observations(data, part, self.params.n_samples, metric="traversal", parameter="n_samples")
        if self.params.example != "random":
            n = len(data.split(part))
            if self.params.example >= n:
                raise VaehubError(
                    f"metric 'traversal' was asked for row {self.params.example}, and the split {part!r} has {n}; "
                    f"'-s metric.example={n - 1}' is the last"
                )
        if isinstance(asked, int) and asked > model.latent_dim:
            raise VaehubError(
                f"metric 'traversal' was asked for {asked} latents, and the model has {model.latent_dim}; "
                "'-s metric.n_latents=all' takes all"
            )
        if self.params.span == "prior" and model.learned_prior_variance is None:
            raise VaehubError(
                "metric 'traversal' with span 'prior' needs a model with a learned prior variance, and this one has "
                "none; 'ard' does, and 'means' works for all"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return what each step decodes to, the values that latents take, and what they are ordered and chosen by.

        Raises:
            WorkFailed: If the relevance of a latent is asked for, and is NaN or infinite; or if relevant latents are
                asked for, and none has any relevance.
        """
        part = data.split(self.params.part)
        drawn = torch.randperm(len(part), generator=self.generator("rows"))[: self.params.n_samples]
        means = model.encode_all(part.subset(drawn)).mu.double()
        variance = means.var(dim=0, correction=0)
        row = self._row(len(part))
        example = part.subset(torch.tensor([row]))
        posterior: Posterior = model.encode_all(example)
        mu = posterior.mu[0]
        vectors = {"mu": mu, "mu_variance": variance}
        if self.params.order == "relevance" or self.params.n_latents == "relevant":
            random = self.generator("jacobian")
            vectors["relevance"] = latent_relevance(model, part, self.params.n_jacobian, random).to(variance)
        latents = self._latents(vectors)
        if not len(latents):
            raise WorkFailed("no latent has any relevance, so there is none to traverse; '-s metric.n_latents=all'")
        steps = unit_steps(REACH[self.params.span], self.params.n_steps, by_quantile=self.params.spacing == "quantile")
        centre, unit = self._scale(model, means)
        values = (centre[:, None] + unit[:, None] * steps.to(unit))[latents]
        return Result(
            vectors=vectors,
            arrays={
                "row": torch.tensor([row]),
                "x": example.x[0],
                "reconstruction": decoded(model, mu[None])[0],
                "latents": latents,
                "steps": steps,
                "values": values,
                "decoded": decoded(model, traversed(mu, latents, values.to(mu))),
            },
        )

    def _row(self, n: int) -> int:
        if self.params.example != "random":
            return self.params.example
        return int(torch.randint(n, (), generator=self.generator("example")))

    def _latents(self, vectors: Mapping[str, Tensor]) -> Tensor:
        asked, order = self.params.n_latents, self.params.order
        by = vectors["relevance" if order == "relevance" else "mu_variance"]
        latents = (
            torch.arange(len(by), device=by.device) if order == "index" else by.argsort(descending=True, stable=True)
        )
        if asked == "relevant":
            return latents[is_relevant(vectors["relevance"])[latents]]
        return latents if asked == "all" else latents[:asked]

    def _scale(self, model: LatentModel, means: Tensor) -> tuple[Tensor, Tensor]:
        """Return the middle of each latent's range and what it is counted in, shape ``(latent_dim,)`` each."""
        zero = torch.zeros_like(means[0])
        if self.params.span == "means":
            return means.mean(dim=0), means.std(dim=0, correction=0)
        if self.params.span == "prior":
            assert model.learned_prior_variance is not None, "check() refused it"
            return zero, model.learned_prior_variance.to(zero).sqrt()
        return zero, torch.ones_like(zero)

    def plot(self, result: Result) -> Figure:
        """Return a row for each latent, labelled with its index, in the order of the request."""
        from vaehub.plugins.qualitative.pictures import Columns, Lines, tiled

        lines = Lines([str(latent) for latent in result.arrays["latents"]], axis="latent")
        columns = Columns([f"{step:+.1f}" for step in result.arrays["steps"]], axis=AXIS[self.params.span])
        title = f"one latent changed, the others at the mean of row {int(result.arrays['row'][0])}"
        return tiled(list(result.arrays["decoded"]), lines=lines, columns=columns, title=title)
