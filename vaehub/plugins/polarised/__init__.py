"""The polarised regime: which latents a model uses, and how latents depend on each other (Bonheme 2023)."""

from collections.abc import Sequence

from vaehub.registry import Entry, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return []
