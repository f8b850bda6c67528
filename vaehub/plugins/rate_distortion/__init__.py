"""Where a model stands between rate and distortion (Alemi et al. 2018; Bonheme 2023, Eq. 4.19)."""

from collections.abc import Sequence

from vaehub.registry import Entry, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return []
