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
            "VAE whose prior variances are learned from the encoded data",
            params="vaehub.plugins.ard.params:ArdParams",
            source=f"{PAPER}, Algorithms 1 and 2",
        ),
        Metric(
            "relevance",
            "vaehub.plugins.ard.relevance:Relevance",
            "relevance of each latent, and how many are active",
            params="vaehub.plugins.ard.params:RelevanceParams",
            source=f"{PAPER}, Eqs. 19 and 20",
        ),
        Metric(
            "relevant_dimension",
            "vaehub.plugins.ard.dimension:RelevantDimension",
            "how many latents are active, of a model with latents to spare",
            params="vaehub.plugins.ard.params:RelevantDimensionParams",
            source=f"{PAPER}, Section 4.2",
            subject="recipe",
            suggests=Suggests("n_latents", "latents that make up 99 % of the relevance", model="ard"),
        ),
        Study(
            "ard",
            "vaehub.plugins.ard:study.toml",
            "relevant latents, scores and samples of ARD-VAE beside those of other methods: Tables 1 to 5",
            source=PAPER,
        ),
        Published(
            "ard",
            "vaehub.plugins.ard:reference_values.csv",
            "ARD-VAE: A Statistical Formulation to Find the Relevant Latent Dimensions, with its supplement",
            source="Saha, Joshi & Whitaker 2025",
        ),
    ]
