"""Doing a job on a worker, from its text: it needs no database, and to do it again harms nothing."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vaehub import __version__
from vaehub.core.errors import VaehubError
from vaehub.hub.runner import Runner
from vaehub.hub.study.job_text import restored_job
from vaehub.hub.study.small_store import packed
from vaehub.registry import trackers
from vaehub.registry.catalog import Catalog
from vaehub.store.deliveries import Deliveries
from vaehub.store.delivery_session import DeliverySession, known_of
from vaehub.store.provenance import Provenance
from vaehub.store.store import Store
from vaehub.training.threads import share_of_threads

_ONE_AT_A_TIME = threading.Lock()
"""Workers may have several threads, and models of one process share settings of PyTorch."""


def work(text: str) -> bytes:
    """Do a job: train and measure, and deliver each record once it is made.

    Returns:
        All that was made, where this worker does not see the store of the study; nothing otherwise.

    Raises:
        VaehubError: If this worker cannot do such jobs; nothing has been made.
    """
    asked = _asked(text)
    if asked["store"] is None:
        return _do_alone(asked)
    store = Path(asked["store"])
    deliveries = Deliveries(store / "jobs")
    if not deliveries.folder.is_dir():
        raise VaehubError(_unseen(store))
    if not deliveries.file_of(asked["id"]).is_file() or deliveries.outcome(asked["id"]) is not None:
        return b""  # it was done meanwhile, as by another attempt, or is no longer wanted
    try:
        _do(asked, store, deliveries)
    except VaehubError as error:
        deliveries.end(asked["id"], {}, refused=str(error))
        raise
    return b""


def _asked(text: str) -> dict[str, Any]:
    with suppress(ValueError):
        asked = json.loads(text)
        kinds = {"id": str, "vaehub": str, "store": str | None}
        if isinstance(asked, dict) and all(isinstance(asked.get(name, 0), kind) for name, kind in kinds.items()):
            return asked
    raise VaehubError("this is no job; 'vaehub study run' lays jobs down in the folder 'jobs' of its store")


@cache
def _of_process() -> tuple[Catalog, Provenance]:
    """Return what all jobs of a worker share, since finding it out takes as long as a small job."""
    catalog = Catalog()
    return catalog, Provenance({plugin.distribution: plugin.version for plugin in catalog.plugins})


def _here() -> str:
    return f"worker {socket.gethostname()!r}"


def _unseen(store: Path) -> str:
    return f"{_here()} does not see store {str(store)!r}; name one on a disk that all workers have, with '--store'"


def _is_probe(asked: dict[str, Any]) -> bool:
    """Refuse a job of another version; return whether there is nothing else to do."""
    if asked["vaehub"] != __version__:
        raise VaehubError(
            f"{_here()} has vaehub {__version__}, and the study is run by {asked['vaehub']}; install the same on both"
        )
    return "wanted" not in asked


def _do_alone(asked: dict[str, Any]) -> bytes:
    if _is_probe(asked):
        return b""
    with _ONE_AT_A_TIME, TemporaryDirectory(prefix="vaehub-") as folder:
        catalog, _ = _of_process()
        job = restored_job(asked, catalog)
        versions = {plugin.distribution: plugin.version for plugin in catalog.plugins}
        store = Store.open(Path(folder) / "store", plugins=versions)
        with trackers.added(catalog.manager, asked.get("trackers", ())):
            runner = Runner(store, catalog, asked["device"], share=share_of_threads())
            failures = runner.run_all(job.recipes, job.wanted.values())
        return packed(store.path, failures)


def _do(asked: dict[str, Any], store: Path, deliveries: Deliveries) -> None:
    if _is_probe(asked):
        return
    with _ONE_AT_A_TIME:
        catalog, provenance = _of_process()
        job = restored_job(asked, catalog)
        session = DeliverySession(deliveries, asked["id"], provenance, known_of(asked["known"]))
        wanted = [request for name, request in job.wanted.items() if name not in session.done]
        with trackers.added(catalog.manager, asked.get("trackers", ())):
            runner = Runner(Store(store, session), catalog, asked["device"], share=share_of_threads())
            failures = runner.run_all(job.recipes, wanted) if wanted else {}
    deliveries.end(asked["id"], failures)


def work_all(files: Sequence[Path]) -> None:
    """Do jobs one after the other, from their files; those that are gone were done meanwhile.

    Raises:
        VaehubError: If this worker could not do one; the others have been tried.
    """
    refused = None
    for file in files:
        try:
            text = file.read_text()
        except FileNotFoundError:
            if not file.parent.is_dir():
                raise VaehubError(_unseen(file.parent.parent)) from None
            continue
        except OSError as error:
            refused = VaehubError(f"job {str(file)!r} cannot be read: {error.strerror}")
            continue
        except ValueError:  # no text
            text = ""
        try:
            work(text)
        except VaehubError as error:
            refused = error
    if refused is not None:
        raise refused
