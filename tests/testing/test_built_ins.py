"""Our own plugins keep what we ask of a stranger's: the same checks, of every entry of the catalog."""

import pytest

from vaehub import testing
from vaehub.registry.catalog import Catalog
from vaehub.testing.manifest import heavy_imports

CATALOG = Catalog()
LIGHT = {
    "metric": {"ssim_diversity"},
    "model": set(),
    "network": {"linear"},
    "dataset": {"digits", "helix", "counts"},
    "features": {"pixels"},
    "study": set(),
    "published": {"ard"},
    "executor": set(),
}
"""Entries whose checks are quick, by kind."""
METRICS = ("variable_types", "ssim_diversity", "relevance", "elbo", "cka")
"""Metrics of each kind of subject that is quick to make, with whatever is behind most others."""
MODELS = ("vae", "ae", "annealed_vae", "geco_l0_arm")
"""Models of each way to be trained: a bound, none, a schedule, a multiplier and noise of its own."""
PATHS = {"anndata", "arrays", "images", "vectors"}
"""Datasets of a user's own files, which their own tests make."""


def entries(kind, *, but=(), of=()):
    names = [each.entry.name for each in CATALOG.entries(kind)]
    return [
        pytest.param(kind, name, marks=[] if name in LIGHT[kind] else [pytest.mark.slow])
        for name in names
        if name not in but and (not of or name in of)
    ]


def test_no_manifest_imports_anything_heavy():
    modules = [each.module for each in CATALOG.plugins]
    assert heavy_imports(modules) == {module: [] for module in modules}


@pytest.mark.slow
@pytest.mark.parametrize("plugin", [each.name for each in CATALOG.plugins])
def test_a_manifest_says_what_is_there(plugin):
    testing.check_manifest(plugin)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *entries("metric", of=METRICS),
        *entries("model", of=MODELS),
        *entries("network"),
        *entries("dataset", but=PATHS),
        *entries("features"),
        *entries("published"),
    ],
)
def test_an_entry_keeps_its_promises(kind, name):
    try:
        getattr(testing, f"check_{kind}")(name)
    except testing.NotChecked as reason:
        pytest.skip(str(reason))
