"""Sprites with the factors of dSprites, drawn here or from the official file: plain, coloured, noisy, on a painting."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl

LOCATELLO = "Locatello et al. 2019"
LOOKS = {
    "": ("Plain", "binary", "Matthey et al. 2017"),
    "_colour": ("Colour", "of one random colour each", LOCATELLO),
    "_noisy": ("Noisy", "on a background of noise", LOCATELLO),
    "_scream": ("Scream", "as negatives of parts of a painting", LOCATELLO),
}


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Dataset(
            f"{name}{ending}",
            f"vaehub.plugins.datasets.sprites.{module}:{look}{suffix}",
            f"{what} {how}, 64x64, five factors",
            params=f"vaehub.plugins.datasets.sprites.params:{'Scream' if look == 'Scream' else ''}{suffix}Params",
            source=source,
            card=f"vaehub.plugins.datasets.sprites.cards:{name.upper()}{'_SCREAM' if look == 'Scream' else ''}",
        )
        for name, module, suffix, what in (
            ("sprites", "rendering", "Sprites", "shapes drawn on demand,"),
            ("dsprites", "official", "Dsprites", "the shapes of the official dSprites,"),
        )
        for ending, (look, how, source) in LOOKS.items()
    ]
