"""Card of Omniglot: files, checksums, addresses, licence."""

from vaehub.files import DataCard, DataFile

ARCHIVES = {
    "background": "images_background.zip",
    "evaluation": "images_evaluation.zip",
    "small1": "images_background_small1.zip",
    "small2": "images_background_small2.zip",
}
"""The archive of each set of alphabets."""

_SUMS = {
    "background": "68d2efa1b9178cc56df9314c21c6e718",
    "evaluation": "6b91aef0f799c5bb55b94e3f2daec811",
    "small1": "e704a628b5459e08445c13499850abc4",
    "small2": "b75a71a51d3b13f821f212756fe481fd",
}
_ADDRESS = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"

OMNIGLOT = DataCard(
    folder="omniglot",
    home="https://github.com/brendenlake/omniglot",
    licence="MIT, Brenden Lake",
    contents="19,280 + 13,180 images of 105x105, black and white; 1,623 characters by 20 drawers each",
    files=tuple(DataFile(name, f"md5:{_SUMS[key]}", _ADDRESS + name) for key, name in ARCHIVES.items()),
    factors=(("character", 1623), ("drawer", 20)),
)
