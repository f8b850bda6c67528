"""The store of one job, for workers that do not see the store of the study: packed there, merged here."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from vaehub.core.errors import VaehubError

STORE, FAILURES = "store", "failures.json"


def packed(store: Path, failures: Mapping[str, str]) -> bytes:
    """Return a store, and the reasons for what could not be made, as bytes.

    Args:
        store: Its folder, which need not be there.
        failures: Reason for each measurement that has none.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(FAILURES, json.dumps(dict(failures)))
        for path in sorted(store.rglob("*")) if (store / "results.duckdb").is_file() else ():
            if path.is_file():
                archive.write(path, f"{STORE}/{path.relative_to(store)}")
    return content.getvalue()


@contextmanager
def unpacked(content: bytes) -> Iterator[tuple[Path | None, dict[str, str]]]:
    """Give the folder of the store as long as the context lasts, ``None`` if nothing was recorded, and the reasons.

    Raises:
        VaehubError: If it is not what :func:`packed` made.
    """
    with TemporaryDirectory(prefix="vaehub-") as folder:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(folder)
                failures = json.loads(archive.read(FAILURES))
        except (zipfile.BadZipFile, KeyError) as error:
            raise VaehubError(
                f"what came back of a job is no packed store ({error}); this is a fault of the executor's package"
            ) from error
        store = Path(folder) / STORE
        yield (store if store.is_dir() else None), failures
