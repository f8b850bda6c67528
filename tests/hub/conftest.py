"""A hub whose catalog holds the built-in plugins and some of the test's own, registered like a stranger's."""

import sys
import types

import pytest

from vaehub import DatasetMetric, Field, Hub, ModelMetric, PairMetric, Params, RecipeMetric, Result, VaehubError
from vaehub.registry import Metric, hookimpl
from vaehub.registry.catalog import Catalog
from vaehub.registry.discovery import Discovered, Plugin, discover


class Spread(DatasetMetric):
    def measure(self, data):
        return Result(scalars={"variance": data.x.var()})


class Distance(PairMetric):
    def measure(self, a, b, data):
        return Result(scalars={"distance": (a.encode_all(data).mu - b.encode_all(data).mu).norm()})


class Widths(RecipeMetric):
    class Params(Params):
        widest: int = 3

    params: Params

    def measure(self, recipe, runner):
        sizes = []
        for latent_dim in range(1, self.params.widest + 1):
            model, data = runner.train(recipe.vary(model={"latent_dim": latent_dim}))
            sizes.append(model.encode_all(data).mu.shape[1])
        return Result(vectors={"size": sizes})


class Chosen(RecipeMetric):
    """Asks other metrics which of some widths is best."""

    class Params(Params):
        widths: tuple[int, ...] = (1, 2)
        ask: str = "elbo"
        refuse: bool = False

    params: Params

    def check(self, recipe, model, data):
        if self.params.refuse:
            raise VaehubError(f"metric 'chosen' refuses {len(data)} observations")

    def measure(self, recipe, runner):
        asked = {"split": "train"} if self.params.ask == "elbo" else {}
        widths = [recipe.vary(model={"latent_dim": width}) for width in self.params.widths]
        bounds = [runner.measure(self.params.ask, each, **asked).scalars["elbo"] for each in widths]
        spread = runner.measure("spread", recipe).scalars["variance"]
        return Result(scalars={"best": self.params.widths[bounds.index(max(bounds))], "spread": spread})


class Fussy(ModelMetric):
    class Params(Params):
        refuse: bool = False
        fail: bool = False
        noise: float = Field(0.0, ge=0)

    params: Params

    def check(self, model, data):
        if self.params.refuse:
            raise VaehubError("metric 'fussy' wants something else; set '-s metric.refuse=false'")

    def measure(self, model, data):
        if self.params.fail:
            raise ZeroDivisionError("the metric's own fault")
        import torch

        return Result(scalars={"drawn": torch.randn((), generator=self.generator()), "n": len(data)})


class Lying(DatasetMetric):
    def measure(self, data):
        return Result()


@pytest.fixture
def events():
    return []


@pytest.fixture
def hub(hub, events):
    module = types.ModuleType("hub_test_plugin")
    module.__dict__.update({each.__name__: each for each in (Spread, Distance, Widths, Chosen, Fussy, Lying)})
    sys.modules["hub_test_plugin"] = module
    entries = (
        Metric("spread", "hub_test_plugin:Spread", "variance of the data", subject="dataset"),
        Metric("distance", "hub_test_plugin:Distance", "how far apart", subject="pair"),
        Metric("widths", "hub_test_plugin:Widths", "sizes tried", subject="recipe"),
        Metric("chosen", "hub_test_plugin:Chosen", "the best of some widths", subject="recipe"),
        Metric("fussy", "hub_test_plugin:Fussy", "refuses and fails"),
        Metric("lying", "hub_test_plugin:Lying", "says it measures models"),
    )

    class Tracker:
        @hookimpl
        def vaehub_training_started(self, training_id, recipe):
            events.append(("started", training_id, recipe["seed"]))

        @hookimpl
        def vaehub_epoch_ended(self, training_id, epoch, losses):
            events.append(("epoch", epoch, set(losses)))

        @hookimpl
        def vaehub_trained(self, training_id, status, seconds):
            events.append(("trained", training_id, status))

        @hookimpl
        def vaehub_measured(self, measurement_id, metric, result):
            events.append(("measured", metric))

    found = discover()
    found.manager.register(Tracker())
    plugins = (*found.plugins, Plugin("tests", "tests", "1.0", "hub_test_plugin", entries))
    yield Hub(hub.store, Catalog(Discovered(plugins, found.manager)), "cpu")
    sys.modules.pop("hub_test_plugin")


QUICK = {"train.epochs": 1, "model.latent_dim": 3}


@pytest.fixture
def recipe(hub):
    return hub.recipe("vae", settings=QUICK)
