"""Plain autoencoders, and variational autoencoders with a standard normal prior."""

from collections.abc import Sequence

from vaehub.registry import Entry, Model, hookimpl


def _vae(name: str, target: str, summary: str, source: str) -> Model:
    return Model(
        name,
        f"vaehub.plugins.models.vae.model:{target}",
        summary,
        params=f"vaehub.plugins.models.vae.params:{target}Params",
        source=source,
    )


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Model(
            "ae",
            "vaehub.plugins.models.vae.ae:Ae",
            "deterministic autoencoder, without a prior",
            params="vaehub.plugins.models.vae.params:VaeParams",
            source="Hinton & Salakhutdinov 2006",
        ),
        _vae("vae", "Vae", "VAE: variational autoencoder with a standard normal prior", "Kingma & Welling 2014"),
        _vae("beta_vae", "BetaVae", "beta-VAE: VAE whose KL divergence is weighted by beta", "Higgins et al. 2017"),
        _vae(
            "annealed_vae",
            "AnnealedVae",
            "VAE with controlled capacity: the KL divergence is held to a target that rises (annealed VAE)",
            "Burgess et al. 2018",
        ),
        _vae(
            "beta_tc_vae",
            "BetaTcVae",
            "beta-TC-VAE: VAE whose total correlation term is weighted by beta",
            "Chen et al. 2018",
        ),
        _vae("dip_vae_i", "DipVaeI", "DIP-VAE-I: VAE that decorrelates its posterior means", "Kumar et al. 2018"),
        _vae(
            "dip_vae_ii", "DipVaeII", "DIP-VAE-II: VAE that decorrelates its aggregate posterior", "Kumar et al. 2018"
        ),
        Model(
            "factor_vae",
            "vaehub.plugins.models.vae.factor:FactorVae",
            "FactorVAE: VAE whose total correlation, estimated by a discriminator, is penalised",
            params="vaehub.plugins.models.vae.params:FactorVaeParams",
            source="Kim & Mnih 2018",
        ),
    ]
