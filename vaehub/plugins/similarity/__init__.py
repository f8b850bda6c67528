"""How alike what two models make of the same observations is (Kornblith et al. 2019; Bonheme 2023, Chapter 7)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, hookimpl

HERE = "vaehub.plugins.similarity"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "cka",
            f"{HERE}.cka:Cka",
            "likeness of each layer of one model with each of another, by linear centred kernel alignment",
            params=f"{HERE}.params:CkaParams",
            source="Kornblith et al. 2019; Bonheme 2023, Section 7.2",
            subject="pair",
        ),
        Metric(
            "procrustes",
            f"{HERE}.procrustes:Procrustes",
            "likeness of each layer of one model with each of another, after the best rotation of one onto the other",
            params=f"{HERE}.params:ProcrustesParams",
            source="Bonheme 2023, Section 7.2",
            subject="pair",
        ),
    ]
