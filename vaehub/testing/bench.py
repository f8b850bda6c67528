"""Small data with known factors, and models trained on them, that plugins are checked with."""

from __future__ import annotations

import tempfile
from functools import cache, cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from vaehub.adapters.wrap import wrap
from vaehub.core.data.dataset import Batch, Dataset
from vaehub.core.data.factors import Factors
from vaehub.core.errors import VaehubError
from vaehub.core.model import LatentModel
from vaehub.core.random import generator
from vaehub.core.recipe import Recipe
from vaehub.hub import Hub
from vaehub.hub.runner import Runner
from vaehub.registry.catalog import Catalog
from vaehub.store.store import Store

LATENT_DIM = 4
QUICK: dict[str, object] = {"train.epochs": 2, "model.latent_dim": LATENT_DIM, "network.hidden": [32]}
NAMES = ("grey", "colour", "large", "vectors", "counts")


@cache
def images(name: str) -> Dataset:
    """Return blobs of three sizes, at eight by ten places: ``grey``, in ``colour``, or ``large``."""
    side = 32 if name == "large" else 16
    factors = Factors.grid(("size", "across", "down"), (3, 8, 10))
    size, across, down = (factors.classes[:, at, None, None].float() for at in range(3))
    at = torch.arange(side, dtype=torch.float32)
    distance = (at[None, None, :] - 2 - across * (side - 4) / 7).square() + (
        at[None, :, None] - 2 - down * (side - 4) / 9
    ).square()
    x = (-distance / (2 * (size + 1).square())).exp()[:, None]
    if name == "colour":
        shade = torch.stack([1 - size / 4, 0.5 + across / 16, down / 10], dim=1)
        x = x * shade
    return Dataset(x, factors=factors, labels=factors.classes[:, 0], class_names=("small", "middle", "wide"), name=name)


@cache
def vectors(name: str) -> Dataset:
    """Return ``vectors`` of ten values around two centres, or ``counts``."""
    noise = generator(0, "kit", name)
    labels = torch.arange(240) % 2
    x = torch.randn(240, 3, generator=noise) @ torch.randn(3, 10, generator=noise) + 2 * labels[:, None]
    if name == "counts":
        x = torch.poisson(x.exp().clamp(max=30), generator=noise)
    return Dataset(x, labels=labels, name=name)


def data(name: str) -> Dataset:
    """Return data by their name."""
    return vectors(name) if name in ("vectors", "counts") else images(name)


class Bench:
    """Trains what checks need, in a store of its own that is gone when the process ends."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="vaehub-testing-")
        # Not by Hub.open, which brings the user's trackers along.
        self.hub = Hub(Store.open(self.folder / "store"), Catalog(), "cpu")
        self._trained: dict[str, tuple[LatentModel, Dataset]] = {}
        self._networks: dict[str, str] = {}

    @property
    def folder(self) -> Path:
        """The folder."""
        return Path(self._folder.name)

    def recipe(self, model: str, of: str, **settings: object) -> Recipe:
        """Return the recipe of a model on data of the kit."""
        chosen = QUICK | settings
        if of in ("vectors", "counts") and "likelihood" in self._params_of(model):
            chosen.setdefault("model.likelihood", "squared_error")
        if self._network_of(model) == "linear":
            del chosen["network.hidden"]
        return self.hub.recipe(model, network=self._network_of(model), dataset=data(of), settings=chosen)

    def _network_of(self, model: str) -> str:
        """Return the first network of the kit that the model can be built on."""
        if model not in self._networks:
            self._networks[model] = "mlp"
            recipe = self.recipe(model, "vectors")
            try:
                self.runner.builder.build(recipe, self.runner.builder.data_of(recipe))
            except VaehubError:
                self._networks[model] = "linear"
        return self._networks[model]

    def trained(self, recipe: Recipe) -> tuple[LatentModel, Dataset]:
        """Return the model of a recipe, trained once, and its data."""
        if recipe.id not in self._trained:
            self._trained[recipe.id] = self.hub.model(recipe)
        return self._trained[recipe.id]

    def wrapped(self, model: LatentModel, of: str) -> tuple[LatentModel, Dataset]:
        """Return a model as a user would hand it over, and the data it is measured on."""
        found = wrap(encoder=_Encoder(model), decoder=_Decoder(model), scale="logvar", output="mean")
        return self.hub.model(self.hub.take(found, data(of)))

    @cached_property
    def runner(self) -> Runner:
        """Makes metrics, and trains for metrics of recipes."""
        return self.runner_of(self.hub.catalog)

    def runner_of(self, catalog: Catalog) -> Runner:
        """Return a runner with the plugins of a catalog."""
        return Runner(self.hub.store, catalog, "cpu")

    def _params_of(self, model: str) -> set[str]:
        return set(self.hub.catalog.find("model", model).load_params().model_fields)


@cache
def bench() -> Bench:
    """Return the bench of this process."""
    return Bench()


class _Encoder(nn.Module):
    def __init__(self, model: LatentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        found = self.model.encode(Batch(x))
        return found.mu if found.logvar is None else (found.mu, found.logvar)


class _Decoder(nn.Module):
    def __init__(self, model: LatentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor) -> Tensor:
        return self.model.decode(z)
