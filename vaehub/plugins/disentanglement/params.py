"""Parameters of the scores. Knows no torch."""

from typing import Annotated, Literal

from pydantic import Field as Bound

from vaehub import Field, SampleParams, SampleSize, SplitName, SplitParams

Latents = Annotated[tuple[Annotated[int, Bound(ge=0)], ...], Bound(min_length=1)]


TYPES = ("active", "without_passive")
"""Choices of latents by their posterior variances."""


class ScoreParams(SplitParams):
    """Parameters of every score: which latents of which representation, and which factors."""

    representation: Literal["mean", "sampled"] = Field(
        "mean", description="posterior means, or one draw for each observation"
    )
    latents: Literal["all", "active", "without_passive", "relevant"] | Latents = Field(
        "all",
        description="latents that are scored: by type; relevant, as the metric relevance counts them; or their numbers "
        "from 0",
    )
    explained: float = Field(0.99, gt=0, le=1, description="share of the total relevance that relevant latents exceed")
    n_jacobian: int = Field(
        100, gt=0, description="observations over which relevance is averaged, at most; only with latents=relevant"
    )
    alpha: float = Field(
        0.1, gt=0, lt=0.5, description="how far a posterior variance may be from 0 or from the prior's, by type"
    )
    factors: tuple[str, ...] = Field((), description="factors that are scored; none takes all that vary")
    split: SplitName = Field("all", description="split of the data that is used")

    @property
    def needs_variances(self) -> bool:
        """Whether it takes posterior variances to know what is scored."""
        return self.representation == "sampled" or self.latents in TYPES


class InformationParams(ScoreParams, SampleParams):
    """Parameters of scores of mutual information."""

    n_samples: SampleSize = Field(10_000, description="observations encoded; all there are, if the split has fewer")
    bins: int = Field(20, ge=2, le=1000, description="bins of each latent, of equal width over its own range")


class IrsParams(ScoreParams, SampleParams):
    """Parameters of interventional robustness."""

    n_samples: SampleSize = Field(10_000, description="observations encoded; all there are, if the split has fewer")
    quantile: float = Field(
        0.99, gt=0, le=1, description="quantile of deviations within a group; 1 is the paper's maximum"
    )
    bins: int = Field(20, ge=2, le=1000, description="bins that a factor with more classes is cut into")


class LearnedParams(ScoreParams):
    """Parameters of scores for which something learns from some observations and is tested on others."""

    n_train: int = Field(10_000, ge=2, description="observations learned from")
    n_test: int = Field(5000, ge=1, description="others tested on; where the split has too few for both, a third of it")


class SapParams(LearnedParams):
    """Parameters of separated attribute predictability."""

    variant: Literal["discrete", "continuous"] = Field(
        "discrete", description="whether factors are classes, or numbers whose correlation with latents counts"
    )


class DciParams(LearnedParams):
    """Parameters of disentanglement, completeness and informativeness."""

    predictor: Literal["gradient_boosting", "lightgbm"] = Field(
        "gradient_boosting",
        description="trees of scikit-learn, as published, or of LightGBM, tens of times as fast; scores of one do not "
        "compare with those of the other",
    )


class FactorVaeScoreParams(ScoreParams):
    """Parameters of FactorVAE's score."""

    n_votes: int = Field(10_000, ge=2, le=1_000_000, description="groups that the classifier learns from")
    n_test_votes: int = Field(5000, ge=1, le=1_000_000, description="groups that it is tested on")
    group_size: int = Field(
        64, ge=2, le=100_000, description="observations in a group, drawn with replacement, that share a factor"
    )
    n_variance: int = Field(
        10_000, ge=2, description="observations over which the variance of each latent is taken, at most"
    )
    threshold: float = Field(
        0.05, ge=0, description="standard deviation below which a latent is left out, in the latent's own unit"
    )


class BetaVaeScoreParams(ScoreParams):
    """Parameters of beta-VAE's score."""

    n_train: int = Field(10_000, ge=2, le=1_000_000, description="groups that the classifier learns from")
    n_test: int = Field(5000, ge=1, le=1_000_000, description="groups that it is tested on")
    n_pairs: int = Field(
        64, ge=1, le=100_000, description="pairs in a group, drawn with replacement, each of which shares a factor"
    )
    max_iter: int = Field(
        1000, gt=0, le=1_000_000, description="steps of logistic regression, at most; convergence is recorded"
    )
