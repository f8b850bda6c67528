"""Latent traversals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Observations, Result, VaehubError, WorkFailed
from vaehub.analysis import Derivatives, decode
from vaehub.plugins.ard.kernels import is_relevant, latent_relevance
from vaehub.plugins.qualitative.kernels import traversed, unit_steps
from vaehub.plugins.qualitative.params import TraversalParams

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
class Traversal(ModelMetric[TraversalParams]):
    """One latent takes a range of values while the others keep the posterior mean of one observation.

    Higgins et al. 2017; as is usual, the observation is drawn at random, and latents whose means vary most come first.
    Saha, Joshi & Whitaker 2025, supplementary Figures 2 to 4, show only relevant latents, by relevance, over 3 standard
    deviations of the learned prior: ``n_latents=relevant``, ``order=relevance``, ``span=prior``.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return Needs(
            decoder=True,
            derivatives=self._uses_relevance,
            learned_prior=self.params.span == "prior",
            observations=2,
            instead={"learned_prior": "'ard' has, and '-s metric.span=means' works for all"},
        )

    @property
    def _uses_relevance(self) -> bool:
        return self.params.order == "relevance" or self.params.n_latents == "relevant"

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a row and a number of latents beyond the last."""
        asked, example = self.params.n_latents, self.params.example
        if example != "random" and example >= (n := self.draw_observations(data, "all").n):
            raise VaehubError(
                f"metric {self.name!r} was asked for row {example}, and the split {self.params.split!r} has {n}; "
                f"'-s metric.example={n - 1}' is the last"
            )
        if isinstance(asked, int) and asked > model.latent_dim:
            raise VaehubError(
                f"metric {self.name!r} was asked for {asked} latents, and the model has {model.latent_dim}; "
                "'-s metric.n_latents=all' takes all"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return decoded steps, the values that latents take, and the quantities that order and select latents.

        Raises:
            WorkFailed: If the relevance of a latent is NaN or infinite, where it is used; or if relevant latents are
                asked for, and no latent has any relevance.
        """
        split = self.draw_observations(data, "all").data
        means = self.draw(model, data, ascending=False).mu
        row = torch.tensor([self._row(len(split))])
        example = self.encode(model, Observations(row, split.subset(row)))
        mu = example.mu[0]
        derivatives = Derivatives(model.decode)
        vectors = {"mu": mu, "mu_variance": means.var(dim=0, correction=0)}
        if self._uses_relevance:
            noise = self.generator("rows")
            relevance = latent_relevance(model, split, self.params.n_jacobian, noise, derivatives)
            vectors["relevance"] = relevance.to(means)
        latents = self._latents(vectors)
        if not len(latents):
            raise WorkFailed("no latent has any relevance, so there is none to traverse; '-s metric.n_latents=all'")
        steps = unit_steps(REACH[self.params.span], self.params.n_steps, by_quantile=self.params.spacing == "quantile")
        centre, unit = self._scale(model, means)
        values = (centre[:, None] + unit[:, None] * steps.to(unit))[latents]
        return Result(
            scalars={"n_samples": len(means)},
            vectors=vectors,
            tables=derivatives.tables(),
            arrays={
                "row": row,
                "x": model.comparable(example.data.x)[0],
                "reconstruction": decode(model, mu[None])[0],
                "latents": latents,
                "steps": steps,
                "values": values,
                "decoded": decode(model, traversed(mu, latents, values)),
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
        """Return the centre and the unit of each latent's range, shape ``(latent_dim,)`` each."""
        zero = torch.zeros_like(means[0])
        if self.params.span == "means":
            return means.mean(dim=0), means.std(dim=0, correction=0)
        if self.params.span == "prior":
            assert model.learned_prior_variance is not None, "refused without"
            return zero, model.learned_prior_variance.to(zero).sqrt()
        return zero, torch.ones_like(zero)

    def plot(self, result: Result) -> Figure:
        """Return a row of decoded steps for each latent, labelled with its index, in the order that was asked for."""
        from vaehub.plugins.qualitative.plots import Columns, Lines, tiled

        lines = Lines([str(latent) for latent in result.arrays["latents"]], axis="latent")
        columns = Columns([f"{step:+.1f}" for step in result.arrays["steps"]], axis=AXIS[self.params.span])
        title = f"one latent changed, the others at the mean of row {int(result.arrays['row'][0])}"
        return tiled(list(result.arrays["decoded"]), lines=lines, columns=columns, title=title)
