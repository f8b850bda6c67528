"""The evidence lower bound, and its place between rate and distortion (Alemi et al. 2018; Bonheme 2023, Eq. 4.19)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, hookimpl

HERE = "vaehub.plugins.rate_distortion"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "elbo",
            f"{HERE}.elbo:Elbo",
            "ELBO: evidence lower bound with its terms, distortion and KL, in nats per observation",
            params=f"{HERE}.params:ElboParams",
            source="Kingma & Welling 2014, Eq. 3",
            revision=2,
            units=dict.fromkeys(("elbo", "distortion", "kl"), "nats"),
        ),
        Metric(
            "rate_distortion",
            f"{HERE}.rate_distortion:RateDistortion",
            "rate and distortion, with the rate's two terms: mutual information and KL of the aggregate posterior",
            params=f"{HERE}.params:RateDistortionParams",
            source="Alemi et al. 2018; Bonheme 2023, Eq. 4.19; Chen et al. 2018, Appendix C",
            revision=2,
            units=dict.fromkeys(
                (
                    *("rate", "distortion", "elbo", "mutual_information", "mutual_information_se"),
                    *("marginal_kl", "log_n"),
                ),
                "nats",
            ),
        ),
        Metric(
            "rate_distortion_plane",
            f"{HERE}.rate_distortion_plane:RateDistortionPlane",
            "rate-distortion plane of the trainings in a query",
            params=f"{HERE}.params:RateDistortionPlaneParams",
            source="Alemi et al. 2018",
            subject="rows",
        ),
    ]
