"""Each promise is checked: one that is broken is reported with file and line."""

import importlib
import re
import sys
from textwrap import dedent

import pytest

from vaehub import VaehubError, testing

MANIFEST = """
from vaehub.registry import Dataset, Executor, Features, Metric, Model, Network, Study, hookimpl
{more}

@hookimpl
def vaehub_catalog():
    return [{entries}]
"""
METRICS = """
import random
import numpy as np
import torch
import vaehub
from vaehub import Needs, Result, Vector

class Kept(vaehub.ModelMetric):
    def measure(self, model, data):
        sample = self.draw(model, data)
        return Result(scalars={"total": sample.mu.abs().sum()}, vectors={"size": sample.mu.abs().mean(0)})

class Draws(vaehub.ModelMetric):
    def measure(self, model, data):
        return Result(scalars={"total": torch.rand(())})

class Seeds(vaehub.ModelMetric):
    def measure(self, model, data):
        np.random.seed(0)
        return Result(scalars={"total": np.random.rand()})

class Counts(vaehub.ModelMetric):
    calls = 0
    def measure(self, model, data):
        Counts.calls += 1
        return Result(scalars={"total": Counts.calls})

class Holes(vaehub.ModelMetric):
    def measure(self, model, data):
        return Result(scalars={"total": float("nan")})

class Four(vaehub.ModelMetric):
    def measure(self, model, data):
        return Result(vectors={"size": [1.0, 2.0, 3.0, 4.0]})

class Labels(vaehub.ModelMetric):
    def measure(self, model, data):
        return Result(scalars={"total": data.labels.float().mean()})

class Decodes(vaehub.ModelMetric):
    def measure(self, model, data):
        return Result(scalars={"total": model.decode(self.draw(model, data, 5).mu.float()).mean()})

class Peeks(vaehub.ModelMetric):
    def measure(self, model, data):
        return Result(scalars={"total": 0.0 if data.labels is None else 1.0})

class Layers(vaehub.ModelMetric):
    def measure(self, model, data):
        is_ours = hasattr(model.network, "encoder") and type(model).__name__ != "Wrapped"
        return Result(scalars={"total": float(is_ours)})

class Writes(vaehub.ModelMetric):
    def measure(self, model, data):
        with open("notes.txt", "w") as file:
            file.write("x")
        return Result(scalars={"total": 1.0})

class Pictures(vaehub.ModelMetric):
    def measure(self, model, data):
        self.kept = 1
        return Result(scalars={"total": 1.0})
    def plot(self, result):
        return self.kept

class Refuses(vaehub.ModelMetric):
    def measure(self, model, data):
        raise vaehub.VaehubError("metric 'refuses' finds no knee in so few points; give more")

class Misuses(vaehub.ModelMetric):
    def measure(self, model, data):
        return Result(scalars={"total": self.draw_observations(data.split("holdout")).n})

class Zeroes(vaehub.ModelMetric):
    def measure(self, model, data):
        for weight in model.parameters():
            weight.data.mul_(1.5)
        return Result(scalars={"total": 1.0})

class Relabels(vaehub.ModelMetric):
    needs = Needs(labels=True)
    def measure(self, model, data):
        data.labels.clamp_(max=1)
        return Result(scalars={"total": data.labels.double().mean()})

class Texts(vaehub.ModelMetric):
    needs = "labels"
    def measure(self, model, data):
        return Result(scalars={"total": 1.0})

class Suggests(vaehub.DatasetMetric):
    def measure(self, data):
        return Result(scalars={"total": 1.0})

class Bare(vaehub.ModelMetric):
    class Params(vaehub.Params):
        n: int = 3
    def measure(self, model, data):
        return Result(scalars={"total": 1.0})
"""
SAID = {
    "draws": r"gives other values each time for the same seed: 'total' \(promises_work.py, line \d+\)",
    "seeds": r"changes the global random state of numpy of the process as it measures",
    "counts": r"gives other values each time for the same seed: 'total'",
    "holes": r"gives NaN or infinity for 'total', and neither the class nor its kernels say in a docstring",
    "four": r"fails on a model of 6 latents: .*over the index 'latent', 'size' with 4 values, and the model has 6",
    "labels": r"uses labels and factors of what it measures, and 'needs' does not say so: AttributeError: .* line",
    "decodes": r"uses decoder of what it measures, and 'needs' does not say so: LookupError: .* line \d+\)",
    "peeks": r"gives another 'total' without labels and factors, and 'needs' does not say that it uses any",
    "layers": r"gives other values for the same model wrapped by vaehub.wrap: 'total'",
    "writes": r"writes 'notes.txt' as it measures",
    "pictures": r"cannot draw what it measured, from stored values alone: AttributeError: .*'kept'",
    "suggests": r"suggests a number of latents by 'n_latents', as its manifest says, and has no scalar of this name",
    "zeroes": r"alters the weights of a model that it is given as it measures \(promises_work.py, line \d+\)",
    "relabels": r"alters the labels that it is given as it measures \(promises_work.py, line \d+\)",
    "texts": r"fails in its check: .* has a str as its 'needs', and they are a vaehub.Needs \(promises_work.py, line",
    "bare": r"the parameter 'n' without a description.*\n.*the parameter 'n', a whole number without bound",
}
QUICK = {"zeroes", "texts", "draws", "seeds", "labels", "writes", "bare"}
OTHERS = """
import torch
import vaehub
from torch import nn
from vaehub import Losses, Posterior
from vaehub.features import FeatureExtractor

class Mine(vaehub.LatentModel):
    def encode(self, batch):
        return Posterior.split(self.network.encoder(batch.x))
    def decode(self, z):
        return torch.sigmoid(self.network.decoder(z))
    def loss(self, batch, step):
        error = (self.decode(self.encode(batch).mu) - batch.x).square().flatten(1).sum(1).mean()
        return Losses(error, {"reconstruction": error})
    def prior_sample(self, n, generator):
        return torch.randn(n, self.latent_dim, generator=generator)

class Stuck(Mine):
    def loss(self, batch, step):
        found = super().loss(batch, step)
        return Losses(found.total * 0 + 1, {"reconstruction": found.total * 0 + 1})

class Still(Mine):
    def optimiser(self, learning_rate):
        return torch.optim.SGD(self.parameters(), lr=0.0)

class Global(Mine):
    def prior_sample(self, n, generator):
        return torch.randn(n, self.latent_dim)

class Forgets(Mine):
    steps = 0.0
    def loss(self, batch, step):
        found = super().loss(batch, step)
        return Losses(found.total * (1 + self.steps), found.terms)
    def step_ended(self, losses, step):
        self.steps += 1

class Flat(vaehub.Network):
    def __init__(self, params, spec, latent_dim, n_statistics):
        super().__init__(params, spec, latent_dim, n_statistics)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(spec.n_values, latent_dim))
        self.decoder = nn.Linear(latent_dim, spec.n_values)

class Tripled(Mine):
    n_statistics = 3

class Pinned(vaehub.Network):
    def __init__(self, params, spec, latent_dim, n_statistics):
        super().__init__(params, spec, latent_dim, n_statistics)
        torch.manual_seed(1)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(spec.n_values, n_statistics * latent_dim))
        self.decoder = nn.Sequential(nn.Linear(latent_dim, spec.n_values), nn.Unflatten(1, spec.shape))

class Misnamed(vaehub.DataSource):
    def load(self):
        return vaehub.Dataset(torch.arange(12.0)[:, None], splits={"training": range(9), "test": range(9, 12)})

class Short(FeatureExtractor):
    def __call__(self, batch):
        return batch.x.flatten(1)[:2]

class Fresh(vaehub.DataSource):
    def load(self):
        return vaehub.Dataset(torch.rand(50, 3))

class Overlap(vaehub.DataSource):
    def load(self):
        x = torch.arange(100.0)[:, None]
        return vaehub.Dataset(x, splits={"train": range(60), "test": range(50, 100)})

class Named(vaehub.DataSource):
    def load(self):
        return vaehub.Dataset(torch.arange(12.0)[:, None], factors=vaehub.Factors.grid(("Big Size", "b"), (3, 4)))

class Centred(FeatureExtractor):
    def __call__(self, batch):
        flat = batch.x.flatten(1)
        return flat - flat.mean(0)
"""
OTHERS_SAID = {
    ("model", "stuck"): "has a loss whose gradient is zero for all weights",
    ("model", "still"): r"does not learn: after 4 epochs its loss is",
    ("model", "global"): "draws from its prior with other randomness than that of the generator",
    ("model", "forgets"): "ends with other weights if it is interrupted and resumed",
    ("network", "flat"): r"encodes 3 observations of \(1, 8, 8\) to \(3, 3\), and 2 statistics of 3 latents",
    ("model", "tripled"): r"cannot be built: .* encodes to shape \(2, 6\), expected \(2, 4\)",
    ("network", "pinned"): r"begins with the same weights for every seed: does it set one itself",
    ("dataset", "misnamed"): r"has the splits 'training', 'test' and no 'train', so that models are trained on all",
    ("features", "short"): r"gives torch.float32 of shape \(2, \d+\) for 5 observations",
    ("dataset", "fresh"): r"has other observations each time it is loaded \(promises_work.py, line \d+\)",
    ("dataset", "overlap"): "has 10 observations in both 'train' and 'test'",
    ("dataset", "named"): "has a factor named 'Big Size', and names are lower-case words",
    ("features", "centred"): "gives an observation other features among others than alone",
}
CLASSES = {"model": "Model", "network": "Network", "dataset": "Dataset", "features": "Features", "metric": "Metric"}


@pytest.fixture
def promises(tmp_path, monkeypatch):
    """Install a plugin of one module, without a package index."""
    site = tmp_path / "site"
    site.mkdir(exist_ok=True)
    monkeypatch.syspath_prepend(str(site))

    def make(entries, work="", more=""):
        (site / "promises.py").write_text(MANIFEST.format(entries=", ".join(entries), more=dedent(more)))
        (site / "promises_work.py").write_text(work)
        info = site / "promises-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: promises\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[vaehub]\npromises = promises\n")
        importlib.invalidate_caches()

    yield make
    for name in ("promises", "promises_work"):
        sys.modules.pop(name, None)


def metric_entry(name):
    more = ", subject='dataset', suggests=Suggests('n_latents', 'latents')" if name == "suggests" else ""
    return f"Metric('{name}', 'promises_work:{name.capitalize()}', 'a metric'{more})"


def test_a_metric_that_keeps_its_promises_passes(promises):
    promises([metric_entry("kept")], METRICS)
    testing.check_metric("kept")


def test_a_metric_that_refuses_what_it_finds_is_not_checked(promises):
    promises([metric_entry("refuses")], METRICS)
    with pytest.raises(testing.NotChecked, match="^metric 'refuses' refuses .*: metric 'refuses' finds no knee"):
        testing.check_metric("refuses")


def test_a_refusal_that_is_not_the_metrics_own_is_told(promises):
    promises([metric_entry("misuses")], METRICS)
    with pytest.raises(testing.PromiseBroken, match=r"no split 'holdout' .* \(promises_work.py, line \d+\)"):
        testing.check_metric("misuses")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in SAID]
)
def test_a_metric_that_breaks_a_promise_is_told(promises, name):
    promises([metric_entry(name)], METRICS, "from vaehub.registry import Suggests")
    with pytest.raises(testing.PromiseBroken) as caught:
        testing.check_metric(name)
    assert re.search(
        f"^metric '{name}' .*{SAID[name]}" if name != "bare" else SAID[name], str(caught.value), re.MULTILINE
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [pytest.param(*each, marks=[pytest.mark.slow] if each[0] == "model" else []) for each in OTHERS_SAID],
)
def test_whatever_breaks_a_promise_is_told(promises, kind, name):
    promises([f"{CLASSES[kind]}('{name}', 'promises_work:{name.capitalize()}', 'a thing')"], OTHERS)
    with pytest.raises(testing.PromiseBroken) as caught:
        getattr(testing, f"check_{kind}")(name)
    assert re.search(OTHERS_SAID[kind, name], str(caught.value)), str(caught.value)


def test_a_unit_of_a_value_that_is_not_returned_is_told(promises):
    promises(["Metric('kept', 'promises_work:Kept', 'a metric', units={'totals': 'nats'})"], METRICS)
    with pytest.raises(testing.PromiseBroken, match="has a unit for 'totals' in its manifest, and returns 'total', 's"):
        testing.check_metric("kept")


def test_a_heavy_manifest_is_told_with_its_line(promises):
    promises([], more="import scipy")
    with pytest.raises(testing.PromiseBroken, match=r"imports scipy in its manifest, .* \(promises.py, line 3\)"):
        testing.check_manifest("promises")


def test_a_summary_that_is_a_sentence_is_told_with_its_line(promises):
    promises(["Metric('kept', 'promises_work:Kept', 'Measures.')"], '"""Work."""\n' + METRICS)
    with pytest.raises(testing.PromiseBroken, match=r"one phrase without a full stop \(promises.py, line 7\)"):
        testing.check_manifest("promises")


def test_an_unknown_plugin_is_answered_with_the_nearest():
    with pytest.raises(VaehubError, match="there is no installed plugin 'aard'; did you mean 'ard'"):
        testing.check_plugin("aard")


IMPORTS = """
import vaehub

class Borrows(vaehub.ModelMetric):
    def measure(self, model, data):
        import promises_library
        return vaehub.Result(scalars={"total": 1.0})

class Reseeds(vaehub.ModelMetric):
    def measure(self, model, data):
        import numpy as np
        import promises_library
        np.random.seed(promises_library.SEED)
        return vaehub.Result(scalars={"total": 1.0})
"""
LIBRARY = """
import os
import random
import numpy as np

SEED = 3
os.environ["PROMISES_LIBRARY"] = "there"
random.random()
np.random.seed(1)
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Put a library in reach that changes the process when it is first imported."""
    (tmp_path / "site").mkdir(exist_ok=True)
    (tmp_path / "site" / "promises_library.py").write_text(LIBRARY)
    monkeypatch.setenv("PROMISES_LIBRARY", "")
    yield
    sys.modules.pop("promises_library", None)


def test_what_a_library_changes_as_it_is_imported_is_not_the_plugins_doing(promises, library):
    promises([metric_entry("borrows")], IMPORTS)
    testing.check_metric("borrows")
    assert "promises_library" in sys.modules


def test_what_is_changed_beside_an_import_is_the_plugins_doing(promises, library):
    promises([metric_entry("reseeds")], IMPORTS)
    with pytest.raises(testing.PromiseBroken) as caught:
        testing.check_metric("reseeds")
    assert (
        str(caught.value) == "metric 'reseeds' changes the global random state of numpy of the process as it measures"
    )


@pytest.mark.parametrize("check", [testing.check_metric, lambda _: testing.check_manifest("promises")])
def test_a_module_that_draws_as_it_is_imported_is_told(promises, check):
    promises([metric_entry("kept")], METRICS + "\nSTART = torch.rand(3)\n")
    with pytest.raises(
        testing.PromiseBroken, match="changes the global random state of torch of the process as it is imported"
    ):
        check("kept")
