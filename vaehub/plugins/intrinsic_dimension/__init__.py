"""Intrinsic dimension of data and of a model's representations (Levina & Bickel 2004; Facco et al. 2017)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, Suggests, hookimpl

HERE = "vaehub.plugins.intrinsic_dimension"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "intrinsic_dimension_mle",
            f"{HERE}.maximum_likelihood:IntrinsicDimensionMle",
            "intrinsic dimension by maximum likelihood (Levina & Bickel), for several k and for each observation",
            params=f"{HERE}.params:MleParams",
            source="Levina & Bickel 2004; MacKay & Ghahramani 2005; Bonheme 2023, Section 8.2",
            subject="dataset",
            suggests=Suggests("dimension", "dimensions of the data themselves", is_bound=True),
        ),
        Metric(
            "intrinsic_dimension_twonn",
            f"{HERE}.two_neighbours:IntrinsicDimensionTwoNn",
            "intrinsic dimension by TwoNN, from distances to the two nearest neighbours",
            params=f"{HERE}.params:TwoNnParams",
            source="Facco et al. 2017",
            subject="dataset",
            suggests=Suggests("dimension", "dimensions of the data themselves", is_bound=True),
        ),
        Metric(
            "intrinsic_dimension_gride",
            f"{HERE}.gride:IntrinsicDimensionGride",
            "intrinsic dimension by scale (Gride), from ratios of distances to ever farther neighbours",
            params=f"{HERE}.params:GrideParams",
            source="Denti et al. 2022",
            subject="dataset",
        ),
        Metric(
            "representation_dimension",
            f"{HERE}.representation:RepresentationDimension",
            "intrinsic dimension of a model's representations, layer by layer, by MLE and TwoNN",
            params=f"{HERE}.params:RepresentationParams",
            source="Bonheme 2023, Section 8.2",
        ),
    ]
