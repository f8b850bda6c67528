"""Parameters of probes. Knows no torch."""

from typing import Literal

from vaehub import Field, Params

Classifier = Literal["logistic", "trees"]
Representation = Literal["mean", "sampled"]
Subset = Literal["all", "active", "mixed", "passive", "without_active", "without_mixed", "without_passive"]


class DownstreamProbeParams(Params):
    """Parameters of probes; defaults are the thesis's, without trees, which take hours if there are many classes."""

    classifiers: tuple[Classifier, ...] = Field(
        ("logistic",), min_length=1, description="logistic regression, gradient-boosted trees, or both"
    )
    representations: tuple[Representation, ...] = Field(
        ("mean", "sampled"), min_length=1, description="posterior means, or one draw for each observation"
    )
    subsets: tuple[Subset, ...] = Field(
        ("all", "active", "mixed", "passive", "without_active", "without_mixed", "without_passive"),
        min_length=1,
        description="latents that are given to the classifiers, by type; empty ones are left out",
    )
    factors: tuple[str, ...] = Field(
        (),
        description="factors to find, or 'label'; none takes all with more than one class, and labels where there are "
        "no factors",
    )
    n_train: int = Field(10_000, gt=1, description="observations that classifiers learn from, at most")
    n_test: int = Field(5000, gt=0, description="observations that they are tested on, at most")
    train_split: Literal["train", "all"] = Field("train", description="split of the data that classifiers learn from")
    test_split: Literal["validation", "test"] = Field(
        "validation", description="split of the data that they are tested on"
    )
    alpha: float = Field(
        0.1, gt=0, lt=0.5, description="how far a posterior variance may be from 0 or from the prior's, by type"
    )
    n_folds: int = Field(5, ge=2, le=1000, description="folds that choose the strength of logistic regression")
    max_iter: int = Field(
        1000, gt=0, le=1_000_000, description="steps of logistic regression, at most; convergence is recorded"
    )
    trees: Literal["exact", "histogram"] = Field(
        "exact", description="trees split at any value (exact) or between at most 255 bins, which is much faster"
    )
