"""Models that use labels or factors: a VAE conditioned on them, and a classifier."""

from collections.abc import Sequence

from vaehub.registry import Entry, Model, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Model(
            "ivae",
            "vaehub.plugins.models.conditioned.ivae:Ivae",
            "iVAE: identifiable VAE, whose posterior and prior are conditioned on labels or factors",
            params="vaehub.plugins.models.conditioned.params:IvaeParams",
            source="Khemakhem et al. 2020",
        ),
        Model(
            "classifier",
            "vaehub.plugins.models.conditioned.classifier:Classifier",
            "supervised baseline: an encoder with classification heads for labels or factors",
            params="vaehub.plugins.models.conditioned.params:ClassifierParams",
            source="Bonheme 2023, Appendix C.3",
        ),
    ]
