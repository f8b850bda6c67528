"""Models that know labels or factors: a VAE conditioned on them, and a classifier of them."""

from collections.abc import Sequence

from vaehub.registry import Entry, Model, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Model(
            "ivae",
            "vaehub.plugins.models.conditioned.ivae:Ivae",
            "VAE whose posterior and prior depend on known labels or factors",
            params="vaehub.plugins.models.conditioned.params:IvaeParams",
            source="Khemakhem et al. 2020",
        ),
        Model(
            "classifier",
            "vaehub.plugins.models.conditioned.classifier:Classifier",
            "an encoder that learns labels or factors, to compare with that of a VAE",
            params="vaehub.plugins.models.conditioned.params:ClassifierParams",
            source="Bonheme 2023, Appendix C.3",
        ),
    ]
