"""MNIST and its kin from their official files."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl


def _entry(name: str, target: str, summary: str, source: str, params: str = "IdxParams") -> Dataset:
    return Dataset(
        name,
        f"vaehub.plugins.datasets.mnist.source:{target}",
        summary,
        params=f"vaehub.plugins.datasets.mnist.params:{params}",
        source=source,
        card=f"vaehub.plugins.datasets.mnist.cards:{name.upper()}",
    )


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        _entry("mnist", "Mnist", "70,000 handwritten digits of 28x28 pixels", "LeCun, Cortes & Burges 1998"),
        _entry("fashion_mnist", "FashionMnist", "70,000 articles of clothing, 28x28", "Xiao, Rasul & Vollgraf 2017"),
        _entry("kmnist", "Kmnist", "70,000 characters of cursive Japanese, 28x28", "Clanuwat et al. 2018"),
        _entry("qmnist", "Qmnist", "120,000 handwritten digits, 28x28", "Yadav & Bottou 2019"),
        _entry("emnist", "Emnist", "handwritten letters and digits, 28x28", "Cohen et al. 2017", "EmnistParams"),
    ]
