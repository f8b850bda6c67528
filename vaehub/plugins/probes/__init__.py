"""What simple classifiers find in representations (Bonheme 2023, Sections 6.4.1 and 8.4.1)."""

from collections.abc import Sequence

from vaehub.registry import Entry, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return []
