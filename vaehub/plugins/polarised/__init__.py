"""The polarised regime: which latents a model uses, and how latents depend on each other (Bonheme 2023)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, Published, Study, hookimpl

HERE = "vaehub.plugins.polarised"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "variable_types",
            f"{HERE}.variable_types:VariableTypes",
            "posterior collapse by latent: active, mixed and passive variables (polarised regime)",
            params=f"{HERE}.params:VariableTypesParams",
            source="Bonheme 2023, Section 6.4.1",
            revision=2,
        ),
        Metric(
            "dependence",
            f"{HERE}.dependence:Dependence",
            "total correlation, averaged mutual information and effective rank of the mean and sampled representations",
            params=f"{HERE}.params:DependenceParams",
            source="Bonheme 2023, Section 6.4.2",
            units={"total_correlation": "nats", "averaged_mutual_information": "nats"},
        ),
        Metric(
            "latent_correlation",
            f"{HERE}.latent_correlation:LatentCorrelation",
            "correlation matrix of the latents, of the mean and sampled representations",
            params=f"{HERE}.params:LatentCorrelationParams",
            source="Bonheme 2023, Section 6.5",
            revision=2,
        ),
        Metric(
            "latent_history",
            f"{HERE}.latent_history:LatentHistory",
            "a value of each latent over the snapshots of a training, from a query",
            subject="rows",
            params=f"{HERE}.params:LatentHistoryParams",
            source="Bonheme 2023, Figure 6.10",
        ),
        Study(
            "polarised",
            f"{HERE}:study.toml",
            "variable types and dependence of latents as regularisation grows, for four models on sprites",
            source="Bonheme 2023, Chapter 6",
        ),
        Study(
            "ivae",
            f"{HERE}:ivae.toml",
            "variable types of iVAE and VAE with 30 latents, on sprites",
            source="Bonheme 2023, Chapter 5",
        ),
        Published(
            "polarised_regime",
            "vaehub.plugins.polarised:reference_values.csv",
            "The Polarised Regime of Variational Autoencoders, a thesis",
            source="Bonheme 2023",
        ),
    ]
