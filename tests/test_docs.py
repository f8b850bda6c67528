"""What the README and the pages tell people to type works."""

import io
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_sample_images
from torch import nn

from vaehub.cli.main import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What is shown trains for long; the last word on a setting counts.
QUICK = ["--set", "train.epochs=1"]
LONGER = ["--set", "train.epochs=20", "--set", "network.hidden=[32]"]
# Each trains as many models as it needs, as does the study of the page on studies.
SEARCHES = {"fondue", "fondue_ide", "fondue_ib", "fondue_beta", "elbow", "suggest-dim", "./my_study.toml"}
# Data that take longer than those that are embedded.
LARGER = {"mnist", "sprites", "scenes"}
# Pages whose metrics do.
HEAVIER = {"latent_response", "probes", "disentanglement"}
# The ids that are shown.
SHOWN = {
    "9b51": "select id from measurements where metric = 'relevance' and status = 'done' order by started",
    "4b09": "select id from trainings where status = 'done' order by started",
}
MY_VAE = """
from torch import nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean, self.logvar = nn.Linear(64, 4), nn.Linear(64, 4)

    def forward(self, x):
        return self.mean(x.flatten(1)), self.logvar(x.flatten(1))


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid())
"""


def blocks(language):
    """Yield page and content of each block of a language; plain ones have none."""
    for page in PAGES:
        for named, block in re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), flags=re.S | re.M):
            if named == language:
                yield page, block


def commands():
    """Yield each command once, by whichever page shows it first."""
    seen = set()
    for page, block in blocks(""):
        for line in block.splitlines():
            command = line.split("  #")[0].strip()
            if line.startswith("vaehub ") and command not in seen:
                seen.add(command)
                words = set(command.split())
                is_long = SEARCHES & words or ("run" in words and (LARGER & words or page.stem in HEAVIER))
                marks = [pytest.mark.slow] if is_long else []
                yield pytest.param(command, id=f"{page.stem}: {line[:60]}", marks=marks)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reader")
    (folder / "my_images").mkdir()
    for name, image in zip("ab", load_sample_images().images, strict=True):
        for at in range(30):
            crop = image[12 * at : 12 * at + 64, 18 * at : 18 * at + 64]
            Image.fromarray(crop).save(folder / "my_images" / f"{name}{at}.png")
    (folder / "my_vae.py").write_text(MY_VAE)
    names = {}
    exec(MY_VAE, names)
    save_file(names["Vae"]().state_dict(), folder / "my_vae.safetensors")
    n = torch.export.Dim("n")
    encoder, decoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), nn.Sequential(nn.Linear(4, 64), nn.Sigmoid())
    for name, module, x in (("encoder", encoder, torch.rand(2, 1, 8, 8)), ("decoder", decoder, torch.rand(2, 4))):
        torch.export.save(torch.export.export(module, (x,), dynamic_shapes=({0: n},)), folder / f"{name}.pt2")
    _write_tables(folder)
    [study] = [block for page, block in blocks("toml") if page.stem == "studies" and "title" in block]
    (folder / "my_study.toml").write_text(study)
    for metric in ("relevance", "elbo"):
        call(["run", "--model", "ard", "--metric", metric, *QUICK], folder)
    for name in ("laptop", "cluster"):
        shutil.copytree(folder / "vaehub-store", folder / name)
    return folder


def _write_tables(folder):
    rows = [f"c{at},{'liver' if at % 2 else 'lung'},{'ab'[at % 2]},{20 + at},{at / 7:.3f},{at % 5}" for at in range(60)]
    (folder / "cells.csv").write_text("\n".join(["cell_id,tissue,donor,age,volume,spots", *rows]))
    with h5py.File(folder / "counts.h5ad", "w") as file:
        file["X"] = np.random.default_rng(0).poisson(2.0, (60, 8)).astype(np.float32)
        for name, n in (("obs", 60), ("var", 8)):
            table = file.create_group(name)
            table.attrs["encoding-type"], table.attrs["_index"] = "dataframe", "_index"
            table["_index"] = [f"{name}{at}" for at in range(n)]


def call(arguments, folder):
    """Carry a command out in this process: more than a hundred would each load PyTorch again."""
    out, errors = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(errors):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["vaehub", *arguments])
        # The process that runs the tests keeps its own standard output.
        patch.setattr("vaehub.cli.standard_output._answer", out)
        with pytest.raises(SystemExit) as ended:
            main()
    out.flush()
    shown = out.buffer.getvalue().decode()
    return SimpleNamespace(returncode=ended.value.code or 0, stdout=shown, stderr=errors.getvalue())


@pytest.mark.parametrize("command", list(commands()))
def test_a_command_that_is_shown_works(command, folder, request):
    arguments = shlex.split(command)[1:]
    if arguments[0] == "study" and "intervention" in arguments:
        if arguments[1] != "status":
            pytest.skip("takes minutes and real data; its parts are tested in tests/hub/study")
        request.getfixturevalue("real_data")
    if "./my_study.toml" in arguments and "report" in arguments[:2]:
        call(["study", "run", "./my_study.toml"], folder)
    if "--executor" in arguments:
        pytest.skip("needs a cluster; tests/plugins/executors runs studies on real ones")
    if "stripes" in arguments:
        pytest.skip("needs the plugin of the README, which test_thirdparty.py installs")
    if "--device" in arguments and not torch.cuda.device_count() > 1:
        pytest.skip("needs two GPUs")
    if "mnist" in arguments and arguments[0] != "describe":
        request.getfixturevalue("real_data")
    if "mnist" in arguments and arguments[0] == "run":
        arguments += ["--set", "data.subset=200"]
    if arguments[0] == "suggest-dim":
        # A method is enough, and as short a training as it can learn anything from.
        arguments += ["--seeds", "1", "--method", "relevant_dimension", "--set", "data.subset=50", *LONGER]
    if arguments[0] in ("run", "train") and not {"--at-epochs", "--at-steps", "train.epochs=0"} & set(arguments):
        arguments += QUICK
        # FONDUE finds one latent too many where an epoch is shorter still.
        if not {"--dataset", "--network", "fondue"} & set(arguments):
            arguments += ["--set", "data.subset=600"]
    if arguments[0] == "run" and arguments.count("--seed") > 1:
        arguments += ["--jobs", "1"]  # worker processes would each load PyTorch
    for shown, query in SHOWN.items():
        if shown in arguments:
            pytest.importorskip("matplotlib")
            listed = call(["sql", query, "--format", "csv"], folder)
            arguments[arguments.index(shown)] = listed.stdout.split()[1].strip('"')
    done = call(arguments, folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_python_that_is_shown_works(folder):
    pytest.importorskip("pandas")
    code = [block for _, block in blocks("python") if "Hub.open" in block or "kernels" in block]
    assert len(code) >= 3
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(code)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_link_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


DESCENDING = re.compile(r"order by (?!isnan)(?:[^\n\"]*[ ,(])?(?:value|mean|sd|cka)(?:\(.*?\))? desc")
"""An order of numbers from the greatest down, of which NaN is one to DuckDB."""


def test_nan_comes_last_where_people_are_shown_an_order():
    assert DESCENDING.search("order by name, cka(a, b) desc")
    assert not DESCENDING.search("order by isnan(value), value desc")
    for page in [*PAGES, ROOT / "Makefile", *(ROOT / "vaehub" / "plugins").rglob("*.toml")]:
        assert not DESCENDING.search(page.read_text()), page
