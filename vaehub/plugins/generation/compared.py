"""Samples of a model beside data, as features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from vaehub import Batch, DataError, Dataset, LatentModel, ModelMetric, Result, VaehubError, WorkFailed, task
from vaehub.features import feature_table
from vaehub.plugins.ard.kernels import is_relevant, latent_relevance
from vaehub.plugins.generation.params import ComparisonParams
from vaehub.plugins.generation.stored import as_observations, samples_in

BATCH = 64
"""Observations that go through a decoder and an extractor at once; bounds memory, changes no result."""

Random = Callable[..., torch.Generator]
"""Makes a source of randomness for a purpose."""
Extract = Callable[[Batch], Tensor]
"""Gives features of some observations."""
Advance = Callable[[int], None]
"""Says that some more are done."""


@dataclass(frozen=True)
class Compared:
    """Features of as many samples as observations.

    Attributes:
        samples: Shape ``(n, n_features)``.
        data: Same shape.
        relevant: Which latents were drawn, shape ``(latent_dim,)``; ``None`` if all were.
    """

    samples: Tensor
    data: Tensor
    relevant: Tensor | None

    @classmethod
    @torch.no_grad()
    def drawn(cls, metric: ModelMetric, model: LatentModel, data: Dataset, params: ComparisonParams) -> Self:
        """Return what the parameters of a metric ask for.

        Raises:
            VaehubError: If the extractor cannot take the observations.
            WorkFailed: If a feature is NaN or infinite.
        """
        part = data.split(params.part)
        extract = metric.feature_extractor(params, model.device)
        rows = part.draw_rows(_n(part, params), metric.generator("rows"))
        chosen = part.subset(rows)
        relevant = None
        if params.latents == "relevant":
            scores = latent_relevance(model, part, params.n_jacobian, metric.generator("jacobian"))
            relevant = is_relevant(scores, params.explained)
        if params.source == "file":
            samples = _in_file(params, chosen, metric.generator("samples"))
        else:
            z = _latents(model, chosen, params, metric.generator)
            if relevant is not None:
                z = torch.where(relevant, z, model.encode_all(part).mu.double().mean(dim=0).to(z))
            samples = (Batch(model.decode(block)) for block in torch.split(z, BATCH))
        # What is made up has no labels, and so observations are compared with it without theirs.
        observations = (Batch(batch.x) for batch in chosen.batches(BATCH))
        with task("features", 2 * len(chosen)) as advance:
            of_samples = _features(extract, samples, advance, "samples")
            return cls(of_samples, _features(extract, observations, advance, "observations"), relevant)

    def result(
        self, scalars: Mapping[str, float], params: ComparisonParams, arrays: Mapping[str, Tensor] | None = None
    ) -> Result:
        """Return what was measured with what it is of: the features, and how many samples and latents."""
        n, n_features = self.data.shape
        tables = {"features": feature_table(params, n_features)}
        counts, vectors = {"n_samples": n}, {}
        if self.relevant is not None:
            counts["n_relevant"] = int(self.relevant.sum())
            vectors["relevant"] = self.relevant.double()
        return Result({**scalars, **counts}, vectors, tables, arrays)


@torch.no_grad()
def check_comparison(
    metric: ModelMetric, model: LatentModel, data: Dataset, params: ComparisonParams, name: str
) -> tuple[int, int]:
    """Refuse a model that makes no samples, and observations that have no such features.

    Returns:
        How many samples, and as many observations, there are, and how many features each has.

    Raises:
        VaehubError: If the model has no decoder or no prior, or the extractor is not for these observations.
        DataError: If there is no such part, or it has fewer than two.
    """
    if not model.decodes and params.source != "file":
        raise VaehubError(f"metric {name!r} compares what a model decodes, and this one has no decoder; 'vae' has")
    part = data.split(params.part)
    if len(part) < 2:
        raise DataError(f"metric {name!r} needs 2 observations at least, and the split {params.part!r} has {len(part)}")
    if params.source == "prior":
        try:
            model.prior_sample(1, metric.generator("check", device=model.device))
        except VaehubError as error:
            raise VaehubError(
                f"metric {name!r} draws from the prior: {error}; '-s metric.source=reconstruction' needs none"
            ) from error
    features = metric.feature_extractor(params, model.device)(Batch(part.first(2).x))
    if params.source == "file":
        for _ in _in_file(params, part.first(_n(part, params)), metric.generator("samples")):
            pass  # Values that no data have are told before anything is trained.
    return _n(part, params), features.shape[1]


def _n(part: Dataset, params: ComparisonParams) -> int:
    """Return how many samples, and as many observations, are compared."""
    n = min(len(part), params.n_samples)
    return n if params.source != "file" else min(n, len(samples_in(_file(params), part.spec)))


def _file(params: ComparisonParams) -> Path:
    if params.samples is None:
        raise DataError(f"the file of samples with {params.samples_content} is not named; set '-s metric.samples=FILE'")
    return params.samples


def _in_file(params: ComparisonParams, chosen: Dataset, generator: torch.Generator) -> Iterator[Batch]:
    """Yield as many samples of a file as there are observations, drawn without replacement."""
    path, spec = _file(params), chosen.spec
    samples = samples_in(path, spec)
    rows = torch.randperm(len(samples), generator=generator)[: len(chosen)].sort().values
    for some in torch.split(rows, BATCH):
        yield Batch(as_observations(samples, some, path, in_unit_interval=spec.in_unit_interval))


def _latents(model: LatentModel, chosen: Dataset, params: ComparisonParams, generator: Random) -> Tensor:
    """Return what is decoded, shape ``(n, latent_dim)``."""
    if params.source == "reconstruction":
        return model.encode_all(chosen).mu
    return model.prior_sample(len(chosen), generator("prior", device=model.device)).to(model.device, torch.float32)


def _features(extract: Extract, batches: Iterable[Batch], advance: Advance, what: str) -> Tensor:
    found = []
    for batch in batches:
        found.append(extract(batch).cpu())
        advance(len(batch))
    features = torch.cat(found)
    if n_bad := int((~features.isfinite()).any(dim=1).sum()):
        raise WorkFailed(f"features of {n_bad} of {len(features)} {what} are NaN or infinite, and have no distance")
    return features
