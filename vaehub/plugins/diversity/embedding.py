"""The diversity of a dataset as a network sees it."""

from typing import final

import torch

from vaehub import Dataset, DatasetMetric, Result, WorkFailed
from vaehub.plugins.diversity.drawing import check_enough, drawn, part_of, scalars
from vaehub.plugins.diversity.extractors import Embed, by_encoder, by_imagenet, by_module
from vaehub.plugins.diversity.kernels import draw, embedding_moments
from vaehub.plugins.diversity.params import EmbeddingDiversityParams


@final
class EmbeddingDiversity(DatasetMetric):
    """Mean cosine distance of embeddings over pairs: Müller et al. 2025, Appendix B.

    The paper embeds 1,000 images by the last features of a ResNet-18 trained on ImageNet; here the extractor is named.
    """

    Params = EmbeddingDiversityParams
    params: EmbeddingDiversityParams

    def check(self, data: Dataset) -> None:
        """Refuse too few observations, and those that the extractor cannot take, by trying two of them."""
        part = part_of(data, self.params.part)
        check_enough("embedding_diversity", part, self.params.n_samples)
        self._extractor()(part.first(2))

    def measure(self, data: Dataset) -> Result:
        """Return ``diversity``, ``diversity_variance``, the interval's ends, and how many images, pairs and features.

        Raises:
            WorkFailed: If an embedding has no direction.
        """
        part = drawn(part_of(data, self.params.part), self.params.n_samples, self.generator("images"))
        embeddings = self._extractor()(part)
        lengths = torch.linalg.vector_norm(embeddings.to(torch.float64), dim=1)
        if n_bad := int((~lengths.isfinite() | (lengths == 0)).sum()):
            raise WorkFailed(
                f"metric 'embedding_diversity' has no angle where an embedding is zero, NaN or infinite, as {n_bad} of "
                f"{len(part)} are; another extractor may do better"
            )
        counts = draw(len(part), self.params.n_bootstrap, self.generator("bootstrap"))
        found = embedding_moments(embeddings, counts)
        return Result(scalars={**scalars(found, len(part), self.params), "n_features": embeddings.shape[1]})

    def _extractor(self) -> Embed:
        if self.params.encoder is not None:
            return by_encoder(self.model_of(self.params.encoder))
        if self.params.module is not None:
            return by_module(self.params.module, self.params.weights)
        return by_imagenet()
