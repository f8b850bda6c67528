"""Mathematics of probes: subsets of latents, and accuracies of classifiers."""

import warnings
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import KFold

STRENGTHS = np.logspace(-4, 4, 10)
"""Inverse strengths of regularisation that logistic regression chooses from: Locatello et al. 2019, released code."""
N_TREES = 100
DEPTH = 3
LEARNING_RATE = 0.1

Mask = NDArray[np.bool_]


def subset_mask(subset: str, masks: Mapping[str, Mask]) -> Mask:
    """Return the latents of a subset: of ``all`` types, of one, or of all ``without_`` one."""
    if subset in masks:
        return masks[subset]
    excluded = masks.get(subset.removeprefix("without_"))
    everything = np.ones_like(next(iter(masks.values())))
    return everything if excluded is None else ~excluded


def folds_lack_a_class(classes: NDArray[Any], n_folds: int = 5) -> bool:
    """Say whether the training side of an unshuffled fold lacks a class: where all of a class are in one fold.

    Args:
        classes: Class of each observation, shape ``(n,)``.
        n_folds: How many, each a run of observations.
    """
    if len(classes) < n_folds:
        return True
    n_classes = len(np.unique(classes))
    return any(len(np.unique(classes[learning])) < n_classes for learning, _ in KFold(n_folds).split(classes))


class Probe(NamedTuple):
    """Accuracies of a classifier.

    Attributes:
        train_accuracy: Accuracy on the observations that it learned from.
        test_accuracy: Accuracy on others.
        converged: Whether its solver converged every time; always true for trees.
    """

    train_accuracy: float
    test_accuracy: float
    converged: bool


def logistic_probe(
    train: NDArray[Any],
    train_classes: NDArray[Any],
    test: NDArray[Any],
    test_classes: NDArray[Any],
    *,
    n_folds: int = 5,
    max_iter: int = 1000,
) -> Probe:
    """Return how well logistic regression finds classes in a representation.

    Bonheme 2023, Section 6.4.1, after Locatello et al. 2019: the strength is the one of :data:`STRENGTHS` with the
    best accuracy over unshuffled folds. The representation is taken as it is, not scaled. The thesis speaks of 300,000
    steps; its code stops after 100.

    Args:
        train: Representation to learn from, shape ``(n, p)``, float64.
        train_classes: Class of each observation, shape ``(n,)``.
        test: Representation to be tested on, shape ``(k, p)``.
        test_classes: Class of each, shape ``(k,)``.
        n_folds: Folds that choose the strength.
        max_iter: Steps of the solver, at most.
    """
    classifier = LogisticRegressionCV(
        Cs=STRENGTHS, cv=KFold(n_folds), max_iter=max_iter, scoring="accuracy", solver="lbfgs"
    )
    return _probed(classifier, train, train_classes, test, test_classes)


def trees_probe(
    train: NDArray[Any],
    train_classes: NDArray[Any],
    test: NDArray[Any],
    test_classes: NDArray[Any],
    *,
    kind: Literal["exact", "histogram"] = "exact",
    seed: int = 0,
) -> Probe:
    """Return how well gradient-boosted trees find classes in a representation: 100 of depth 3 for each class.

    Bonheme 2023, Section 8.4.1, after Locatello et al. 2019; ``histogram`` is not what they used. Other arguments are
    those of :func:`logistic_probe`.

    Args:
        train: Representation to learn from.
        train_classes: Class of each observation.
        test: Representation to be tested on.
        test_classes: Class of each.
        kind: Whether splits are at any value, or between bins.
        seed: Decides between splits that are equally good.
    """
    shared = {"max_depth": DEPTH, "learning_rate": LEARNING_RATE, "random_state": seed}
    if kind == "exact":
        classifier = GradientBoostingClassifier(n_estimators=N_TREES, **shared)
    else:
        # Left alone, it would hold observations back and stop early where there are more than 10,000.
        classifier = HistGradientBoostingClassifier(max_iter=N_TREES, early_stopping=False, **shared)
    return _probed(classifier, train, train_classes, test, test_classes)


def _probed(
    classifier: Any,  # of a library without types
    train: NDArray[Any],
    train_classes: NDArray[Any],
    test: NDArray[Any],
    test_classes: NDArray[Any],
) -> Probe:
    with warnings.catch_warnings(record=True) as caught:
        # Arguments deprecated in one version of scikit-learn are needed by another.
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ConvergenceWarning)
        classifier.fit(train, train_classes)
        scores = classifier.score(train, train_classes), classifier.score(test, test_classes)
    return Probe(
        train_accuracy=float(scores[0]),
        test_accuracy=float(scores[1]),
        converged=not any(issubclass(each.category, ConvergenceWarning) for each in caught),
    )
