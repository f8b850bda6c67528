"""Autoencoders that learn their number of latents."""

from collections.abc import Sequence

from vaehub.registry import Entry, Model, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Model(
            "geco_l0_arm",
            "vaehub.plugins.models.pruned.geco:GecoL0Arm",
            "GECO-L0-ARM: VAE that prunes latents with binary gates (L0) under a reconstruction constraint",
            params="vaehub.plugins.models.pruned.params:GecoL0ArmParams",
            source="De Boom et al. 2020",
            revision=3,
        ),
        Model(
            "mask_aae",
            "vaehub.plugins.models.pruned.mask:MaskAae",
            "MaskAAE: adversarial autoencoder with a learned mask over the latents",
            params="vaehub.plugins.models.pruned.params:MaskAaeParams",
            source="Mondal et al. 2020",
            revision=2,
        ),
    ]
