"""Features of samples and of as many observations, which every metric of this plugin compares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from vaehub import Batch, DataError, Dataset, LatentModel, ModelMetric, Needs, Result, WorkFailed, task
from vaehub.analysis import Derivatives, in_double
from vaehub.features import feature_table
from vaehub.plugins.ard.kernels import is_relevant, latent_relevance
from vaehub.plugins.generation.params import ComparisonParams
from vaehub.plugins.generation.sample_files import as_observations, samples_in

BATCH = 64
"""Observations in a batch for the decoder and the extractor; bounds memory, changes no result."""

Extract = Callable[[Batch], Tensor]
"""Returns features of a batch."""
Advance = Callable[[int], None]
"""Reports how many more are done."""


@dataclass(frozen=True)
class FeatureSamples:
    """Features of as many samples as observations.

    Attributes:
        samples: Shape ``(n, n_features)``.
        data: Same shape.
        relevant: Which latents were drawn, shape ``(latent_dim,)``; ``None`` if all were.
        derivatives: Those that decided it.
    """

    samples: Tensor
    data: Tensor
    relevant: Tensor | None
    derivatives: Derivatives

    @classmethod
    @torch.no_grad()
    def drawn(cls, metric: ModelMetric[ComparisonParams], model: LatentModel, data: Dataset) -> Self:
        """Draw observations and samples as the metric's parameters say, and extract their features.

        Raises:
            VaehubError: If the extractor cannot take the observations.
            WorkFailed: If a feature is NaN or infinite.
        """
        params = metric.params
        extract = metric.feature_extractor(params, model.device)
        whole = metric.draw_observations(data, "all").data
        chosen = metric.draw_observations(data, _n(whole, params)).data
        relevant, derivatives = None, Derivatives(model.decode)
        if params.latents == "relevant":
            noise = metric.generator("rows")
            scores = latent_relevance(model, whole, params.n_jacobian, noise, derivatives)
            relevant = is_relevant(scores, params.explained)
        if params.source == "file":
            samples = _from_file(params, chosen, metric.generator("samples"))
        else:
            z = _latents(metric, model, chosen)
            if relevant is not None:
                z = torch.where(relevant, z, model.encode_all(whole).mu.double().mean(dim=0).to(z))
            samples = (Batch(model.decode(block)) for block in torch.split(z, BATCH))
        # Samples have no labels, so the extractor gets none of the observations either.
        # What is decoded is on the model's scale, what is in a file on that of the data.
        is_decoded = params.source != "file"
        observations = (Batch(model.comparable(batch.x) if is_decoded else batch.x) for batch in chosen.batches(BATCH))
        with task("features", 2 * len(chosen)) as advance:
            of_samples = _features(extract, samples, advance, "samples")
            of_data = _features(extract, observations, advance, "observations")
            return cls(of_samples, of_data, relevant, derivatives)

    def result(
        self, scalars: Mapping[str, float], params: ComparisonParams, arrays: Mapping[str, Tensor] | None = None
    ) -> Result:
        """Assemble the result of a metric with the names of the features and the numbers of samples and latents."""
        n, n_features = self.data.shape
        tables = {"features": feature_table(params, n_features), **self.derivatives.tables()}
        counts, vectors = {"n_samples": n}, {}
        if self.relevant is not None:
            counts["n_relevant"] = int(self.relevant.sum())
            vectors["relevant"] = in_double(self.relevant)
        return Result({**scalars, **counts}, vectors, tables, arrays)


def needs_of(params: ComparisonParams) -> Needs:
    """Return what a comparison needs: two observations, and a decoder and a prior if it uses them."""
    return Needs(
        decoder=params.source != "file",
        derivatives=params.latents == "relevant",
        prior=params.source == "prior",
        observations=2,
        instead={"prior": "'-s metric.source=reconstruction' and '=standard_normal' need none"},
    )


@torch.no_grad()
def try_comparison(metric: ModelMetric[ComparisonParams], model: LatentModel, data: Dataset) -> tuple[int, int]:
    """Try the extractor on two observations, and read all samples of a file.

    Returns:
        The number of samples, which is that of observations, and the number of features.

    Raises:
        VaehubError: If the extractor cannot take the observations.
        DataError: If the file does not hold such samples.
    """
    params, whole = metric.params, metric.draw_observations(data, "all").data
    n = _n(whole, params)
    features = metric.feature_extractor(params, model.device)(Batch(whole.first(2).x))
    if params.source == "file":
        for _ in _from_file(params, whole.first(n), metric.generator("samples")):
            pass  # Invalid values are refused before anything is trained.
    return n, features.shape[1]


def _n(data: Dataset, params: ComparisonParams) -> int:
    """Return how many samples, and as many observations, are compared."""
    n = len(data) if params.n_samples == "all" else min(len(data), params.n_samples)
    return n if params.source != "file" else min(n, len(samples_in(_file(params), data.spec)))


def _file(params: ComparisonParams) -> Path:
    if params.samples is None:
        raise DataError(f"the file of samples with {params.samples_content} is not named; set '-s metric.samples=FILE'")
    return params.samples


def _from_file(params: ComparisonParams, chosen: Dataset, generator: torch.Generator) -> Iterator[Batch]:
    """Yield as many samples of a file as there are observations, drawn without replacement."""
    path, spec = _file(params), chosen.spec
    samples = samples_in(path, spec)
    rows = torch.randperm(len(samples), generator=generator)[: len(chosen)].sort().values
    for some in torch.split(rows, BATCH):
        yield Batch(as_observations(samples, some, path, in_unit_interval=spec.in_unit_interval))


def _latents(metric: ModelMetric[ComparisonParams], model: LatentModel, chosen: Dataset) -> Tensor:
    """Return the latent vectors to decode, shape ``(n, latent_dim)``."""
    if metric.params.source == "reconstruction":
        return model.encode_all(chosen).mu
    random = metric.generator("prior", device=model.device)
    if metric.params.source == "standard_normal":
        z = torch.randn(len(chosen), model.latent_dim, generator=random, device=model.device)
    else:
        z = model.prior_sample(len(chosen), random)
    return z.to(model.device, torch.float32)


def _features(extract: Extract, batches: Iterable[Batch], advance: Advance, what: str) -> Tensor:
    found = []
    for batch in batches:
        found.append(extract(batch).cpu())
        advance(len(batch))
    features = torch.cat(found)
    if n_bad := int((~features.isfinite()).any(dim=1).sum()):
        raise WorkFailed(f"features of {n_bad} of {len(features)} {what} are NaN or infinite, and have no distance")
    return features
