"""To come."""

from collections.abc import Sequence

from vaehub.registry import Entry, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return []
