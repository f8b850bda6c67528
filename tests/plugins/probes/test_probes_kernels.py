"""Mathematics of probes."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from vaehub.plugins.probes.kernels import (
    folds_lack_a_class,
    logistic_probe,
    subset_mask,
    trees_probe,
)


def separated(rng, n=300, n_classes=3):
    classes = rng.integers(0, n_classes, size=n)
    return 6 * np.eye(n_classes)[classes] + rng.normal(size=(n, n_classes)), classes


def halves(x, classes):
    n = len(x) // 2
    return x[:n], classes[:n], x[n:], classes[n:]


def test_subsets_are_types_pairs_of_types_and_all(rng):
    masks = {name: np.arange(3) == at for at, name in enumerate(("active", "mixed", "passive"))}
    subsets = ("all", "active", "mixed", "passive", "without_active", "without_mixed", "without_passive")
    found = {name: np.flatnonzero(subset_mask(name, masks)).tolist() for name in subsets}
    assert found == {
        "all": [0, 1, 2],
        "active": [0],
        "mixed": [1],
        "passive": [2],
        "without_active": [1, 2],
        "without_mixed": [0, 2],
        "without_passive": [0, 1],
    }


PROBES = [
    logistic_probe,
    trees_probe,
    lambda *data: trees_probe(*data, kind="histogram"),
]


@pytest.mark.parametrize("probe", PROBES)
def test_classes_that_lie_apart_are_found(probe, rng):
    found = probe(*halves(*separated(rng)))
    assert found.test_accuracy > 0.95
    assert found.train_accuracy > 0.95
    assert found.converged


@pytest.mark.parametrize("probe", PROBES)
def test_noise_gives_chance(probe, rng):
    classes = rng.integers(0, 4, size=1600)
    found = probe(*halves(rng.normal(size=(1600, 2)), classes))
    assert found.test_accuracy == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 800))


def test_only_trees_find_what_no_line_separates(rng):
    x = rng.uniform(-1, 1, size=(1000, 2))
    data = halves(x, (x[:, 0] * x[:, 1] > 0).astype(int))
    assert logistic_probe(*data).test_accuracy < 0.65
    assert trees_probe(*data).test_accuracy > 0.9


def test_the_order_and_sign_of_latents_do_not_matter(rng):
    train, train_classes, test, test_classes = halves(*separated(rng))
    turned = logistic_probe(-train[:, ::-1], train_classes, -test[:, ::-1], test_classes)
    assert turned.test_accuracy == pytest.approx(logistic_probe(train, train_classes, test, test_classes).test_accuracy)


def test_a_solver_that_runs_out_of_steps_is_recorded_and_raises_no_warning(rng, recwarn):
    assert not logistic_probe(*halves(*separated(rng)), max_iter=2).converged
    assert not [each for each in recwarn if issubclass(each.category, ConvergenceWarning | FutureWarning)]


def test_trees_are_the_same_for_the_same_seed(rng):
    data = halves(*separated(rng))
    assert trees_probe(*data, seed=3) == trees_probe(*data, seed=3)


def test_a_class_in_one_fold_alone_is_noticed():
    classes = np.tile([0, 1], 50)
    assert not folds_lack_a_class(classes)
    classes[[3, 5]] = 2
    assert folds_lack_a_class(classes)
    classes[90] = 2
    assert not folds_lack_a_class(classes)
    assert folds_lack_a_class(np.array([0, 1, 0, 1]))
