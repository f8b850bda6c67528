"""Sprites drawn on demand: no download."""

from typing import final

import numpy as np

from vaehub.plugins.datasets.sprites import kernels
from vaehub.plugins.datasets.sprites.appearance import Colour, Masks, Noisy, Plain, Scream, Sprites


class RenderedSprites(Sprites):
    """Sprites drawn on demand."""

    def masks(self) -> Masks:
        """Return the renderer."""
        return lambda rows: kernels.render(np.stack(np.unravel_index(rows, kernels.SIZES), axis=1))


@final
class PlainSprites(RenderedSprites, Plain):
    """White on black, as in dSprites: Matthey et al. 2017."""


@final
class ColourSprites(RenderedSprites, Colour):
    """As in colour dSprites: Locatello et al. 2019."""


@final
class NoisySprites(RenderedSprites, Noisy):
    """As in noisy dSprites: Locatello et al. 2019."""


@final
class ScreamSprites(RenderedSprites, Scream):
    """As in Scream dSprites: Locatello et al. 2019."""
