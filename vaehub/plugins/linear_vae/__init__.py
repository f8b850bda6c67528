"""The linear VAE, whose optimum is known: probabilistic principal component analysis."""

from collections.abc import Sequence

from vaehub.registry import Entry, Model, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Model(
            "linear_vae",
            "vaehub.plugins.linear_vae.model:LinearVae",
            "linear VAE with its exact bound, by gradient steps or in closed form",
            params="vaehub.plugins.linear_vae.params:LinearVaeParams",
            source="Lucas et al. 2019",
        ),
    ]
