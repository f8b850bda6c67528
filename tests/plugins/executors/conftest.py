"""What tests of engines share."""

import time
from pathlib import Path

import pytest

from tests.processes import command
from tests.studies import small_study

VALUES = "select training, seed, latent_dim, metric, name, value from results order by all"
WEIGHTS = "select owner, name, shape, dtype, sha256 from arrays order by all"


@pytest.fixture
def study(tmp_path):
    """Name of a study of four trainings that take some seconds each."""
    (tmp_path / "small.toml").write_text(small_study(subset=500, batch_size=10, epochs=20))
    return "./small.toml"


@pytest.fixture
def asked():
    """Asks a store something; returns CSV."""

    def asked(sql, store):
        done = command("sql", sql, "--store", store, "--format", "csv")
        assert done.returncode == 0, done.stderr
        return done.stdout

    return asked


@pytest.fixture
def whole(asked, study):
    """Checks that a store has all of a study once, bit for bit as worker processes of this machine make it."""

    def whole(store, study=study, n=4):
        done = command("study", "run", study, "--store", "own", "--jobs", "2", timeout=250)
        assert f"{n} of {n} measurements done, 0 failed, 0 left" in done.stdout, done.stderr
        for sql in VALUES, WEIGHTS, "select count(*) from trainings", "select count(*) from measurements":
            assert asked(sql, store) == asked(sql, "own")
        assert command("verify", "--store", store).returncode == 0
        assert not list(Path(store, "jobs").glob("*.*"))

    return whole


@pytest.fixture
def until():
    """Waits until something is so."""

    def until(happens, seconds=120):
        end = time.monotonic() + seconds
        while not happens():
            assert time.monotonic() < end, "it never came"
            time.sleep(0.1)

    return until


SLOW_NETWORK = """
import os
import time
from pathlib import Path
from torch import linspace, nn

STEPS = Path({steps!r})

class Encoder(nn.Linear):
    def forward(self, x):
        if self.training:
            with STEPS.open("a") as steps:
                steps.write("step\\n")
            time.sleep(float(os.environ.get("SECONDS_OF_A_STEP", {seconds})))
        y = super().forward(x.flatten(1))
        return y[:, :2], y[:, 2:]

class Decoder(nn.Linear):
    def forward(self, z):
        return super().forward(z).sigmoid().reshape(-1, 1, 8, 8)

def made():
    encoder, decoder = Encoder(64, 4), Decoder(2, 64)
    for layer in encoder, decoder:
        for weight in layer.parameters():
            weight.data = linspace(-0.1, 0.1, weight.numel()).reshape(weight.shape)
    return encoder, decoder
"""


@pytest.fixture
def slow_study(tmp_path):
    """Writes a study of trainings that take their time and no processor, one for each number of epochs.

    Returns its name, and the file to which every step adds a line. Steps take no time where ``SECONDS_OF_A_STEP`` is 0.
    """

    def slow_study(epochs, seconds=0.05):
        steps = tmp_path / "steps"
        steps.touch()
        (tmp_path / "slow_vae.py").write_text(SLOW_NETWORK.format(steps=str(steps), seconds=seconds))
        cases = ", ".join(f'{{"train.epochs" = {n}, seed = {seed}}}' for seed, n in enumerate(epochs))
        (tmp_path / "slow.toml").write_text(f"""
[recipe]
model = "vae"
network = "own"
"network.object" = "slow_vae:made"
"network.scale" = "logvar"
"model.latent_dim" = 2
"data.subset" = 500
"train.batch_size" = 50
[[grids]]
cases = [{cases}]
metrics = {{elbo = {{split = "train"}}}}
""")
        return "./slow.toml", steps

    return slow_study
