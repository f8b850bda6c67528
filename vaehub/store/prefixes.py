"""Ids by their beginnings, which people type."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from vaehub.core.errors import VaehubError
from vaehub.store.session import Session


def resolved(session: Session, store: Path, prefix: str) -> tuple[Literal["training", "measurement"], str]:
    """Return kind and id of the one record whose id begins so.

    Args:
        session: The rows.
        store: The folder of the store, for a sentence.
        prefix: The beginning.

    Raises:
        VaehubError: If there is none, or more than one.
    """
    # Ids are letters and digits; what is no Unicode, the database would not even take.
    found = session.ids(prefix) if prefix.isascii() and prefix else []
    if not found:
        raise VaehubError(f"nothing in store {str(store)!r} has an id that begins with {prefix!r}; see 'vaehub show'")
    if len(found) > 1:
        some = ", ".join(each for _, each in found[:3])
        raise VaehubError(f"{len(found)} records have an id that begins with {prefix!r} ({some} …); give more of it")
    return found[0]
