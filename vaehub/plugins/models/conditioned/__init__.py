"""Models that use labels or factors: a VAE conditioned on them, and a classifier."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, Model, hookimpl


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
        Metric(
            "linear_ivae_theory",
            "vaehub.plugins.models.conditioned.linear_ivae_theory:LinearIvaeTheory",
            "prior and posterior variances that theory predicts for a linear iVAE, beside the learned ones",
            params="vaehub.plugins.models.conditioned.params:LinearIvaeTheoryParams",
            source="Bonheme 2023, Section 5.2",
        ),
    ]
