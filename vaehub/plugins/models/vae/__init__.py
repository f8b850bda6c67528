"""Autoencoders, and variational ones with a standard normal prior."""

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
            "autoencoder without noise and without a prior",
            params="vaehub.plugins.models.vae.params:VaeParams",
            source="Hinton & Salakhutdinov 2006",
        ),
        _vae("vae", "Vae", "variational autoencoder", "Kingma & Welling 2014"),
        _vae("beta_vae", "BetaVae", "VAE whose divergence is weighted by beta", "Higgins et al. 2017"),
        _vae("annealed_vae", "AnnealedVae", "VAE whose divergence follows a rising capacity", "Burgess et al. 2018"),
        _vae("beta_tc_vae", "BetaTcVae", "VAE whose total correlation is weighted by beta", "Chen et al. 2018"),
        _vae("dip_vae_i", "DipVaeI", "VAE whose posterior means are decorrelated", "Kumar et al. 2018"),
        _vae("dip_vae_ii", "DipVaeII", "VAE whose aggregate posterior is decorrelated", "Kumar et al. 2018"),
        Model(
            "factor_vae",
            "vaehub.plugins.models.vae.factor:FactorVae",
            "VAE whose total correlation is weighted, as a discriminator sees it",
            params="vaehub.plugins.models.vae.params:FactorVaeParams",
            source="Kim & Mnih 2018",
        ),
    ]
