"""How alike what two models make of the same observations is (Kornblith et al. 2019; Bonheme 2023, Chapter 7)."""

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
            "short vectors of all layers, by which any two trainings of a store are compared with SQL",
            params=f"{HERE}.params:SignatureParams",
            source="Kornblith et al. 2019; Pham & Pagh 2013",
        ),
        Metric(
            "cka",
            f"{HERE}.cka:Cka",
            "likeness of each layer of one model with each of another, by linear centred kernel alignment",
            params=f"{HERE}.params:CkaParams",
            revision=2,
            source="Kornblith et al. 2019; Bonheme 2023, Section 7.2",
            subject="pair",
        ),
        Metric(
            "procrustes",
            f"{HERE}.procrustes:Procrustes",
            "likeness of each layer of one model with each of another, after the best rotation of one onto the other",
            params=f"{HERE}.params:ProcrustesParams",
            revision=2,
            source="Bonheme 2023, Section 7.2",
            subject="pair",
        ),
        Metric(
            "layer_similarity",
            f"{HERE}.layer_similarity:LayerSimilarity",
            "likeness of each two layers by alignment and by rotation, and the smaller, which is the careful answer",
            params=f"{HERE}.params:PairParams",
            source="Bonheme 2023, Section 7.2.2",
            subject="pair",
        ),
        Metric(
            "variance_similarity",
            f"{HERE}.variance_similarity:VarianceSimilarity",
            "likeness of the posterior variances of two models, by what their latents are: active, mixed or passive",
            params=f"{HERE}.params:VarianceSimilarityParams",
            source="Bonheme 2023, Theorem 7.4.2",
            subject="pair",
        ),
        Metric(
            "similarity_map",
            f"{HERE}.similarity_map:SimilarityMap",
            "mean likeness of each two layers over the rows of a query, as heat maps",
            params=f"{HERE}.params:SimilarityMapParams",
            source="Bonheme 2023, Eq. 7.9",
            subject="rows",
        ),
        Study(
            "similarity",
            f"{HERE}:study.toml",
            "which layers are learned first, and which are alike whatever is learned, on sprites and clothes",
            source="Bonheme 2023, Section 7.4",
        ),
    ]
