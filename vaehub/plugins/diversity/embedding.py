"""The diversity of a dataset by features of its observations."""

from typing import final

import torch
from torch import Tensor

from vaehub import Dataset, DatasetMetric, Needs, Result, WorkFailed, task
from vaehub.features import feature_table
from vaehub.plugins.diversity.kernels import draw, embedding_moments
from vaehub.plugins.diversity.pair_scalars import pair_scalars
from vaehub.plugins.diversity.params import EmbeddingDiversityParams

BATCH = 64
"""Observations in a batch for the extractor; bounds memory, changes no result."""


@final
class EmbeddingDiversity(DatasetMetric[EmbeddingDiversityParams]):
    """Mean cosine distance of embeddings over pairs: Müller et al. 2025, Appendix B.

    The paper embeds 1,000 images by the last features of a ResNet-18 trained on ImageNet; here the parameters name the
    features, by default pixels, which need no file.
    """

    needs = Needs(observations=2)

    def check(self, data: Dataset) -> None:
        """Refuse observations that the extractor cannot take, by trying two of them."""
        self.feature_extractor(self.params, data.device)(self.draw_observations(data, 2).data.batch(slice(0, 2)))

    def measure(self, data: Dataset) -> Result:
        """Return ``diversity``, its variance and interval, the numbers of observations and pairs, and the features.

        Raises:
            WorkFailed: If an embedding has no direction.
        """
        seen = self.draw_observations(data)
        embeddings = self._embedded(seen.data)
        lengths = torch.linalg.vector_norm(embeddings.to(torch.float64), dim=1)
        if n_bad := int((~lengths.isfinite() | (lengths == 0)).sum()):
            raise WorkFailed(
                f"metric {self.name!r} has no angle where an embedding is zero, NaN or infinite, as {n_bad} of "
                f"{seen.n} are; other features may do better"
            )
        counts = draw(seen.n, self.params.n_bootstrap, self.generator("bootstrap"))
        moments = embedding_moments(embeddings, counts)
        tables = {"features": feature_table(self.params, embeddings.shape[1])}
        return Result(pair_scalars(moments, seen.n, self.params), tables=tables)

    def _embedded(self, data: Dataset) -> Tensor:
        extract, found = self.feature_extractor(self.params, data.device), []
        with task("features", len(data)) as advance:
            for batch in data.batches(BATCH):
                found.append(extract(batch))
                advance(len(batch))
        return torch.cat(found)
