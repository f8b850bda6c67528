"""Real commands with the lowest versions that ``pyproject.toml`` allows: ``python -m tests.lowest``.

An environment is made in a temporary folder, with PyTorch as it is installed here, since its own lowest version takes
gigabytes. A store that is written there is read here, and the other way round. With ``--here`` the commands run in this
environment alone.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTORCH = re.compile(r"^(torch|nvidia|cuda|triton)\b")
WORK = (
    "run --model ard --metric relevance --set train.epochs=2 --set data.subset=300",
    "run --model vae --dataset helix --metric elbo --metric variable_types --set model.likelihood=gaussian "
    "--set train.epochs=1 --set data.n_samples=200",
    "run --model rae --metric downstream_probe --set train.epochs=1 --set data.subset=300",
)
READING = (
    "list",
    "cite ard relevance",
    "show",
    "sql \"select name, avg(value) from results where (keys ->> 'layer') is null group by all\" --format csv",
    "report --output page.html",
    "verify",
)


def command(python: Path, text: str, store: Path) -> str:
    """Run a command of vaehub, and return what went wrong; empty, if nothing did."""
    words = shlex.split(text)
    takes_store = words[0] not in ("list", "cite")
    asked = [str(python.parent / "vaehub"), *words, *(["--store", str(store)] if takes_store else [])]
    done = subprocess.run(asked, cwd=store.parent, capture_output=True, text=True, check=False)
    if not done.returncode:
        return ""
    said = f"{python}: vaehub {text}\nexit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    print(said, flush=True)
    return said


def resolved() -> list[str]:
    """Return all packages but PyTorch and its own, each in the lowest version that is allowed."""
    asked = ["compile", "--quiet", "--resolution", "lowest-direct", "--no-annotate", "--no-header", "--extra", "plot"]
    text = uv(*asked, "--python", sys.executable, "pyproject.toml").stdout
    return [line for line in text.splitlines() if not PYTORCH.match(line)]


def uv(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ``uv pip``."""
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"uv pip {' '.join(words)}\n{done.stderr}")
    return done


def made(folder: Path) -> Path:
    """Return the interpreter of a new environment with the lowest versions."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    packages = resolved()
    print("lowest:", *packages, flush=True)
    uv("install", "--quiet", "--python", str(python), "--no-deps", *packages)
    uv("install", "--quiet", "--python", str(python), "--no-deps", ".")
    import torch

    [site] = folder.glob("lib/python*/site-packages")
    ours = Path(torch.__file__).parents[1]
    for each in (*ours.glob("torch-*.dist-info"), *(ours / name for name in ("torch", "torchgen", "functorch"))):
        if each.exists():
            (site / each.name).symlink_to(each.resolve())
    return python


def main() -> None:
    """Make the environment, and run the commands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", action="store_true", help="run in this environment")
    here, begun = Path(sys.executable), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vaehub-lowest-") as name:
        folder = Path(name)
        there = here if parser.parse_args().here else made(folder / "environment")
        lowest, newest = folder / "lowest", folder / "newest"
        asked = [(there, text, lowest) for text in (*WORK, *READING)]
        if there != here:
            asked += [(here, text, lowest) for text in READING[2:]]
            asked += [(here, WORK[0], newest), *((there, text, newest) for text in READING[2:])]
        failed = [said for said in [command(*each) for each in asked] if said]
    if failed:
        sys.exit(f"{len(failed)} of {len(asked)} commands failed")
    print(f"all {len(asked)} commands ended well after {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
