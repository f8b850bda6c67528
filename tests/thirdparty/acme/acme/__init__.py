"""Acme's contributions to vaehub."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, Executor, Features, Metric, Model, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    return [
        Model("sparse_vae", "acme.model:SparseVae", "VAE whose posterior means are pulled to zero"),
        Dataset("stripes", "acme.data:Stripes", "striped images with two known factors"),
        Metric("code_norm", "acme.metric:CodeNorm", "mean size of each latent"),
        Features("patches", "acme.features:Patches", "mean of each patch of an image"),
        Executor("processes", "acme.executor:Processes", "processes of Python's own pool"),
    ]
