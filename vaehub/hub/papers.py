"""Papers whose figures installed plugins bring."""

from vaehub.registry.catalog import Catalog
from vaehub.store.published import Figure, Paper


def papers_of(catalog: Catalog) -> list[Paper]:
    """Return all of them.

    Raises:
        VaehubError: If a plugin lacks a file that its manifest names.
    """
    return [Paper(each.entry.name, each.read()) for each in catalog.entries("published")]


def figures_of(catalog: Catalog, study: str) -> list[Figure]:
    """Return the figures of the paper of a study, in the order they are printed; none where there is no such paper."""
    return [figure for paper in papers_of(catalog) if paper.study == study for figure in paper.figures()]
