"""Training without measuring, one word before another, and `python -m vaehub`."""

import json
import subprocess
import sys

import pytest

from vaehub import Hub, VaehubError
from vaehub.cli import standard_output
from vaehub.cli.app import app

SHORT = {"train.epochs": 2, "model.latent_dim": 4, "data.subset": 100}


@pytest.fixture
def command(monkeypatch):
    """Carries a command out in this process, whose standard output stays the test's."""
    monkeypatch.setattr(standard_output, "reserve", lambda: None)
    return lambda *arguments: app(list(arguments), standalone_mode=False)


def assignments(settings):
    return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture
def words(tmp_path):
    return ["train", "--model", "vae", *assignments(SHORT), "--store", str(tmp_path / "store"), "--device", "cpu"]


def test_each_seed_is_trained_and_nothing_measured(command, words, hub, capsys):
    command(*words, "--seed", "0", "--seed", "1")
    shown = capsys.readouterr().out
    trainings, measurements = hub.recent()
    assert {each.seed for each in trainings} == {0, 1}
    assert measurements == []
    assert shown.count(": trained") == 2
    command(*words, "--json")
    [found] = json.loads(capsys.readouterr().out)
    assert found["id"] in {each.id for each in trainings}


def test_what_is_stored_is_not_trained_again(command, words, hub, capsys):
    command(*words)
    [before], _ = hub.recent()
    command(*words)
    assert "taken from the store" in capsys.readouterr().out
    assert hub.recent()[0] == [before]
    command(*words, "--force")
    assert "taken from the store" not in capsys.readouterr().out


def test_the_training_is_that_of_run(command, words, hub):
    command(*words)
    [trained], _ = hub.recent()
    assert hub.run("vae", "elbo", settings=SHORT)[0].training.id == trained.id


def test_models_after_some_epochs_are_stored_too(command, words, hub):
    command(*words, "--at-epochs", "1")
    lengths = {each.recipe["train"]["params"]["epochs"] for each in hub.recent()[0]}
    assert lengths == {1, 2}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--at-epochs", "7"], "numbers from 1 to 'train.epochs', which is 2"),
        (["--set", "metric.n_samples=1"], "a recipe has no metric"),
        (["--network", "mpl"], "did you mean 'mlp'"),
        (["--seed", "0", "--seed", "1", "--set", "train.together=true"], "'train.together' trains the seeds of"),
        (["--seed", "1", "--seed", "9223372036854775808"], "which the store can keep"),
    ],
)
def test_a_wrong_request_trains_nothing(command, words, more, message, tmp_path):
    with pytest.raises(VaehubError, match=message):
        command(*words, *more)
    assert not (tmp_path / "store").exists()


def test_a_kind_before_a_name_chooses_it(command, capsys):
    command("describe", "model", "ard", "--json")
    assert [each["kind"] for each in json.loads(capsys.readouterr().out)] == ["model"]
    assert {each.registered.entry.kind for each in Hub.open().describe("ard")} >= {"model", "study"}
    command("describe", "study", "intervention", "--json")
    [found] = json.loads(capsys.readouterr().out)
    assert found["scales"]["paper"]["grids"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["modell", "ard"], "unknown kind 'modell'; the kinds are model, network"),
        (["metric", "ard"], "unknown metric 'ard'"),
        (["model", "ard", "vae"], "one name is described at a time"),
    ],
)
def test_what_cannot_be_described_is_one_sentence(command, words, message):
    with pytest.raises(VaehubError, match=message):
        command("describe", *words)


def test_several_seeds_end_with_mean_and_deviation(command, tmp_path, capsys):
    options = [*assignments(SHORT), "--store", str(tmp_path / "store"), "--device", "cpu"]
    command("run", "--model", "vae", "--metric", "elbo", "--seed", "0", "--seed", "1", "--jobs", "1", *options)
    last = capsys.readouterr().out.partition("over 2 seeds")[2].splitlines()
    [row] = [line for line in last if line.split()[:4] == ["elbo", "2", "epochs", "distortion"]]
    assert "±" in row
    command("run", "--model", "vae", "--metric", "elbo", *options)
    assert "seeds" not in capsys.readouterr().out


def test_the_package_is_the_command():
    done = subprocess.run([sys.executable, "-m", "vaehub", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("vaehub ")
