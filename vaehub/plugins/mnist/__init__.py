"""MNIST and FashionMNIST from their official files."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl

SOURCE = "vaehub.plugins.mnist.source"
PARAMS = "vaehub.plugins.mnist.params:IdxParams"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Dataset(
            "mnist",
            f"{SOURCE}:Mnist",
            "70,000 handwritten digits of 28x28 pixels",
            params=PARAMS,
            source="LeCun, Cortes & Burges 1998",
        ),
        Dataset(
            "fashion_mnist",
            f"{SOURCE}:FashionMnist",
            "70,000 articles of clothing of 28x28 pixels",
            params=PARAMS,
            source="Xiao, Rasul & Vollgraf 2017",
        ),
    ]
