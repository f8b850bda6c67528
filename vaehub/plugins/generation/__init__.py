"""How near what a model makes up is to the data (Heusel et al. 2017; Sajjadi et al. 2018)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, hookimpl

HERE = "vaehub.plugins.generation"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "frechet_distance",
            f"{HERE}.frechet_distance:FrechetDistance",
            "Fréchet distance between features of samples and of data; FID with those of Inception",
            params=f"{HERE}.params:FrechetDistanceParams",
            source="Heusel et al. 2017, Eq. 6",
        ),
        Metric(
            "kernel_distance",
            f"{HERE}.kernel_distance:KernelDistance",
            "kernel discrepancy between features of samples and of data; KID with those of Inception",
            params=f"{HERE}.params:KernelDistanceParams",
            source="Bińkowski et al. 2018, Section 4",
        ),
        Metric(
            "precision_recall",
            f"{HERE}.precision_recall:PrecisionRecall",
            "how much of the samples is like the data, and how much of the data the samples reach",
            params=f"{HERE}.params:PrecisionRecallParams",
            source="Sajjadi et al. 2018, Algorithm 1; Kynkäänniemi et al. 2019, Eqs. 1 to 3",
        ),
    ]
