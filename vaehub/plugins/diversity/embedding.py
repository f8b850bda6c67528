"""The diversity of a dataset by features of its observations."""

from typing import final

import torch
from torch import Tensor

from vaehub import Dataset, DatasetMetric, Result, WorkFailed, task
from vaehub.features import feature_table
from vaehub.plugins.diversity.drawing import check_enough, drawn, part_of, scalars
from vaehub.plugins.diversity.kernels import draw, embedding_moments
from vaehub.plugins.diversity.params import EmbeddingDiversityParams

BATCH = 64
"""Observations that go through an extractor at once; bounds memory, changes no result."""


@final
class EmbeddingDiversity(DatasetMetric):
    """Mean cosine distance of embeddings over pairs: Müller et al. 2025, Appendix B.

    The paper embeds 1,000 images by the last features of a ResNet-18 trained on ImageNet; here the features are named,
    and are pixels if none are, which need no file.
    """

    Params = EmbeddingDiversityParams
    params: EmbeddingDiversityParams

    def check(self, data: Dataset) -> None:
        """Refuse too few observations, and those that the extractor cannot take, by trying two of them."""
        part = part_of(data, self.params.part)
        check_enough("embedding_diversity", part, self.params.n_samples)
        self.feature_extractor(self.params, part.device)(part.batch(slice(0, 2)))

    def measure(self, data: Dataset) -> Result:
        """Return ``diversity``, its variance and interval, how many images and pairs there are, and which features.

        Raises:
            WorkFailed: If an embedding has no direction.
        """
        part = drawn(part_of(data, self.params.part), self.params.n_samples, self.generator("images"))
        embeddings = self._embedded(part)
        lengths = torch.linalg.vector_norm(embeddings.to(torch.float64), dim=1)
        if n_bad := int((~lengths.isfinite() | (lengths == 0)).sum()):
            raise WorkFailed(
                f"metric 'embedding_diversity' has no angle where an embedding is zero, NaN or infinite, as {n_bad} of "
                f"{len(part)} are; other features may do better"
            )
        counts = draw(len(part), self.params.n_bootstrap, self.generator("bootstrap"))
        found = embedding_moments(embeddings, counts)
        tables = {"features": feature_table(self.params, embeddings.shape[1])}
        return Result(scalars(found, len(part), self.params), tables=tables)

    def _embedded(self, part: Dataset) -> Tensor:
        extract, found = self.feature_extractor(self.params, part.device), []
        with task("features", len(part)) as advance:
            for batch in part.batches(BATCH):
                found.append(extract(batch))
                advance(len(batch))
        return torch.cat(found)
