"""ARD-VAE: a learned hierarchical prior that finds the relevant latent dimensions (Saha, Joshi & Whitaker 2025)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, Model, Published, Study, Suggests, hookimpl

PAPER = "Saha, Joshi & Whitaker 2025"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Model(
            "ard",
            "vaehub.plugins.ard.model:ArdVae",
            "ARD-VAE: VAE with a hierarchical prior, whose variance of each latent is estimated from the encoded data",
            params="vaehub.plugins.ard.params:ArdParams",
            source=f"{PAPER}, Algorithms 1 and 2",
        ),
        Metric(
            "relevance",
            "vaehub.plugins.ard.relevance:Relevance",
            "relevance of each latent and the number of active latents (ARD score)",
            params="vaehub.plugins.ard.params:RelevanceParams",
            source=f"{PAPER}, Eqs. 19 and 20",
            revision=3,
        ),
        Metric(
            "relevant_dimension",
            "vaehub.plugins.ard.dimension:RelevantDimension",
            "number of active latents by relevance, of a model with more latents than it needs",
            params="vaehub.plugins.ard.params:RelevantDimensionParams",
            source=f"{PAPER}, Section 4.1.2",
            subject="recipe",
            suggests=Suggests(
                "n_latents", "latents that make up 99 % of the relevance", model="ard", needs_stable=True
            ),
        ),
        Study(
            "ard",
            "vaehub.plugins.ard:study.toml",
            "ARD-VAE beside other methods: active latents, disentanglement and samples (Tables 1 to 5)",
            source=PAPER,
        ),
        Published(
            "ard",
            "vaehub.plugins.ard:reference_values.csv",
            "ARD-VAE: A Statistical Formulation to Find the Relevant Latent Dimensions, with its supplement",
            source="Saha, Joshi & Whitaker 2025",
        ),
    ]
