"""How far each latent stands for one factor of variation (Locatello et al. 2019, and the papers of each score)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, hookimpl

HERE = "vaehub.plugins.disentanglement"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "mig",
            f"{HERE}.mig:Mig",
            "mutual information gap: how much more the first latent says of a factor than the second",
            params=f"{HERE}.params:InformationParams",
            source="Chen et al. 2018",
        ),
        Metric(
            "modularity",
            f"{HERE}.modularity:Modularity",
            "whether each latent depends on one factor alone, by mutual information",
            params=f"{HERE}.params:InformationParams",
            source="Ridgeway & Mozer 2018",
        ),
        Metric(
            "dci",
            f"{HERE}.dci:Dci",
            "disentanglement, completeness and informativeness, from what boosted trees find important",
            params=f"{HERE}.params:DciParams",
            source="Eastwood & Williams 2018",
        ),
        Metric(
            "sap",
            f"{HERE}.sap:Sap",
            "separated attribute predictability: how much better the first latent tells a factor than the second",
            params=f"{HERE}.params:SapParams",
            source="Kumar et al. 2018",
        ),
        Metric(
            "irs",
            f"{HERE}.irs:Irs",
            "interventional robustness: whether latents stay while their factor does and others vary",
            params=f"{HERE}.params:IrsParams",
            source="Suter et al. 2019",
        ),
        Metric(
            "factor_vae_score",
            f"{HERE}.factor_vae_score:FactorVaeScore",
            "whether the latent that varies least tells which factor is held",
            params=f"{HERE}.params:FactorVaeScoreParams",
            source="Kim & Mnih 2018",
        ),
        Metric(
            "beta_vae_score",
            f"{HERE}.beta_vae_score:BetaVaeScore",
            "whether logistic regression tells which factor is held from mean differences of latents",
            params=f"{HERE}.params:BetaVaeScoreParams",
            source="Higgins et al. 2017",
        ),
    ]
