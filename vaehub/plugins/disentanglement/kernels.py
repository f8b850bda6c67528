"""How far each latent stands for one factor of variation, and each factor for one latent.

Codes are a representation, shape ``(n, n_latents)``; factors the class that each observation has of each factor, shape
``(n, n_factors)``. All work is in float64. Scores are as the released code of Locatello et al. 2019 computes them,
unless said otherwise.
"""

from vaehub.plugins.disentanglement.group_scores import (
    HeldFactor,
    beta_vae_score,
    factor_vae_score,
    least_varying,
    mean_differences,
    varying_latents,
    vote_counts,
)
from vaehub.plugins.disentanglement.importance import (
    DciScores,
    Prediction,
    Predictor,
    completeness,
    dci,
    dci_of,
    disentanglement,
    factor_completeness,
    latent_disentanglement,
    predicted,
)
from vaehub.plugins.disentanglement.information import (
    factor_entropy,
    gaps,
    latent_modularity,
    mig,
    modularity,
    mutual_information,
)
from vaehub.plugins.disentanglement.robustness import Robustness, irs, irs_of, robustness
from vaehub.plugins.disentanglement.separation import sap, separations, single_latent_accuracy, squared_correlation
from vaehub.plugins.disentanglement.validation import n_levels

__all__ = [
    "DciScores",
    "HeldFactor",
    "Prediction",
    "Predictor",
    "Robustness",
    "beta_vae_score",
    "completeness",
    "dci",
    "dci_of",
    "disentanglement",
    "factor_completeness",
    "factor_entropy",
    "factor_vae_score",
    "gaps",
    "irs",
    "irs_of",
    "latent_disentanglement",
    "latent_modularity",
    "least_varying",
    "mean_differences",
    "mig",
    "modularity",
    "mutual_information",
    "n_levels",
    "predicted",
    "robustness",
    "sap",
    "separations",
    "single_latent_accuracy",
    "squared_correlation",
    "varying_latents",
    "vote_counts",
]
