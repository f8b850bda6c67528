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
            "MIG: mutual information gap between the two most informative latents of each factor",
            params=f"{HERE}.params:InformationParams",
            source="Chen et al. 2018",
            units={"mutual_information": "nats", "entropy": "nats"},
        ),
        Metric(
            "modularity",
            f"{HERE}.modularity:Modularity",
            "modularity: whether each latent depends on only one factor, by mutual information",
            params=f"{HERE}.params:InformationParams",
            source="Ridgeway & Mozer 2018",
        ),
        Metric(
            "dci",
            f"{HERE}.dci:Dci",
            "DCI: disentanglement, completeness and informativeness, from feature importances of boosted trees",
            params=f"{HERE}.params:DciParams",
            source="Eastwood & Williams 2018",
        ),
        Metric(
            "sap",
            f"{HERE}.sap:Sap",
            "SAP: separated attribute predictability, the gap between the two latents that predict a factor best",
            params=f"{HERE}.params:SapParams",
            source="Kumar et al. 2018",
        ),
        Metric(
            "irs",
            f"{HERE}.irs:Irs",
            "IRS: interventional robustness of latents when nuisance factors vary",
            params=f"{HERE}.params:IrsParams",
            source="Suter et al. 2019",
        ),
        Metric(
            "factor_vae_score",
            f"{HERE}.factor_vae_score:FactorVaeScore",
            "FactorVAE score: accuracy of predicting the fixed factor from the latent that varies least",
            params=f"{HERE}.params:FactorVaeScoreParams",
            source="Kim & Mnih 2018",
        ),
        Metric(
            "beta_vae_score",
            f"{HERE}.beta_vae_score:BetaVaeScore",
            "beta-VAE score: accuracy of predicting the fixed factor from mean differences of latents",
            params=f"{HERE}.params:BetaVaeScoreParams",
            source="Higgins et al. 2017",
        ),
    ]
