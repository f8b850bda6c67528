"""What each latent contributes to the error of a reconstruction from a sample (Müller et al. 2025)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "intervention",
            "vaehub.plugins.intervention.intervention:Intervention",
            "share of each latent in the error that sampling adds, from setting it to its mean",
            params="vaehub.plugins.intervention.params:InterventionParams",
            source="Müller et al. 2025, Sections 2.4 and 2.5",
        ),
    ]
