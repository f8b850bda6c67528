"""Slips of plugin authors: each is one sentence with file and line, no traceback, and the rest of vaehub works.

All of these plugins are installed at once, so that none may harm another.
"""

import json
import os
import re
from dataclasses import dataclass
from textwrap import dedent, indent

import pytest
from processes import command, commands

pytestmark = pytest.mark.slow

MANIFEST = """
    from vaehub.registry import Dataset, Executor, Features, Metric, Model, Network, Published, Study, hookimpl

    @hookimpl
    def vaehub_catalog():
        return [{entry}]
"""
METRIC = """
    import vaehub

    class Work(vaehub.ModelMetric):
        def measure(self, model, data):
            {body}
"""
MODEL = """
    import torch, vaehub
    from vaehub import Losses, Posterior

    class Work(vaehub.LatentModel):
        def encode(self, batch):
            return Posterior.split(self.network.encoder(batch.x))
        def decode(self, z):
            return torch.sigmoid(self.network.decoder(z))
        def loss(self, batch, step):
            error = (self.decode(self.encode(batch).mu) - batch.x).square().mean()
            return Losses(error, {{"reconstruction": error}})
        def prior_sample(self, n, generator):
            return torch.randn(n, self.latent_dim, generator=generator)
        {method}
"""
DATASET = """
    import torch, vaehub

    class Work(vaehub.DataSource):
        def load(self):
            {body}
"""
QUICK = ("-s", "train.epochs=1", "-s", "model.latent_dim=4")
NOT_LOADED = ("plugin", "list")


@dataclass(frozen=True)
class Wrong:
    """A wrong plugin, what a user asks, and what is said."""

    slip: str
    said: str
    entry: str = ""
    manifest: str = ""
    work: str = ""
    code: int = 2

    def command(self, name):
        if self.manifest:
            return NOT_LOADED
        kind = self.entry.partition("(")[0].lower()
        asked = {"model": ("vae", "variable_types"), "metric": ("vae", name), "dataset": ("vae", "elbo")}.get(kind)
        if kind == "features":
            return ("run", "--model", "vae", "--metric", "frechet_distance", "-s", f"metric.features={name}", *QUICK)
        if kind == "executor":
            return ("study", "run", "./tiny.toml", "--executor", name)
        if kind == "study":
            return ("study", "run", name)
        if kind == "network":
            return ("run", "--model", "vae", "--metric", "elbo", "--network", name, *QUICK)
        model, metric = asked
        model = name if kind == "model" else model
        data = ("--dataset", name) if kind == "dataset" else ()
        return ("run", "--model", model, "--metric", metric, *data, *QUICK)


def metric(slip, said, body, code=1):
    return Wrong(
        slip, said, "Metric('{name}', '{name}_work:Work', 'a metric')", work=METRIC.format(body=body), code=code
    )


def model(slip, said, method, code=2):
    text = indent(dedent(method), "        ").lstrip()
    return Wrong(
        slip, said, "Model('{name}', '{name}_work:Work', 'a model')", work=MODEL.format(method=text), code=code
    )


def dataset(slip, said, body):
    return Wrong(slip, said, "Dataset('{name}', '{name}_work:Work', 'data')", work=DATASET.format(body=body))


def unloaded(slip, said, manifest):
    return Wrong(slip, said, manifest=dedent(manifest), code=0)


def listed(slip, said, entry):
    return unloaded(slip, said, dedent(MANIFEST).format(entry=entry))


HOOK = "from vaehub.registry import hookimpl\n"
ENTRY = "Metric('{name}', '{name}_work:Work', 'a metric')"
WRONG = [
    unloaded(
        "a missing dependency", r"No module named 'nobody_has_this' \({name}.py, line 1\)", "import nobody_has_this"
    ),
    unloaded("a syntax error", r"invalid syntax.* \({name}.py, line 1\)", "def ("),
    unloaded("an exit", r"enough \({name}.py, line 1\)", "raise SystemExit('enough')"),
    unloaded("no hook", r"{name} has no hook; a manifest has a function 'vaehub_catalog' with '@hookimpl'", "x = 1"),
    unloaded(
        "a hook without its mark",
        r"'vaehub_catalog' is no hook without '@hookimpl' of vaehub.registry above it \({name}.py, line 1\)",
        "def vaehub_catalog(): return []",
    ),
    unloaded(
        "an unknown hook",
        r"unknown hook 'vaehub_finished'; hooks are vaehub_catalog, .*vaehub_measured \({name}.py, line 2\)",
        HOOK + "@hookimpl\ndef vaehub_finished(): ...",
    ),
    unloaded(
        "a hook with another argument",
        r"hook 'vaehub_epoch_ended' asks for 'loss'; its arguments are training_id, epoch, .*\({name}.py, line 2\)",
        HOOK + "@hookimpl\ndef vaehub_epoch_ended(epoch, loss): ...",
    ),
    unloaded(
        "a catalog of nothing",
        "vaehub_catalog returns None, and it returns a list of entries",
        HOOK + "@hookimpl\ndef vaehub_catalog(): return None",
    ),
    listed("a catalog of names", "vaehub_catalog holds 'mine', which is none of Model, Network", "'mine'"),
    listed(
        "an unlawful name",
        "declares metric 'code norm!', and a name is lower-case words",
        "Metric('code norm!', 'a:A', 'x')",
    ),
    listed(
        "no import string",
        "at 'work.Work', and an import string is 'package.module:Name'",
        "Metric('w', 'work.Work', 'x')",
    ),
    listed(
        "an unknown subject",
        "which measures 'image', and a metric measures one of model, ",
        "Metric('w', 'a:A', 'x', subject='image')",
    ),
    listed("no summary", "with the summary '', and it is a phrase", "Metric('w', 'a:A', '')"),
    listed("revision nought", "in revision 0, and revisions count from 1", "Metric('w', 'a:A', 'x', revision=0)"),
    listed(
        "a name twice", "vaehub_catalog declares metric 'w' twice", "Metric('w', 'a:A', 'x'), Metric('w', 'b:B', 'x')"
    ),
    Wrong(
        "no such module",
        r"metric '{name}' of {name} cannot be loaded from 'nowhere_{name}:Work': No module named",
        "Metric('{name}', 'nowhere_{name}:Work', 'x')",
    ),
    Wrong(
        "no such class",
        "cannot be loaded from '{name}_work:Work': module '{name}_work' has no attribute 'Work'",
        ENTRY,
        work="x = 1",
    ),
    Wrong(
        "another class",
        r"is {name}_work:Work, which is no ModelMetric \({name}_work.py, line 2\); this is a fault",
        ENTRY,
        work="import vaehub\nclass Work(vaehub.DatasetMetric):\n    def measure(self, data): ...",
    ),
    Wrong(
        "no measure",
        r"which does not define 'measure', as every ModelMetric does \({name}_work.py, line 2\)",
        ENTRY,
        work="import vaehub\nclass Work(vaehub.ModelMetric): ...",
    ),
    Wrong(
        "parameters of another class",
        "has its parameters in {name}_work:Work.Params, which is no vaehub.Params",
        ENTRY,
        work="import vaehub\n"
        "class Work(vaehub.ModelMetric):\n"
        "    class Params: ...\n"
        "    def measure(self, model, data): ...",
    ),
    Wrong(
        "an error at import",
        r"cannot be loaded from '{name}_work:Work': division by zero \({name}_work.py, line 2\)",
        ENTRY,
        work="import vaehub\n1 / 0",
    ),
    Wrong(
        "an unknown need",
        r"unexpected keyword argument 'encoder' \({name}_work.py, line 3\)",
        ENTRY,
        work="import vaehub\n"
        "class Work(vaehub.ModelMetric):\n"
        "    needs = vaehub.Needs(encoder=True)\n"
        "    def measure(self, model, data): ...",
    ),
    Wrong(
        "a constructor of its own",
        r"metric '{name}' cannot be made: TypeError: .*takes 2 positional",
        ENTRY,
        work="import vaehub\n"
        "class Work(vaehub.ModelMetric):\n"
        "    def __init__(self, params): ...\n"
        "    def measure(self, model, data): ...",
    ),
    Wrong(
        "an error in check",
        r"metric '{name}' failed in its check, before any work: KeyError: 'u' \({name}_work.py, line 3\)",
        ENTRY,
        work="import vaehub\n"
        "class Work(vaehub.ModelMetric):\n"
        "    def check(self, model, data): raise KeyError('u')\n"
        "    def measure(self, model, data): ...",
    ),
    metric(
        "nothing returned",
        r"metric '{name}' returned a NoneType, and 'measure' returns a vaehub.Result \({name}_work.py, line 4\)",
        "pass",
    ),
    metric(
        "a dictionary returned", "returned a dict, and 'measure' returns a vaehub.Result", "return {{'total': 1.0}}"
    ),
    metric("a number returned", "returned a float, and 'measure' returns a vaehub.Result", "return 1.0"),
    metric("an error in measure", r"failed: KeyError: 'key' \({name}_work.py, line 5\)", "return {{}}['key']"),
    metric(
        "too few latents",
        "vectors over the index 'latent', 'size' with 3 values, and the model has 4 latents",
        "return vaehub.Result(vectors={{'size': [1.0, 2.0, 3.0]}})",
    ),
    metric(
        "unequal lengths",
        "vectors over the index 'latent', 'a' with 2, 'b' with 3 values, and the model has 4 latents",
        "return vaehub.Result(vectors={{'a': [1, 2], 'b': [1, 2, 3]}})",
    ),
    metric(
        "an unlawful value's name",
        "a value named 'Code norm', and names are lower-case words",
        "return vaehub.Result(scalars={{'Code norm': 1.0}})",
    ),
    metric(
        "text as values",
        r"TypeError: results are numbers, got an array of <U1 \({name}_work.py, line 5\)",
        "return vaehub.Result(vectors={{'a': ['x']}})",
    ),
    model(
        "a tensor for a posterior",
        "encodes to a tensor of shape .*, and 'encode' returns a vaehub.Posterior",
        "def encode(self, batch):\n    return self.network.encoder(batch.x)",
    ),
    model(
        "a wrong number of latents",
        r"encodes to shape \(2, 8\), expected \(2, 4\)",
        "def encode(self, batch):\n    return Posterior(self.network.encoder(batch.x), None)",
    ),
    model(
        "a flat reconstruction",
        r"decodes to shape \(2, 64\), expected \(2, 1, 8, 8\)",
        "def decode(self, z):\n    return self.network.decoder(z).flatten(1)",
    ),
    model(
        "an error in decode",
        r"cannot be made: AttributeError: .*'generator' \({name}_work.py, line 1\d\)",
        "def decode(self, z):\n    return self.generator(z)",
    ),
    model(
        "a tensor for losses",
        "'loss' of model class 'Work' returned a tensor of shape .*, and returns vaehub.Losses",
        "def loss(self, batch, step):\n    return self.decode(self.encode(batch).mu).mean()",
        code=1,
    ),
    model(
        "a loss for each observation",
        r"returned a tensor of shape \(64,\) .* as 'total', and each loss is a tensor of one number",
        "def loss(self, batch, step):\n    return Losses(self.encode(batch).mu.sum(1), {{}})",
        code=1,
    ),
    model(
        "a loss that is NaN",
        "training diverged in epoch 1: total is nan",
        "def loss(self, batch, step):\n    return Losses(self.encode(batch).mu.sum() * float('nan'), {{}})",
        code=1,
    ),
    dataset(
        "a list for data",
        r"dataset '{name}' loads a list, and 'load' returns a vaehub.Dataset \({name}_work.py, line 4\)",
        "return [1, 2, 3]",
    ),
    dataset(
        "an error in load",
        r"dataset '{name}' cannot be made: FileNotFoundError: .*nowhere.npy' \({name}_work.py, line 5\)",
        "return open('nowhere.npy')",
    ),
    dataset("images beyond their range", r"images", "return vaehub.Dataset(torch.full((20, 1, 4, 4), 7.0))"),
    Wrong(
        "a network without decoder",
        r"AttributeError: .*'decoder'",
        "Network('{name}', '{name}_work:Work', 'a network')",
        work="import vaehub\n"
        "from torch import nn\n"
        "class Work(vaehub.Network):\n"
        "    def __init__(self, *given):\n"
        "        super().__init__(*given)\n"
        "        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 8))\n",
    ),
    Wrong(
        "features that are none",
        "gives a NoneType for .* observations; a tensor of real numbers",
        "Features('{name}', '{name}_work:Work', 'features')",
        work="from vaehub.features import FeatureExtractor\n"
        "class Work(FeatureExtractor):\n"
        "    def __call__(self, batch): ...\n",
    ),
]
ITEM = "Metric('w', 'a:A', 'x')"
RESULT = "return vaehub.Result({})".format
EXECUTOR = """
    from vaehub.executors import Executor, JobState

    class Work(Executor):
        def submit(self, jobs):
            {submit}
        def states(self, jobs):
            return {states}
"""
NETWORK = """
    from torch import nn
    import vaehub

    class Work(vaehub.Network):
        def __init__(self, params, spec, latent_dim, n_statistics):
            super().__init__(params, spec, latent_dim, n_statistics)
            self.encoder = nn.Sequential(nn.Flatten(), {encoder})
            self.decoder = nn.Sequential(nn.Linear(latent_dim, spec.n_values), nn.Unflatten(1, spec.shape))
"""


def executor(slip, said, states, submit="pass", code=1):
    work = EXECUTOR.format(submit=submit, states=states)
    return Wrong(slip, said, "Executor('{name}', '{name}_work:Work', 'an engine')", work=work, code=code)


def network(slip, said, encoder):
    work = NETWORK.format(encoder=encoder)
    return Wrong(slip, said, "Network('{name}', '{name}_work:Work', 'a network')", work=work)


WRONG += [
    metric(
        "a list as a scalar",
        r"scalar 'a' is a list, and a scalar is one number \({name}_work.py, line 5\)",
        RESULT("scalars={{'a': [1.0]}}"),
    ),
    metric(
        "text as a scalar",
        r"scalar 'a' is a str, and a scalar is one number \({name}_work.py, line 5\)",
        RESULT("scalars={{'a': '1.0'}}"),
    ),
    metric(
        "a number for scalars",
        r"scalars are given by name, such as .*, got a float \({name}_work.py, line 5\)",
        RESULT("1.0"),
    ),
    metric(
        "a dictionary for a table",
        r"'a' is a dict, and it should be a vaehub.Table \({name}_work.py, line 5\)",
        RESULT("tables={{'a': {{}}}}"),
    ),
    metric(
        "a generator that is not called",
        r"randn\(\) received an invalid .* \({name}_work.py, line 6\)$",
        "import torch\n            torch.randn(3, generator=self.generator)",
    ),
    metric(
        "a measure that yields",
        r"returned a generator, and 'measure' returns a vaehub.Result \({name}_work.py, line 4\)",
        "yield 1",
    ),
    Wrong(
        "a measure without data",
        r"measure\(\) takes 2 positional arguments but 3 were given \({name}_work.py, line 3\)",
        ENTRY,
        work="import vaehub\nclass Work(vaehub.ModelMetric):\n    def measure(self, model): ...",
        code=1,
    ),
    Wrong(
        "needs that are text",
        r"metric '{name}' has a str as its 'needs', and they are a vaehub.Needs \({name}_work.py, line 2\)",
        ENTRY,
        work="import vaehub\n"
        "class Work(vaehub.ModelMetric):\n"
        "    needs = 'labels'\n"
        "    def measure(self, model, data): ...",
    ),
    dataset(
        "labels of another length",
        r"dataset '{name}': labels have shape \(20,\) .*, got \(19,\) \({name}_work.py, line 5\)",
        "return vaehub.Dataset(torch.rand(20, 1, 4, 4), labels=torch.arange(19))",
    ),
    dataset(
        "factors beyond their sizes",
        r"dataset '{name}': a factor's class is .* \({name}_work.py, line 5\)",
        "return vaehub.Dataset(torch.rand(20, 3), factors=vaehub.Factors(('a',), (3,), torch.arange(20)[:, None]))",
    ),
    dataset(
        "a split beyond the end",
        r"dataset '{name}': rows of split 'test' are .* \({name}_work.py, line 5\)",
        "return vaehub.Dataset(torch.rand(20, 1, 4, 4), splits={{'test': range(30)}})",
    ),
    Wrong(
        "a load with an argument",
        r"load\(\) missing 1 required positional argument: 'split' \({name}_work.py, line 2\)",
        "Dataset('{name}', '{name}_work:Work', 'data')",
        work="import vaehub\nclass Work(vaehub.DataSource):\n    def load(self, split): ...",
    ),
    model(
        "a tuple for losses",
        r"'loss' of model class 'Work' returned a tuple",
        "def loss(self, batch, step):\n    return self.decode(self.encode(batch).mu).mean(), {{}}",
        code=1,
    ),
    model(
        "terms without names",
        r"terms are given by name, .*, got a list \({name}_work.py, line 1\d\)",
        "def loss(self, batch, step):\n    return Losses(self.encode(batch).mu.mean(), [])",
        code=1,
    ),
    model(
        "a term named total",
        r"a term is named 'total', .* \({name}_work.py, line 1\d\)",
        "def loss(self, batch, step):\n    mu = self.encode(batch).mu.mean()\n    return Losses(mu, {{'total': mu}})",
        code=1,
    ),
    model(
        "no optimiser",
        r"'NoneType' object has no attribute 'param_groups' \({name}_work.py, line \d\)",
        "def optimiser(self, learning_rate): ...",
        code=1,
    ),
    network(
        "a wrong latent size",
        r"encodes to shape \(2, 2\), expected \(2, 4\) \({name}_work.py, line 4\)",
        "nn.Linear(spec.n_values, latent_dim)",
    ),
    network(
        "a hard-wired size",
        r"mat1 and mat2 shapes cannot be multiplied .* \({name}_work.py, line 4\)",
        "nn.Linear(784, latent_dim * n_statistics)",
    ),
    executor(
        "a queue that is down",
        r"executor '{name}' failed in 'submit': RuntimeError: down \({name}_work.py, line 5\)",
        "{}",
        "raise RuntimeError('down')",
        code=1,
    ),
    executor(
        "a list of states",
        r"executor '{name}' returned a list from 'states', which .* \({name}_work.py, line 6\)",
        "list(jobs)",
    ),
    Wrong(
        "a study that is not there",
        r"study '{name}' .* cannot be read from '{name}_work:study.toml'",
        "Study('{name}', '{name}_work:study.toml', 'a study')",
        work="x = 1",
    ),
    listed(
        "a name with capitals",
        r"declares metric 'MyMetric', and a name is lower-case words .* \({name}.py, line 4\)",
        "Metric('MyMetric', 'a:A', 'x')",
    ),
    unloaded(
        "one entry and no list",
        r"vaehub_catalog returns a vaehub.Metric, and it returns a list of entries \({name}.py, line 2\)",
        HOOK.replace("hookimpl", "Metric, hookimpl") + "@hookimpl\ndef vaehub_catalog():\n    return " + ITEM,
    ),
]
NAMES = [f"wrong{at}" for at in range(len(WRONG))]
GUEST = "Metric('relevance', 'guest_work:Work', 'a guest that has the name of one of ours')"
TINY = """
title = "one training"
recipe = {model = "vae", dataset = "digits", "model.latent_dim" = 2, "train.epochs" = 1}
metrics = {elbo = {}}
"""
EVENT = "\n@hookimpl\ndef vaehub_epoch_ended(losses): losses['loss']\n"
REST = [
    ("list", "--json"),
    ("plugin", "list"),
    ("run", "--model", "vae", "--metric", "relevance", "--json", *QUICK),
    ("run", "--model", "vae", "--metric", "guest:relevance", "--json", *QUICK),
]


def install(site, name, manifest, work):
    (site / f"{name}.py").write_text(manifest)
    if work:
        (site / f"{name}_work.py").write_text(work)
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[vaehub]\n{name} = {name}\n")


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Install all wrong plugins at once, ask each for what it has, and then for the rest of vaehub."""
    site, folder = (tmp_path_factory.mktemp(name) for name in ("site", "work"))
    for name, wrong in zip(NAMES, WRONG, strict=True):
        manifest = wrong.manifest or dedent(MANIFEST).format(entry=wrong.entry.format(name=name))
        install(site, name, manifest, dedent(wrong.work).lstrip("\n").replace("{{", "{").replace("}}", "}"))
    work = dedent(METRIC.format(body="return vaehub.Result(scalars={'total': 7.0})"))
    (folder / "tiny.toml").write_text(TINY)
    # What it brings of a paper has no columns, and it fails when told of an event.
    install(
        site,
        "paper",
        dedent(MANIFEST).format(entry="Published('paper', 'paper_files:paper.csv', 'values')") + EVENT,
        "",
    )
    (site / "paper_files").mkdir()
    (site / "paper_files" / "__init__.py").touch()
    (site / "paper_files" / "paper.csv").write_text("a,b\n1,2\n")
    install(site, "guest", "print('printed at import')\n" + dedent(MANIFEST).format(entry=GUEST), work)
    before = os.getcwd(), os.environ.get("PYTHONPATH")
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(site)
    try:
        asked = [wrong.command(name) for name, wrong in zip(NAMES, WRONG, strict=True)]
        found = [*commands(asked), *(command(*each) for each in REST)]
    finally:
        os.chdir(before[0])
        os.environ.pop("PYTHONPATH")
        if before[1] is not None:
            os.environ["PYTHONPATH"] = before[1]
    assert len(found) == len(asked) + len(REST)
    return found


@pytest.mark.parametrize("at", range(len(WRONG)), ids=[wrong.slip.replace(" ", "_") for wrong in WRONG])
def test_a_slip_is_one_sentence(answers, at):
    wrong, name, found = WRONG[at], NAMES[at], answers[at]
    words = wrong.said.replace("{name}", name)
    about = [line for line in found.stderr.splitlines() if line.startswith("error: ")]
    if wrong.manifest:
        about = [line for line in found.stderr.splitlines() if f"plugin '{name}' " in line]
    assert len(about) == 1, found.stderr
    assert re.search(words, about[0]), about[0]
    assert found.returncode == wrong.code
    assert "Traceback" not in found.stderr


def test_none_of_them_harms_the_rest(answers):
    listed, plugins, ours, theirs = answers[-len(REST) :]
    names = {each["name"] for each in json.loads(listed.stdout)}
    assert {"vae", "ard", "elbo", "digits"} <= names
    assert "printed at import" in listed.stderr
    [found] = json.loads(ours.stdout)
    assert "relevance" in found["vectors"]
    assert "Traceback" not in ours.stderr
    assert "the reference values 'paper' have no column 'table' and " in ours.stderr
    told = r"^warning: plugin 'paper:paper' failed when told of epoch_ended: KeyError: 'loss' \(paper.py, line \d+\)$"
    assert re.search(told, "\n".join(each.stderr for each in answers), re.MULTILINE)
    [of_guest] = json.loads(theirs.stdout)
    assert of_guest["scalars"] == {"total": 7.0}
    assert "metric 'relevance' is vaehub's; also claimed, ask for it as metric guest:relevance" in " ".join(
        plugins.stdout.split()
    )
