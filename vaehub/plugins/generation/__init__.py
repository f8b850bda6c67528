"""How close a model's samples are to the data (Heusel et al. 2017; Sajjadi et al. 2018)."""

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
            "Fréchet distance between features of samples and data; FID with Inception features",
            params=f"{HERE}.params:FrechetDistanceParams",
            source="Heusel et al. 2017, Eq. 6",
            revision=2,
        ),
        Metric(
            "kernel_distance",
            f"{HERE}.kernel_distance:KernelDistance",
            "kernel distance (squared MMD) between features of samples and data; KID with Inception features",
            params=f"{HERE}.params:KernelDistanceParams",
            source="Bińkowski et al. 2018, Section 4",
            revision=2,
        ),
        Metric(
            "precision_recall",
            f"{HERE}.precision_recall:PrecisionRecall",
            "precision and recall of samples against data, by clusters or by nearest neighbours",
            params=f"{HERE}.params:PrecisionRecallParams",
            source="Sajjadi et al. 2018, Algorithm 1; Kynkäänniemi et al. 2019, Eqs. 1 to 3",
            revision=2,
        ),
    ]
