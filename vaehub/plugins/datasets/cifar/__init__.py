"""Colour photographs of 32x32: CIFAR-10 and ImageNet32, from their official files."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl


def _entry(name: str, target: str, summary: str, source: str) -> Dataset:
    return Dataset(
        name,
        f"vaehub.plugins.datasets.cifar.{target}",
        summary,
        params="vaehub.plugins.datasets.cifar.params:PhotographParams",
        source=source,
        card=f"vaehub.plugins.datasets.cifar.cards:{name.upper()}",
    )


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        _entry("cifar10", "cifar10:Cifar10", "60,000 photographs of 10 classes, colour, 32x32", "Krizhevsky 2009"),
        _entry(
            "cifar10_slice",
            "cifar10:Cifar10Slice",
            "the first 4,000 + 1,000 photographs of CIFAR-10, from sheets",
            "Krizhevsky 2009",
        ),
        _entry(
            "imagenet32",
            "imagenet32:ImageNet32",
            "1,331,167 photographs of 1,000 classes, colour, 32x32",
            "Chrabaszcz, Loshchilov & Hutter 2017",
        ),
    ]
