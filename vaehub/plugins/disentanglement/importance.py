"""Disentanglement, completeness and informativeness, from which latents predict which factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays
from vaehub.plugins.disentanglement.lightgbm_trees import lightgbm_trees
from vaehub.plugins.disentanglement.validation import check_vary, checked, checked_test

Predictor = Literal["gradient_boosting", "lightgbm"]
N_TREES, DEPTH, LEARNING_RATE = 100, 3, 0.1
"""Defaults of scikit-learn, which are what was published: for each class."""
SMALL = 1e-11
"""Added to importances before their entropy is taken: Locatello et al. 2019, released code."""


class Prediction(NamedTuple):
    """What predicts one factor.

    Attributes:
        importance: Share of each latent, shape ``(n_latents,)``: sum 1, or 0 where no latent helps.
        train_accuracy: Share of right answers on observations learned from.
        accuracy: Share of right answers on those tested on.
    """

    importance: NDArray[np.float64]
    train_accuracy: float
    accuracy: float


class DciScores(NamedTuple):
    """Three properties of a representation, each in [0, 1].

    Attributes:
        disentanglement: Whether each latent is important for one factor alone; ``nan`` for a single factor.
        completeness: Whether one latent alone is important for each factor; ``nan`` for a single latent.
        informativeness: Mean accuracy over factors, on observations tested on.
        train_informativeness: The same on observations learned from.
        importance: Of each latent for each factor, shape ``(n_latents, n_factors)``.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    train_informativeness: float
    importance: Tensor


@accepts_arrays
def dci(
    codes: Tensor,
    factors: Tensor,
    test_codes: Tensor | None = None,
    test_factors: Tensor | None = None,
    *,
    predictor: Predictor = "gradient_boosting",
    seed: int = 0,
) -> DciScores:
    """Return disentanglement, completeness and informativeness.

    Eastwood & Williams 2018, Section 2, as Locatello et al. 2019 compute them: importances are those of
    gradient-boosted trees, one model for each factor, where the first had lasso and random forests. They are not
    comparable from one predictor to another.

    Args:
        codes: Representation that predictors learn from, shape ``(n, n_latents)``.
        factors: Class of each factor, shape ``(n, n_factors)``, whole numbers, none constant.
        test_codes: Others that they are tested on, shape ``(k, n_latents)``; those learned from, if none are given.
        test_factors: Their classes, shape ``(k, n_factors)``.
        predictor: As in :func:`predicted`.
        seed: Decides between splits that are equally good.

    Returns:
        The three and what they come from.

    Raises:
        VaehubError: If codes and factors do not fit, a factor is constant, or LightGBM is missing.
    """
    codes, factors = checked(codes, factors)
    check_vary(factors)
    test_codes, test_factors = checked_test(codes, factors, test_codes, test_factors)
    train, test = (each.cpu().numpy() for each in (codes, test_codes))
    columns = zip(factors.mT.cpu().numpy(), test_factors.mT.cpu().numpy(), strict=True)
    return dci_of([predicted(train, some, test, others, predictor=predictor, seed=seed) for some, others in columns])


def dci_of(predictions: Sequence[Prediction]) -> DciScores:
    """Return what :func:`dci` does, from predictions of each factor that are known."""
    importance = torch.tensor(np.stack([each.importance for each in predictions], axis=1))
    return DciScores(
        disentanglement=disentanglement(importance),
        completeness=completeness(importance),
        informativeness=float(np.mean([each.accuracy for each in predictions])),
        train_informativeness=float(np.mean([each.train_accuracy for each in predictions])),
        importance=importance,
    )


@accepts_arrays
def disentanglement(importance: Tensor) -> float:
    """Return the mean of :func:`latent_disentanglement`, weighted by the share that a latent has of all importance.

    Eastwood & Williams 2018, Section 2. If nothing is important, all weigh the same.
    """
    return float((latent_disentanglement(importance) * _shares(importance, dim=1)).sum())


@accepts_arrays
def completeness(importance: Tensor) -> float:
    """Return the mean of :func:`factor_completeness`, weighted by the share that a factor has of all importance.

    Locatello et al. 2019, released code; Eastwood & Williams 2018 have it for each factor. If nothing is important, all
    weigh the same.
    """
    return float((factor_completeness(importance) * _shares(importance, dim=0)).sum())


@accepts_arrays
def latent_disentanglement(importance: Tensor) -> Tensor:
    """Return 1 less the entropy of the factors that each latent is important for.

    Eastwood & Williams 2018, Section 2, with logarithms to base ``n_factors``.

    Args:
        importance: At least 0, shape ``(n_latents, n_factors)``.

    Returns:
        In [0, 1], shape ``(n_latents,)``; 0 for a latent that is important for none; ``nan`` for a single factor.
    """
    return _concentration(importance.double())


@accepts_arrays
def factor_completeness(importance: Tensor) -> Tensor:
    """Return 1 less the entropy of the latents that are important for each factor.

    Eastwood & Williams 2018, Section 2, with logarithms to base ``n_latents``.

    Args:
        importance: At least 0, shape ``(n_latents, n_factors)``.

    Returns:
        In [0, 1], shape ``(n_factors,)``; 0 for a factor that none is important for; ``nan`` for a single latent.
    """
    return _concentration(importance.double().mT)


def predicted(
    codes: NDArray[Any],
    classes: NDArray[Any],
    test_codes: NDArray[Any],
    test_classes: NDArray[Any],
    *,
    predictor: Predictor = "gradient_boosting",
    seed: int = 0,
) -> Prediction:
    """Return how well gradient-boosted trees predict one factor, and from which latents.

    Args:
        codes: Representation to learn from, shape ``(n, n_latents)``, float64.
        classes: Class of each observation, shape ``(n,)``.
        test_codes: Representation to be tested on, shape ``(k, n_latents)``.
        test_classes: Class of each, shape ``(k,)``.
        predictor: ``gradient_boosting`` is scikit-learn's, as published: splits at any value, and importances by the
            mean decrease of impurity over trees. ``lightgbm`` has trees of the same number, depth and rate, that
            library's defaults else, splits between 255 bins at most, and importances by the sum of gains; tens of times
            as fast.
        seed: Decides between splits that are equally good.

    Returns:
        Importances and accuracies.

    Raises:
        VaehubError: If there is no such predictor, or LightGBM is missing.
    """
    if predictor == "lightgbm":
        light = lightgbm_trees(
            codes,
            classes,
            test_codes,
            test_classes,
            n_trees=N_TREES,
            depth=DEPTH,
            learning_rate=LEARNING_RATE,
            seed=seed,
        )
        return Prediction(_normalised(light.gains), light.train_accuracy, light.accuracy)
    if predictor != "gradient_boosting":
        raise VaehubError(f"predictor is {predictor!r} and should be 'gradient_boosting' or 'lightgbm'")
    trees = GradientBoostingClassifier(
        n_estimators=N_TREES, max_depth=DEPTH, learning_rate=LEARNING_RATE, random_state=seed
    ).fit(codes, classes)
    return Prediction(
        importance=_normalised(np.abs(trees.feature_importances_)),
        train_accuracy=float(trees.score(codes, classes)),
        accuracy=float(trees.score(test_codes, test_classes)),
    )


def _normalised(importance: NDArray[np.float64]) -> NDArray[np.float64]:
    total = importance.sum()
    return importance / total if total > 0 else importance


def _concentration(importance: Tensor) -> Tensor:
    """Return 1 less the entropy of each row, to the base of its length; ``nan`` if that is 1."""
    shares = importance + SMALL
    shares = shares / shares.sum(dim=1, keepdim=True)
    length = importance.shape[1]
    if length < 2:
        return torch.full_like(importance[:, 0], torch.nan)
    return 1 + shares.xlogy(shares).sum(dim=1) / math.log(length)


def _shares(importance: Tensor, *, dim: int) -> Tensor:
    sums = importance.double().sum(dim=dim)
    return sums / sums.sum() if sums.sum() > 0 else torch.full_like(sums, 1 / len(sums))
