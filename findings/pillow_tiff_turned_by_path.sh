#!/usr/bin/env bash
# Versions: pillow 13.0.0, numpy 2.4.6.
# Expected: the pixels of a TIFF do not depend on whether Image.open is given its path or an open file.
# Seen: of an uncompressed TIFF whose orientation tag says that it lies on its side, the open file gives the turned picture, and
#     the path gives the untouched bytes under the turned size: each row is filled from the wrong place. No error, no warning.
# Matters: scanners, microscopes and cameras write such files. A folder of them, read by path as every tutorial does, trains a VAE on
#     scrambled pictures, with the right number of pixels and the right brightness. Open the file first, and give that.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import PIL
from PIL import Image

pixels = np.arange(60, dtype=np.uint8).reshape(6, 10)
orientation = Image.Exif()
orientation[0x0112] = 6
Image.fromarray(pixels).save("lying.tiff", exif=orientation)
turned = np.rot90(pixels, -1)
with open("lying.tiff", "rb") as file:
    by_file = np.asarray(Image.open(file))
by_path = np.asarray(Image.open("lying.tiff"))
print("pillow", PIL.__version__, "numpy", np.__version__)
print("stored as", pixels.shape, "size said for the path:", Image.open("lying.tiff").size)
for name, found in (("file", by_file), ("path", by_path)):
    print(f"by {name}: {found.shape}, turned: {np.array_equal(found, turned)}, as stored: {np.array_equal(found, pixels)}")
assert np.array_equal(by_file, turned)
assert not np.array_equal(by_path, turned)
assert not np.array_equal(by_path, pixels)
PYTHON
