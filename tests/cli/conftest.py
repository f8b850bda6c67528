"""The command line as a user meets it: a process."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from processes import command

COMMAND = [sys.executable, "-c", "from vaehub.cli.main import main; main()"]
QUICK = ("--set", "train.epochs=2", "--set", "model.latent_dim=4")


@pytest.fixture
def vaehub() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in the test's folder; returns exit code, output and errors."""

    return command


@pytest.fixture(scope="session")
def quick_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with one quick training, measured."""
    path = str(tmp_path_factory.mktemp("quick") / "store")
    command(
        "run", "--model", "ard", "--metric", "relevance", "--metric", "elbo", *QUICK, "--store", path
    ).check_returncode()
    return path
