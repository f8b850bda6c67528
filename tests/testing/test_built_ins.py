"""Our own plugins keep what we ask of a stranger's: the same checks, of every entry of the catalog."""

import numpy as np
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
AT = np.repeat(np.arange(6), 2)
NAMES = np.array(["one", "two"] * 6, dtype=object)
VALUES = np.linspace(0.1, 0.9, 12) ** 2
ROWS = {
    "correlation": {"at": AT.astype(float), "value": VALUES},
    "curves": {"at": AT, "value": VALUES},
    "latent_history": {"epoch": AT, "latent": NAMES, "value": VALUES},
    "rate_distortion_plane": {"rate": VALUES, "distortion": 1 - VALUES},
    "responsibilities": {"panel": NAMES, "factor": AT % 3, "latent": AT // 3, "value": VALUES},
    "similarity_map": {"layer_a": NAMES, "layer_b": AT, "similarity": VALUES},
}
"""Rows for each metric of rows."""
SETTINGS = {
    "correlation": {"against": "value"},
    "curves": {"x": "at", "y": ("value",)},
    "kernel_distance": {"subset_size": 100},
}
"""Parameters without a default, or whose default is for more data than the kit has."""
LONGEST = {"dci", "downstream_probe", "elbow", "mask_aae", "structure_score"}
"""Entries that take between 20 and 40 s each on two busy cores; all others together take a minute and a half."""
PATHS = {"anndata", "arrays", "images", "vectors"}
"""Datasets of a user's own files, which their own tests make."""


def entries(kind, *, but=()):
    """Return what is checked of a kind, with marks of how long it takes."""
    names = [each.entry.name for each in CATALOG.entries(kind) if each.entry.name not in but]
    marks = {
        name: [] if name in LIGHT[kind] else [pytest.mark.slow] + [pytest.mark.longest] * (name in LONGEST)
        for name in names
    }
    return [pytest.param(kind, name, marks=marks[name]) for name in names]


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
        *entries("metric"),
        *entries("model"),
        *entries("network"),
        *entries("dataset", but=PATHS),
        *entries("features"),
        *entries("published"),
    ],
)
def test_an_entry_keeps_its_promises(kind, name):
    given = {"settings": SETTINGS.get(name), "rows": ROWS.get(name)} if kind == "metric" else {}
    try:
        getattr(testing, f"check_{kind}")(name, **given)
    except testing.NotChecked as reason:
        pytest.skip(str(reason))


def test_every_metric_of_rows_is_given_some():
    assert {each.entry.name for each in CATALOG.entries("metric") if each.entry.subject == "rows"} == ROWS.keys()
