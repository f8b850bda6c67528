"""How well simple classifiers predict factors from representations (Bonheme 2023, Sections 6.4.1 and 8.4.1)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "downstream_probe",
            "vaehub.plugins.probes.downstream_probe:DownstreamProbe",
            "probing accuracy of classifiers on representations, on all latents and by variable type",
            params="vaehub.plugins.probes.params:DownstreamProbeParams",
            source="Bonheme 2023, Sections 6.4.1 and 8.4.1",
        ),
    ]
