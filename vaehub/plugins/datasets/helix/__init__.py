"""The double helix of the latent response paper."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Dataset(
            "helix",
            "vaehub.plugins.datasets.helix.source:Helix",
            "double helix: points on two strands wound round each other in 3D, drawn by seed",
            params="vaehub.plugins.datasets.helix.params:HelixParams",
            source="Leeb et al. 2021, Eq. 10",
            card="vaehub.plugins.datasets.helix.cards:HELIX",
        ),
    ]
