"""Looking at what a model learned: reconstructions, samples, interpolations, traversals and the latent space."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, Published, Study, hookimpl

HERE = "vaehub.plugins.qualitative"
SLIDES = "Shonia 2026, slides"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "reconstructions",
            f"{HERE}.reconstructions:Reconstructions",
            "observations beside their reconstructions",
            params=f"{HERE}.params:ReconstructionsParams",
            source=SLIDES,
            revision=2,
        ),
        Metric(
            "prior_samples",
            f"{HERE}.prior_samples:PriorSamples",
            "prior samples: decoded draws from the prior",
            params=f"{HERE}.params:PriorSamplesParams",
            source=SLIDES,
        ),
        Metric(
            "interpolation",
            f"{HERE}.interpolation:Interpolation",
            "latent interpolation: decoded steps between two posterior means",
            params=f"{HERE}.params:InterpolationParams",
            source=SLIDES,
        ),
        Metric(
            "latent_scatter",
            f"{HERE}.latent_scatter:LatentScatter",
            "latent space scatter plot: posterior means in the plane, by class",
            params=f"{HERE}.params:LatentScatterParams",
            source=SLIDES,
        ),
        Metric(
            "traversal",
            f"{HERE}.traversal:Traversal",
            "latent traversal: decoded images as one latent is changed and the rest are kept",
            params=f"{HERE}.params:TraversalParams",
            source="Higgins et al. 2017",
            revision=2,
        ),
        Study(
            "mnist_vae",
            f"{HERE}:study.toml",
            "autoencoders and VAEs on MNIST with 2 and 16 latents: latent space, samples and ablation",
            source=SLIDES,
        ),
        Published(
            "mnist_vae",
            "vaehub.plugins.qualitative:reference_values.csv",
            "Variational Autoencoders on MNIST: Latent Space Structure, Sampling, and Ablation Study",
            source="Shonia 2026, slides",
        ),
    ]
