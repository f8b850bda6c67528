"""Cards of sprites: files, checksums, addresses, licences."""

from dataclasses import replace

from vaehub.files import DataCard, DataFile

CONTENTS = "737,280 images of 64x64, binary; every combination of five factors"
FACTORS = (("shape", 3), ("scale", 6), ("orientation", 40), ("position_x", 32), ("position_y", 32))
ARCHIVE = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
PAINTING = "scream.jpg"

_ADDRESS = "https://raw.githubusercontent.com/google-deepmind/dsprites-dataset/master/"
# The painting that Locatello et al. 2019 download; no checksum of it was published.
_PAINTING = DataFile(PAINTING, address="https://upload.wikimedia.org/wikipedia/commons/f/f4/The_Scream.jpg")

SPRITES = DataCard(
    folder="sprites",
    home="https://github.com/google-deepmind/dsprites-dataset",
    licence="drawn by vaehub (Apache-2.0) after dSprites",
    contents=CONTENTS,
    factors=FACTORS,
)
SPRITES_SCREAM = replace(SPRITES, folder="scream", files=(_PAINTING,))

DSPRITES = DataCard(
    folder="dsprites",
    home="https://github.com/google-deepmind/dsprites-dataset",
    licence="Apache-2.0, DeepMind",
    contents=CONTENTS,
    files=(DataFile(ARCHIVE, "md5:7da33b31b13a06f4b04a70402ce90c2e", _ADDRESS + ARCHIVE),),
    factors=FACTORS,
)
DSPRITES_SCREAM = replace(DSPRITES, files=(*DSPRITES.files, _PAINTING))
