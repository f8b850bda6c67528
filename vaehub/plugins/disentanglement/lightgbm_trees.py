"""Gradient-boosted trees by LightGBM."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import VaehubError


class LightgbmTrees(NamedTuple):
    """Importances and accuracies of trees.

    Attributes:
        gains: Sum of the gains of all splits at each latent, shape ``(n_latents,)``.
        train_accuracy: Share of right answers on observations learned from.
        accuracy: Share of right answers on those tested on.
    """

    gains: NDArray[np.float64]
    train_accuracy: float
    accuracy: float


def lightgbm_trees(
    codes: NDArray[Any],
    classes: NDArray[Any],
    test_codes: NDArray[Any],
    test_classes: NDArray[Any],
    *,
    n_trees: int,
    depth: int,
    learning_rate: float,
    seed: int,
) -> LightgbmTrees:
    """Return importances and accuracies of trees: n_trees for each class, or for one of two; LightGBM's defaults else.

    Args:
        codes: Representation to learn from, shape ``(n, n_latents)``, float64.
        classes: Class of each observation, shape ``(n,)``; at least two.
        test_codes: Representation to be tested on, shape ``(k, n_latents)``.
        test_classes: Class of each, shape ``(k,)``; one that was not learned is never found.
        n_trees: How many for each class.
        depth: Of each.
        learning_rate: Share of each that counts.
        seed: Decides between splits that are equally good.

    Raises:
        VaehubError: If LightGBM is missing.
    """
    try:
        import lightgbm
    except ImportError as error:
        raise VaehubError(
            "the predictor 'lightgbm' needs a package that is not installed: pip install 'vaehub[boosting]'; "
            "'gradient_boosting' works without"
        ) from error
    known, levels = np.unique(classes, return_inverse=True)
    params = {
        **({"objective": "multiclass", "num_class": len(known)} if len(known) > 2 else {"objective": "binary"}),
        "max_depth": depth,
        "num_leaves": 2**depth,
        "learning_rate": learning_rate,
        "seed": seed,
        "num_threads": torch.get_num_threads(),
        # The same trees for any number of threads.
        "deterministic": True,
        "force_col_wise": True,
        "metric": "None",
        "verbosity": -1,
    }
    train = lightgbm.Dataset(codes, levels, params=params)
    trees = lightgbm.Booster(params, train)
    # A validation set is scored tree by tree while they grow, which is several times faster than doing it later.
    trees.add_valid(lightgbm.Dataset(test_codes, np.zeros(len(test_codes)), reference=train, params=params), "test")
    for _ in range(n_trees):
        if trees.update():
            break  # there is nothing left to split

    def accuracy_of(wanted: NDArray[Any]) -> Any:  # a function as LightGBM calls it
        def share_right(scores: NDArray[np.float64], _: Any) -> tuple[str, float, bool]:
            found = scores.argmax(axis=1) if scores.ndim == 2 else scores > 0.5
            return "accuracy", float((known[found.astype(int)] == wanted).mean()), True

        return share_right

    # Each answers with one row: the set, the name of the measure, and the value.
    train_accuracy, accuracy = (
        float(row[2]) for [row] in (trees.eval_train(accuracy_of(classes)), trees.eval_valid(accuracy_of(test_classes)))
    )
    return LightgbmTrees(np.asarray(trees.feature_importance("gain"), np.float64), train_accuracy, accuracy)
