"""What each latent contributes to the error of a reconstruction from a sample (Müller et al. 2025)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, Published, Study, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "intervention",
            "vaehub.plugins.intervention.intervention:Intervention",
            "intervention ratios: share of each latent in the reconstruction error that sampling adds",
            params="vaehub.plugins.intervention.params:InterventionParams",
            source="Müller et al. 2025, Sections 2.4 and 2.5",
            revision=2,
        ),
        Metric(
            "joint_intervention",
            "vaehub.plugins.intervention.joint_intervention:JointIntervention",
            "greedy order of latents by the error that fixing them jointly to their means removes",
            params="vaehub.plugins.intervention.params:JointInterventionParams",
            source="after Müller et al. 2025, Section 2.4",
        ),
        Metric(
            "intervention_diversity",
            "vaehub.plugins.intervention.intervention_diversity:InterventionDiversity",
            "drop in the diversity of decoded samples when a latent is fixed to one value",
            params="vaehub.plugins.intervention.params:InterventionDiversityParams",
            source="after Müller et al. 2025, Sections 2.2 and 2.4; Wang et al. 2004",
        ),
        Metric(
            "intervention_tradeoff",
            "vaehub.plugins.intervention.intervention_tradeoff:InterventionTradeoff",
            "error removed and variety kept as the most significant latents are fixed jointly to their means",
            params="vaehub.plugins.intervention.params:InterventionTradeoffParams",
            source="after Müller et al. 2025, Sections 1.6 and 4.2",
        ),
        Study(
            "intervention",
            "vaehub.plugins.intervention:study.toml",
            "intervention ratios against the diversity of the data (Tables 3.1 to 3.3)",
            source="Müller et al. 2025",
        ),
        Published(
            "intervention",
            "vaehub.plugins.intervention:reference_values.csv",
            "Intervention Analysis on the Latent Space of Variational Autoencoders",
            source="Müller, Predescu, Ludwig, Umaña Lemus & Sultanji 2025",
        ),
    ]
