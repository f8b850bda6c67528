"""The command line as a user meets it: a process."""

import subprocess
import sys
from collections.abc import Callable

import pytest

COMMAND = [sys.executable, "-c", "from vaehub.cli.main import main; main()"]
QUICK = ("--set", "train.epochs=2", "--set", "model.latent_dim=4")


@pytest.fixture
def vaehub() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in the test's folder; returns exit code, output and errors."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture(scope="session")
def quick_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with one quick training, measured."""
    path = str(tmp_path_factory.mktemp("quick") / "store")
    command = [*COMMAND, "run", "--model", "ard", "--metric", "relevance", "--metric", "elbo", *QUICK, "--store", path]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return path
