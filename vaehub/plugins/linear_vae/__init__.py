"""The linear VAE, whose optimum is known: probabilistic principal component analysis."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, Model, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Model(
            "linear_vae",
            "vaehub.plugins.linear_vae.model:LinearVae",
            "linear VAE (probabilistic PCA), with its analytic ELBO, by gradient steps or in closed form",
            params="vaehub.plugins.linear_vae.params:LinearVaeParams",
            source="Lucas et al. 2019",
            revision=2,
        ),
        Metric(
            "linear_vae_theory",
            "vaehub.plugins.linear_vae.linear_vae_theory:LinearVaeTheory",
            "posterior variances that theory predicts for a linear VAE, beside the learned ones",
            params="vaehub.plugins.linear_vae.params:LinearVaeTheoryParams",
            source="Bonheme 2023, Eqs. 4.15, 4.16, 4.23 and 4.24; Lucas et al. 2019",
            revision=2,
        ),
    ]
