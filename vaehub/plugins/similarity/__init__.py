"""Similarity of the representations of two models (Kornblith et al. 2019; Bonheme 2023, Chapter 7)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, Study, hookimpl

HERE = "vaehub.plugins.similarity"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "representation_signature",
            f"{HERE}.signature:RepresentationSignature",
            "short signatures of all layers, for CKA of any two trainings of a store in SQL",
            params=f"{HERE}.params:SignatureParams",
            source="Kornblith et al. 2019; Pham & Pagh 2013",
        ),
        Metric(
            "cka",
            f"{HERE}.cka:Cka",
            "CKA: representational similarity of each pair of layers of two models, by linear centred kernel alignment",
            params=f"{HERE}.params:CkaParams",
            revision=2,
            source="Kornblith et al. 2019; Bonheme 2023, Section 7.2",
            subject="pair",
        ),
        Metric(
            "procrustes",
            f"{HERE}.procrustes:Procrustes",
            "Procrustes similarity of each pair of layers of two models, after the best rotation",
            params=f"{HERE}.params:ProcrustesParams",
            revision=3,
            source="Bonheme 2023, Section 7.2",
            subject="pair",
        ),
        Metric(
            "layer_similarity",
            f"{HERE}.layer_similarity:LayerSimilarity",
            "CKA and Procrustes similarity of each pair of layers, and the smaller of the two",
            params=f"{HERE}.params:PairParams",
            source="Bonheme 2023, Section 7.2.2",
            subject="pair",
        ),
        Metric(
            "input_similarity",
            f"{HERE}.input_similarity:InputSimilarity",
            "CKA and Procrustes similarity of each layer of a model with its input",
            params=f"{HERE}.params:InputSimilarityParams",
            source="Bonheme 2023, Figure 7.7",
        ),
        Metric(
            "variance_similarity",
            f"{HERE}.variance_similarity:VarianceSimilarity",
            "similarity of the posterior variances of two models, by variable type: active, mixed or passive",
            params=f"{HERE}.params:VarianceSimilarityParams",
            source="Bonheme 2023, Theorem 7.4.2",
            subject="pair",
            revision=2,
        ),
        Metric(
            "similarity_map",
            f"{HERE}.similarity_map:SimilarityMap",
            "mean similarity of each pair of layers over the rows of a query, as heat maps",
            params=f"{HERE}.params:SimilarityMapParams",
            source="Bonheme 2023, Eq. 7.9",
            subject="rows",
        ),
        Study(
            "similarity",
            f"{HERE}:study.toml",
            "which layers are learned first, and which are similar across objectives, on sprites and Fashion-MNIST",
            source="Bonheme 2023, Section 7.4",
        ),
    ]
