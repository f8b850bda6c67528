"""Our side of the similarity comparison, one job per process; prints seconds and peak memory beyond its input."""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch


def main() -> None:
    """Run the job that is named."""
    jobs = {"matrix": matrix, "sketch": sketch, "sql": sql, "procrustes": procrustes}
    sys.stdout.write(json.dumps(jobs[sys.argv[1]](*sys.argv[2:])) + "\n")


def matrix(path: str, out: str) -> dict[str, float]:
    """Compute the alignment of each pair of representations in a file."""
    from vaehub.plugins.similarity.kernels import cka_matrix

    with np.load(path) as given:
        representations = [torch.from_numpy(given[name]) for name in sorted(given.files)]
    cka_matrix([x[:50, :50] for x in representations])
    before = _peak()
    started = time.perf_counter()
    found = cka_matrix(representations)
    elapsed = time.perf_counter() - started
    np.save(out, found.numpy())
    return {"seconds": elapsed, "memory": _peak() - before}


def sketch(n: str, width: str, size: str) -> dict[str, float]:
    """Sketch one wide layer."""
    from vaehub.plugins.similarity.kernels import cka_sketch

    x = torch.rand(int(n), int(width), generator=torch.Generator().manual_seed(0))
    cka_sketch(x[:, :100], int(size), torch.Generator().manual_seed(0))
    before = _peak()
    started = time.perf_counter()
    cka_sketch(x, int(size), torch.Generator().manual_seed(0))
    return {"seconds": time.perf_counter() - started, "memory": _peak() - before}


def sql(layers: str, size: str) -> dict[str, float]:
    """Query the alignment of each pair of layers in SQL, from a store with their signatures."""
    from vaehub import Hub, Result, Signatures
    from vaehub.store.records import MeasurementRecord, now

    vectors = torch.randn(int(layers), int(size), generator=torch.Generator().manual_seed(0))
    vectors /= vectors.norm(dim=1, keepdim=True)
    with tempfile.TemporaryDirectory() as folder:
        hub = Hub.open(folder)
        signatures = Signatures([f"layer_{at}" for at in range(int(layers))], vectors, "space")
        record = MeasurementRecord("m", "representation_signature", {}, 0, {}, {}, None, None, "done", None, now(), 0.0)
        hub.store.record_measurement(record, Result(signatures={"signature": signatures}))
        started = time.perf_counter()
        [(n, mean)] = hub.sql(
            "select count(*), avg(cka(a.signature, b.signature)) from signatures as a, signatures as b"
        )
        elapsed = time.perf_counter() - started
    expected = float((vectors @ vectors.T).mean())
    assert n == int(layers) ** 2
    assert abs(mean - expected) < 1e-6
    return {"seconds": elapsed}


def procrustes(n: str, width: str, rank: str) -> dict[str, float]:
    """Rotate one wide layer onto another that shares half of its directions; with a rank, by some singular values."""
    from vaehub.plugins.similarity.kernels import procrustes_low_rank, procrustes_similarity

    random = torch.Generator().manual_seed(0)
    decay = torch.arange(1, 401) ** -1.0
    base = torch.randn(int(n), 400, generator=random) * decay
    x, y = (
        base @ torch.randn(400, int(width), generator=random) + 0.01 * torch.randn(int(n), int(width), generator=random)
        for _ in range(2)
    )
    procrustes_low_rank(x[:, :500], y[:, :500], 10, random)
    started = time.perf_counter()
    if rank == "all":
        value, error = procrustes_similarity(x, y), 0.0
    else:
        value, error = procrustes_low_rank(x, y, int(rank), torch.Generator().manual_seed(1))
    return {"seconds": time.perf_counter() - started, "value": value, "error": error}


def _peak() -> float:
    # Not ru_maxrss, which includes the parent process's memory at the fork.
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(peak.split()[1]) / 1024


main()
