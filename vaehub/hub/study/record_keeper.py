"""The calls of workers to the store, with the database open for as long as one call follows another.

To open a database and to close it takes ten times as long as to record a small cell. In between nothing is held: while
workers compute, and as soon as another process waits.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

from vaehub.hub.study.worker_process import StoreCall
from vaehub.store.store import Store

LULL = 0.05
"""Seconds without a call after which the database is closed; to open and close it takes about as long."""
LONGEST = 5.0
"""Seconds after which it is closed in any case, so that what was recorded is written into its file."""


class RecordKeeper:
    """Makes the calls of workers.

    Args:
        store: Where to.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held = ExitStack()
        self._since: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the database is open."""
        return self._since is not None

    @property
    def is_due(self) -> bool:
        """Whether it has been open for too long, or another process waits for it."""
        return self._since is not None and (time.monotonic() - self._since >= LONGEST or self._store.is_awaited)

    def serve(self, call: StoreCall) -> object:
        """Make a call; after one that records, the database stays open until :meth:`let_go`.

        Raises:
            StoreError: If it cannot be made.
        """
        try:
            if call.records and not self.holds:
                self._held.enter_context(self._store.serving())
                self._since = time.monotonic()
            with self._store.session() as session:
                return call.made_to(session)
        except BaseException:
            self.let_go()  # damage makes a connection useless
            raise

    def let_go(self) -> None:
        """Close the database, if it is open.

        Raises:
            StoreError: If it cannot be closed.
        """
        self._since = None
        self._held.close()
