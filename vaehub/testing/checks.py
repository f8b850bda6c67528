"""One check for each kind, by name in the catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vaehub.core.metric import Columns
from vaehub.registry.catalog import Catalog
from vaehub.testing import datasets, executors, features, manifest, metrics, models, networks, studies
from vaehub.testing.failures import Item, NotChecked, PromiseBroken
from vaehub.testing.plugin import Checked, checked_plugin
from vaehub.testing.running import run

Settings = Mapping[str, object]


def check_manifest(plugin: str) -> None:
    """Check that the manifest of an installed plugin is light, and that all it names is there and of the right kind.

    Args:
        plugin: Name of its entry point, or of the distribution.

    Raises:
        PromiseBroken: If a promise is not kept; so do all checks below.
        VaehubError: If there is no such plugin.
    """
    _raise(manifest.check(plugin, Catalog()))


def check_metric(
    name: str, *, settings: Settings | None = None, rows: Columns | None = None, model: str | None = None
) -> None:
    """Check a metric on small data and models that the kit trains.

    Needs are true, the same seed gives the same bits, whatever the global random state is, which stays untouched; names
    are lawful, shapes agree with the model, NaN has a reason, wrapped models give the same values, and pictures are
    drawn from stored values alone.

    Args:
        name: In the catalog.
        settings: Parameters, such as fewer repetitions than by default.
        rows: Columns of a query, for a metric of tables.
        model: Model that it is asked of; if not given, the first of the kit's that it does not refuse.

    Raises:
        NotChecked: If it refuses all that the kit has, or a parameter or rows are missing.
    """
    _check("metric", name, lambda item: metrics.check(item, settings, rows, model), settings)


def check_model(name: str, *, settings: Settings | None = None, network: str | None = None) -> None:
    """Check a model: shapes and ranges, gradients, a loss that falls, the same bits again, saved, restored and resumed.

    Args:
        name: In the catalog.
        settings: Parameters by scope, such as ``{"model.beta": 2, "train.learning_rate": 0.01}``.
        network: Network that it is built on; ``mlp`` if not given.
    """
    _check("model", name, lambda item: models.check(item, settings, network), settings)


def check_network(name: str, *, settings: Settings | None = None) -> None:
    """Check a network: the shapes of both halves for all data that it does not refuse, and the same weights again.

    Args:
        name: In the catalog.
        settings: Parameters.
    """
    _check("network", name, lambda item: networks.check(item, settings), settings)


def check_dataset(name: str, *, settings: Settings | None = None) -> None:
    """Check a dataset: its splits, ranges, labels and factors, and that it is the same each time.

    Args:
        name: In the catalog.
        settings: Parameters, such as a path.

    Raises:
        NotChecked: If its files are not on this machine; nothing is downloaded.
    """
    _check("dataset", name, lambda item: datasets.check(item, settings), settings)


def check_features(name: str, *, settings: Settings | None = None) -> None:
    """Check a feature extractor: its features of each observation, alone and among others.

    Args:
        name: In the catalog.
        settings: Parameters, such as a file of weights.

    Raises:
        NotChecked: If it takes no image, or its weights are not here.
    """
    _check("features", name, lambda item: features.check(item, settings), settings)


def check_executor(name: str, *, settings: Settings | None = None) -> None:
    """Check an executor with small jobs, of which one fails.

    Args:
        name: In the catalog.
        settings: Parameters.

    Raises:
        NotChecked: If its engine is not here.
    """
    _check("executor", name, lambda item: executors.check(item, settings), settings)


def check_study(name: str, *, scale: str | None = None) -> None:
    """Check that a study can be made: names, parameters, queries and reports fit together. Nothing is trained.

    Args:
        name: In the catalog.
        scale: Its usual scale if not given.
    """
    _check("study", name, lambda item: studies.check_study(item, scale))


def check_published(name: str) -> None:
    """Check that reference values can be read.

    Args:
        name: In the catalog.
    """
    _check("published", name, studies.check_published)


def check_plugin(plugin: str) -> list[Checked]:
    """Check all that an installed plugin contributes, with default parameters.

    Args:
        plugin: Name of its entry point, or of the distribution.

    Returns:
        What was checked, and what could not be.

    Raises:
        PromiseBroken: If a promise is not kept.
        VaehubError: If there is no such plugin.
    """
    found = list(checked_plugin(plugin))
    _raise([sentence for each in found for sentence in each.broken])
    return found


def _check(kind: str, name: str, check: Callable[[Item], None], settings: Settings | None = None) -> None:
    catalog = Catalog()
    item = Item(catalog.find(kind, name), catalog)
    unchecked = run(item, check, has_settings=bool(settings))
    _raise(item.sentences)
    if unchecked:
        raise NotChecked(unchecked)


def _raise(sentences: list[str]) -> None:
    if sentences:
        raise PromiseBroken(sentences)
