"""The figures that five papers print."""

from collections.abc import Sequence

from vaehub.registry import Entry, Published, hookimpl

HERE = "vaehub.plugins.published"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Published(
            "intervention",
            f"{HERE}:intervention.csv",
            "Intervention Analysis on the Latent Space of Variational Autoencoders",
            source="Müller, Predescu, Ludwig, Umaña Lemus & Sultanji 2025",
        ),
        Published(
            "mnist_vae",
            f"{HERE}:mnist_vae.csv",
            "Variational Autoencoders on MNIST: Latent Space Structure, Sampling, and Ablation Study",
            source="Shonia 2026, slides",
        ),
        Published(
            "ard",
            f"{HERE}:ard.csv",
            "ARD-VAE: A Statistical Formulation to Find the Relevant Latent Dimensions, with its supplement",
            source="Saha, Joshi & Whitaker 2025",
        ),
        Published(
            "polarised_regime",
            f"{HERE}:polarised_regime.csv",
            "The Polarised Regime of Variational Autoencoders, a thesis",
            source="Bonheme 2023",
        ),
        Published(
            "latent_response",
            f"{HERE}:latent_response.csv",
            "Interventional Assays for the Latent Space of Autoencoders",
            source="Leeb, Bauer & Schölkopf 2021",
        ),
    ]
