"""One job of one build: prints its seconds, by the clock and of the processor, and its peak memory. Runs with earlier
builds too, and so calls only commands, :class:`vaehub.Hub` and kernels whose names are fixed.
"""

import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from itertools import pairwise
from pathlib import Path

FOLDER = Path(sys.argv[2])
QUICK = ["--set", "train.epochs=5", "--set", "model.latent_dim=8"]
METRICS = (
    "elbo",
    "relevance",
    "variable_types",
    "latent_traces",
    "dependence",
    "latent_correlation",
    "intervention",
    "representation_dimension",
    "rate_distortion",
    "latent_response_matrix",
)
FIGURES: dict[str, float] = {}


def peak() -> float:
    """Return the peak memory of this process in MB: getrusage counts that of the parent, too."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


@contextmanager
def timed() -> Iterator[None]:
    """Measure what happens inside."""
    started, processor = time.perf_counter(), sum(os.times()[:4])
    yield
    FIGURES.update(seconds=time.perf_counter() - started, processor=sum(os.times()[:4]) - processor, peak=peak())


def command(*arguments: str) -> None:
    """Run a command of vaehub in this process, without its output."""
    from vaehub.cli.main import main

    sys.argv = ["vaehub", *arguments]
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as end:
        if end.code:
            raise RuntimeError((err.getvalue().strip() or out.getvalue().strip()).splitlines()[-1]) from end


def timed_command(*arguments: str) -> None:
    """Measure a command from its start, with what it imports."""
    with timed():
        command(*arguments)


def fresh() -> str:
    """Return a folder for a store that is not there yet."""
    return str(FOLDER / f"store-{os.getpid()}")


def metrics(*names: str) -> list[str]:
    """Return options that ask for metrics."""
    return [word for name in names for word in ("--metric", name)]


def again() -> None:
    """Ask for a stored measurement."""
    store = str(FOLDER / "again")
    asked = ["run", "--model", "ard", "--metric", "relevance", *QUICK, "--store", store]
    if not Path(store).exists():
        _in_a_child(asked)
    timed_command(*asked)


def ten_metrics() -> None:
    """Measure a stored training in ten ways."""
    asked = ["run", "--model", "vae", *QUICK, "--store", fresh()]
    _in_a_child([*asked, *metrics("reconstruction_error")])
    timed_command(*asked, *metrics(*METRICS))


def _in_a_child(arguments: list[str]) -> None:
    import subprocess

    code = "from vaehub.cli.main import main; main()"
    subprocess.run([sys.executable, "-P", "-c", code, *arguments], check=True, capture_output=True)


def seeds() -> None:
    """Train an autoencoder from two seeds."""
    timed_command("run", "--model", "vae", *metrics("elbo"), "--seed", "0", "--seed", "1", "--store", fresh())


def convolutions() -> None:
    """Train convolutions on pictures of 64x64."""
    asked = [
        "--dataset",
        "sprites",
        "--network",
        "conv_higgins",
        "--set",
        "train.epochs=1",
        "--set",
        "data.subset=1000",
    ]
    timed_command("run", "--model", "vae", *asked, *metrics("elbo"), "--store", fresh())


def relevance() -> None:
    """Compute the relevance of the latents of a decoder."""
    import torch

    from vaehub.plugins.ard.kernels import relevance_weights

    torch.manual_seed(0)
    sizes = (32, 128, 256, 784)
    layers = [each for a, b in pairwise(sizes) for each in (torch.nn.Linear(a, b), torch.nn.ReLU())]
    decode, z = torch.nn.Sequential(*layers).double(), torch.randn(500, 32, dtype=torch.float64)
    relevance_weights(decode, z[:2])
    with timed():
        relevance_weights(decode, z)


def cka() -> None:
    """Align each pair of layers."""
    import torch

    from vaehub.plugins.similarity.kernels import cka_matrix

    random = torch.Generator().manual_seed(0)
    layers = [torch.randn(1000, 16 * (at + 1), generator=random) for at in range(24)]
    cka_matrix(layers[:2])
    with timed():
        cka_matrix(layers)


def ssim() -> None:
    """Compare each pair of images."""
    import numpy as np

    from vaehub.plugins.diversity.kernels import ssim_diversity

    x = np.random.default_rng(0).random((1500, 28, 28), dtype=np.float32)
    ssim_diversity(x[:20])
    with timed():
        ssim_diversity(x)


def mle() -> None:
    """Estimate an intrinsic dimension."""
    import numpy as np

    from vaehub.plugins.intrinsic_dimension.kernels import mle as estimate

    x = np.random.default_rng(0).random((5000, 100))
    estimate(x[:100])
    with timed():
        estimate(x)


def _recorded(n: int, n_values: int) -> Callable[[int], None]:
    import numpy as np

    from vaehub import Hub, Result, Vector
    from vaehub.store.records import MeasurementRecord, now

    hub = Hub.open(fresh(), device="cpu")
    result = Result(vectors={"value": Vector(np.arange(float(n_values)), "latent")})

    def record(at: int) -> None:
        named = MeasurementRecord(f"{at:064x}", "m", {}, 0, {}, {}, None, None, "done", None, now(), 0.0)
        hub.store.record_measurement(named, result)

    record(n)
    return record


def commits() -> None:
    """Record measurements, each by itself."""
    record = _recorded(100, 20)
    with timed():
        for at in range(100):
            record(at)


def sql() -> None:
    """Query many values."""
    record = _recorded(10, 10_000)
    for at in range(10):
        record(at)
    timed_command("sql", "select name, avg(value), max(value) from results group by name", "--store", fresh())


def page() -> None:
    """Write a page of what is stored, in two pictures for each training."""
    store = str(FOLDER / "page")
    if not Path(store).exists():
        seeds = [word for seed in range(27) for word in ("--seed", str(seed))]
        small = ["--set", "train.epochs=2", "--set", "data.subset=300", "--set", "model.latent_dim=20"]
        asked = ["run", "--model", "vae", *metrics("intervention", "intervention_tradeoff"), *small, *seeds]
        _in_a_child([*asked, "--store", store])
    timed_command("report", "--output", str(FOLDER / "page.html"), "--store", store)


JOBS: dict[str, Callable[[], None]] = {
    "help": lambda: timed_command("--help"),
    "list": lambda: timed_command("list"),
    "main_job": lambda: timed_command("run", "--model", "ard", *metrics("relevance"), "--store", fresh()),
    "again": again,
    "ten_metrics": ten_metrics,
    "seeds": seeds,
    "convolutions": convolutions,
    "relevance": relevance,
    "cka": cka,
    "ssim": ssim,
    "mle": mle,
    "commits": commits,
    "sql": sql,
    "page": page,
}
JOBS[sys.argv[1]]()
sys.stdout.write(json.dumps(FIGURES) + "\n")
