"""Compare our sprites with the real ones: ``python -m benchmarks.sprites_picture dsprites.gif OUT.png``.

The animation comes from the repository google-deepmind/dsprites-dataset (Apache-2.0). The image shows the real frames
at the top, ours below them, and the pixels that differ at the bottom.
"""

import sys

import numpy as np
from PIL import Image, ImageSequence

from vaehub.plugins.datasets.sprites.kernels import SIDE, render

SQUARE, ELLIPSE, HEART = range(3)
SHOWN = {
    0: (HEART, 0, 0, 0, 0),
    3: (HEART, 3, 0, 0, 0),
    24: (HEART, 5, 6, 0, 0),
    36: (HEART, 5, 18, 0, 0),
    77: (HEART, 5, 0, 0, 19),
    105: (HEART, 5, 0, 15, 31),
    192: (ELLIPSE, 0, 0, 0, 0),
    216: (ELLIPSE, 5, 6, 0, 0),
    231: (ELLIPSE, 5, 21, 0, 0),
    258: (SQUARE, 2, 0, 0, 0),
    280: (SQUARE, 5, 6, 0, 0),
    300: (SQUARE, 5, 26, 0, 0),
}
"""Some frames of the animation, and the classes of the sprites in them."""
GAP = 2


def main() -> None:
    animation, output = sys.argv[1:]
    with Image.open(animation) as frames:
        real = np.stack([np.asarray(frame.convert("L")) > 127 for frame in ImageSequence.Iterator(frames)])
    real = real[list(SHOWN)]
    ours = render(np.array(list(SHOWN.values()))) > 0
    overlap = (real & ours).sum(axis=(1, 2)) / (real | ours).sum(axis=(1, 2))
    rows = np.stack([real, ours, real ^ ours])
    paper = np.full((3, len(SHOWN), SIDE + GAP, SIDE + GAP), 90, np.uint8)
    paper[:, :, :SIDE, :SIDE] = rows * np.uint8(255)
    sheet = Image.fromarray(paper.transpose(0, 2, 1, 3).reshape(3 * (SIDE + GAP), -1))
    sheet.save(output, optimize=True)
    print(f"{output}: overlap of {len(SHOWN)} frames from {overlap.min():.3f} to {overlap.max():.3f}")


main()
