"""Files that are altered at random, in every format that is read: what ``Hub.data`` says of them.

Each format is read in a process of its own, because a damaged file can end the interpreter inside a library.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import tarfile
import tempfile
import traceback
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .findings import Findings

X = np.arange(480, dtype=np.float32).reshape(40, 12)
PICTURE = (np.arange(64, dtype=np.uint8) * 3).reshape(8, 8)


def _png(path: Path) -> None:
    from PIL import Image

    Image.fromarray(PICTURE).save(path)


def _tiff(path: Path) -> None:
    from PIL import Image

    Image.fromarray(PICTURE).save(path, compression="tiff_lzw")


def _npz(path: Path) -> None:
    np.savez_compressed(path, x=X, labels=np.arange(40) % 3)


def _npy(path: Path) -> None:
    np.save(path, X)


def _h5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=X, compression="gzip", chunks=(10, 12))
        file["labels"] = [f"c{at % 3}" for at in range(40)]


def _h5ad(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["X"] = X
        for name, n in (("obs", 40), ("var", 12)):
            group = file.create_group(name)
            group.attrs["_index"] = "_index"
            group["_index"] = [f"{name}{at}" for at in range(n)]


def _parquet(path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {f"c{at}": X[:, at] for at in range(12)}
    parquet.write_table(pa.table({**columns, "label": [f"c{at % 3}" for at in range(40)]}), path)


def _csv(path: Path) -> None:
    np.savetxt(path, X, fmt="%.1f", delimiter=",")


def _zip(path: Path) -> None:
    _png(path.with_suffix(".png"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(3):
            archive.write(path.with_suffix(".png"), f"a/{at}.png")


def _tar(path: Path) -> None:
    picture = path.with_name("picture.png")
    _png(picture)
    with tarfile.open(path, "w:gz") as archive:
        for at in range(3):
            archive.add(picture, f"a/{at}.png")


def _safetensors(path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"x": torch.from_numpy(X)}, path)


def _pt(path: Path) -> None:
    import torch

    torch.save({"x": torch.from_numpy(X), "labels": [at % 3 for at in range(40)]}, path)


def _idx(path: Path) -> None:
    path.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 8]) + PICTURE.tobytes() * 5)


def _idx_gz(path: Path) -> None:
    _idx(path)
    path.write_bytes(gzip.compress(path.read_bytes()))


MAKERS = {
    "x.npz": _npz,
    "x.npy": _npy,
    "x.h5": _h5,
    "x.h5ad": _h5ad,
    "x.parquet": _parquet,
    "x.csv": _csv,
    "pictures/x.png": _png,
    "pictures/x.jpg": _png,
    "pictures/x.tif": _tiff,
    "x.zip": _zip,
    "x.tar.gz": _tar,
    "x.safetensors": _safetensors,
    "x.pt": _pt,
    "x-idx3-ubyte": _idx,
    "x-idx3-ubyte.gz": _idx_gz,
}


def altered(content: bytes, dice: random.Random) -> bytes:
    """Return a file with some bytes changed, cut out, doubled, or cut off at the end."""
    changed = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 8, 32))):
        at = dice.randrange(len(changed) or 1)
        kind = dice.randrange(5)
        if kind < 2:
            changed[at : at + 1] = bytes([dice.randrange(256)])
        elif kind == 2:
            changed[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
        elif kind == 3:
            del changed[at : at + dice.randrange(1, 40)]
        else:
            changed[at:at] = changed[at : at + dice.randrange(1, 40)]
    return bytes(changed[: dice.randrange(len(changed) or 1)] if not dice.randrange(6) else changed)


def of_format(name: str, n: int, seed: int) -> Counter[str]:
    """Return how often a format was read, refused in a sentence, or ended in another exception, which is printed."""
    from vaehub import Hub, VaehubError

    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.parent.mkdir(exist_ok=True)
        MAKERS[name](path)
        content, hub, dice = path.read_bytes(), Hub.open(Path(folder) / "store"), random.Random(f"{seed} {name}")
        given = path.parent if name.startswith("pictures") else path
        assert len(hub.data(str(given))) > 0, "as it was made, it is read"
        for _ in range(n):
            path.write_bytes(altered(content, dice))
            try:
                hub.data(str(given), {"max_bytes": 1 << 26})
                found["read"] += 1
            except VaehubError as error:
                found["refused" if "\n" not in str(error) else "several lines"] += 1
            except Exception:  # noqa: BLE001 what passes is what is looked for
                traceback.print_exc()
                found["traceback"] += 1
    return found


def in_a_process(name: str, n: int, seed: int) -> tuple[int, str, str]:
    """Return exit code, figures, and what went wrong."""
    done = subprocess.run(
        [sys.executable, __file__, name, str(n), str(seed)], capture_output=True, text=True, timeout=900
    )
    return done.returncode, done.stdout.strip(), done.stderr


def campaign(n: int, seed: int, folder: Path, found: Findings | None = None) -> Findings:
    """Alter a file of each format so often, and read it; goes on where earlier findings end."""
    from .findings import Findings

    found = Findings() if found is None else found
    for name in list(MAKERS)[found.counts["formats"] :]:
        code, figures, wrong = in_a_process(name, n, seed)
        found.expect(code == 0, f"{name}: exit code {code}, {wrong[-1500:]}")
        counts = json.loads(figures) if code == 0 else {}
        found.counts.update({f"{name}: {kind}": count for kind, count in counts.items()})
        found.expect(counts.keys() <= {"read", "refused"}, f"{name}: {counts}, {wrong[-1500:]}")
        found.expect(sum(counts.values()) == n, f"{name}: {counts}")
        found.counts["altered files"] += sum(counts.values())
        found.counts["formats"] += 1
        found.round_ends()
    return found


if __name__ == "__main__":
    print(json.dumps(of_format(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
