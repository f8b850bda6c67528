"""Diversity of a dataset: mean dissimilarity of pairs of observations (Müller et al. 2025, Section 2.2)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "ssim_diversity",
            "vaehub.plugins.diversity.ssim:SsimDiversity",
            "dataset diversity: mean structural dissimilarity (1 - SSIM) of pairs of images",
            params="vaehub.plugins.diversity.params:SsimDiversityParams",
            source="Müller et al. 2025, Section 2.2; Wang et al. 2004",
            revision=3,
            subject="dataset",
        ),
        Metric(
            "embedding_diversity",
            "vaehub.plugins.diversity.embedding:EmbeddingDiversity",
            "dataset diversity: mean cosine distance between feature embeddings of pairs of observations",
            params="vaehub.plugins.diversity.params:EmbeddingDiversityParams",
            source="Müller et al. 2025, Appendix B",
            revision=2,
            subject="dataset",
        ),
    ]
