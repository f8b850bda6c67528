"""The frame of all work: what goes wrong in the midst of it has its kind, and a notebook shows how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vaehub.core.errors import NotRecorded, StoreError, VaehubError, WorkFailed
from vaehub.hub.display.bars import notebook_progress
from vaehub.store.store import Store


@contextmanager
def work(store: Store) -> Iterator[None]:
    """Raise as failed work whatever goes wrong once something has been recorded in this context.

    Until then, an error says that the request cannot be carried out, and that nothing was done for it.

    Args:
        store: Where this process records.

    Raises:
        NotRecorded: Instead of a :class:`StoreError`, such as of a disk that failed meanwhile.
        WorkFailed: Instead of any other :class:`VaehubError`.
    """
    before = store.n_recorded
    try:
        with notebook_progress():
            yield
    except WorkFailed:
        raise
    except VaehubError as error:
        if store.n_recorded == before:
            raise
        kind = NotRecorded if isinstance(error, StoreError) else WorkFailed
        raise kind(str(error)) from error
