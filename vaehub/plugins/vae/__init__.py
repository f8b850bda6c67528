"""Variational autoencoders with a standard normal prior (Kingma & Welling 2014; Higgins et al. 2017)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, Model, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Model(
            "vae",
            "vaehub.plugins.vae.model:Vae",
            "variational autoencoder",
            params="vaehub.plugins.vae.params:VaeParams",
            source="Kingma & Welling 2014",
        ),
        Model(
            "beta_vae",
            "vaehub.plugins.vae.model:BetaVae",
            "VAE whose divergence is weighted by beta",
            params="vaehub.plugins.vae.params:BetaVaeParams",
            source="Higgins et al. 2017",
        ),
        Metric(
            "elbo",
            "vaehub.plugins.vae.elbo:Elbo",
            "evidence lower bound and its two terms, in nats per observation",
            params="vaehub.plugins.vae.params:ElboParams",
            source="Kingma & Welling 2014, Eq. 3",
        ),
    ]
