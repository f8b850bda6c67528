"""Files that are altered at random, in every format that is read: what ``Hub.data`` says of them.

Each format is read in a process of its own, because a damaged file can end the interpreter inside a library.
"""

import random
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import array_files
import numpy as np
from processes import apart

from vaehub import Hub, VaehubError

from .findings import Findings

X = np.arange(480, dtype=np.float32).reshape(40, 12)
PICTURE = (np.arange(64, dtype=np.uint8) * 3).reshape(8, 8)
CLASSES = [at % 3 for at in range(40)]
NAMES = [f"c{at}" for at in CLASSES]
TIMEOUT = 900.0

MAKERS: dict[str, Callable[[Path], None]] = {
    "x.npz": partial(array_files.npz, x=X, labels=CLASSES),
    "x.npy": partial(array_files.npy, x=X),
    "x.h5": partial(array_files.hdf5, x=X, labels=NAMES),
    "x.h5ad": partial(array_files.h5ad, x=X),
    "x.parquet": partial(array_files.table, x=X, labels=NAMES),
    "x.csv": partial(array_files.csv, x=X),
    "pictures/x.png": partial(array_files.picture, x=PICTURE),
    "pictures/x.jpg": partial(array_files.picture, x=PICTURE),
    "pictures/x.tif": partial(array_files.picture, x=PICTURE),
    "x.zip": partial(array_files.zip_of_pictures, x=PICTURE),
    "x.tar.gz": partial(array_files.tar_of_pictures, x=PICTURE),
    "x.safetensors": partial(array_files.safetensors, x=X),
    "x.pt": partial(array_files.tensors, x=X, labels=CLASSES),
    "x-idx3-ubyte": partial(array_files.idx, x=PICTURE),
    "x-idx3-ubyte.gz": partial(array_files.packed_idx, x=PICTURE),
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


def campaign(n: int, seed: int, folder: Path, found: Findings | None = None) -> Findings:
    """Alter a file of each format so often, and read it; goes on where earlier findings end."""
    found = Findings() if found is None else found
    for name in list(MAKERS)[found.counts["formats"] :]:
        counts, code, wrong = apart(of_format, name, n, seed, timeout=TIMEOUT)
        found.expect(code == 0, f"{name}: exit code {code}, {wrong[-1500:]}")
        counts = counts or Counter()
        found.counts.update({f"{name}: {kind}": count for kind, count in counts.items()})
        found.expect(counts.keys() <= {"read", "refused"}, f"{name}: {counts}, {wrong[-1500:]}")
        found.expect(sum(counts.values()) == n, f"{name}: {counts}")
        found.counts["altered files"] += sum(counts.values())
        found.counts["formats"] += 1
        found.round_ends()
    return found
