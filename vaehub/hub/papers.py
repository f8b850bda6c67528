"""Papers whose figures installed plugins bring, to be kept beside results."""

from __future__ import annotations

import logging

from vaehub.core.errors import VaehubError
from vaehub.registry.catalog import Catalog
from vaehub.store.published import Paper

log = logging.getLogger(__name__)


def papers_of(catalog: Catalog) -> list[Paper]:
    """Return the papers; one whose file is missing is left out with a warning, since no work depends on it."""
    found = []
    for each in catalog.entries("published"):
        try:
            found.append(Paper(each.entry.name, each.read()))
        except VaehubError as error:
            log.warning("%s; its values are left out", error)
    return found
