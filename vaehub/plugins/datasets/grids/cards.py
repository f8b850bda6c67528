"""Cards of 3D Shapes, MPI3D, Cars3D and SmallNORB: files, checksums, addresses, licences, factors."""

from vaehub.files import DataCard, DataFile

SHAPES3D = DataCard(
    folder="shapes3d",
    home="https://github.com/google-deepmind/3d-shapes",
    licence="Apache-2.0, DeepMind",
    contents="480,000 images of 64x64, colour; every combination of six factors",
    files=(
        DataFile(
            "3dshapes.h5",
            "md5:099a2078d58cec4daad0702c55d06868",
            "https://storage.googleapis.com/3d-shapes/3dshapes.h5",
        ),
    ),
    factors=(
        ("floor_hue", 10),
        ("wall_hue", 10),
        ("object_hue", 10),
        ("scale", 8),
        ("shape", 4),
        ("orientation", 15),
    ),
)

_MPI3D = {
    "toy": "55889cb7c7dfc655d6e0277beee88868",
    "realistic": "59a6225b88b635365f70c91b3e52f70f",
    "real": "0f33f609918fb5c97996692f91129802",
}


def mpi3d_of(variant: str) -> str:
    """Return the name of a variant's file."""
    return f"mpi3d_{variant}.npz"


MPI3D = DataCard(
    folder="mpi3d",
    home="https://github.com/rr-learning/disentanglement_dataset",
    licence="CC BY 4.0, Gondal et al.",
    contents="1,036,800 images of 64x64, colour, in each of three variants; every combination of seven factors",
    files=tuple(
        DataFile(
            mpi3d_of(variant),
            f"md5:{md5}",
            f"https://storage.googleapis.com/disentanglement_dataset/Final_Dataset/{mpi3d_of(variant)}",
        )
        for variant, md5 in _MPI3D.items()
    ),
    factors=(
        ("object_color", 6),
        ("object_shape", 6),
        ("object_size", 2),
        ("camera_height", 3),
        ("background_color", 3),
        ("horizontal_axis", 40),
        ("vertical_axis", 40),
    ),
)

CARS3D = DataCard(
    folder="cars3d",
    home="http://www.scottreed.info",
    licence="none stated with the files",
    contents="17,568 images of 128x128, colour, resized to 64x64; every combination of three factors",
    files=(
        DataFile(
            "nips2015-analogy-data.tar.gz",
            "md5:4e866a7919c1beedf53964e6f7a23686",
            "http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",
        ),
    ),
    factors=(("elevation", 4), ("azimuth", 24), ("object", 183)),
)

_NORB_SPLITS = {"train": "5x46789x9x18x6x2x96x96-training", "test": "5x01235x9x18x6x2x96x96-testing"}
_NORB = {
    ("train", "dat"): "66054832f9accfe74a0f4c36a75bc0a2",
    ("train", "cat"): "23c8b86101fbf0904a000b43d3ed2fd9",
    ("train", "info"): "51dee1210a742582ff607dfd94e332e3",
    ("test", "dat"): "e4ad715691ed5a3a5f138751a4ceb071",
    ("test", "cat"): "5aa791cd7e6016cf957ce9bdb93b8603",
    ("test", "info"): "a9454f3864d7fd4bb3ea7fc3eb84924e",
}


def norb_of(split: str, kind: str) -> str:
    """Return the name of a file of the split ``train`` or ``test``: of the kind ``dat``, ``cat`` or ``info``."""
    return f"smallnorb-{_NORB_SPLITS[split]}-{kind}.mat.gz"


SMALLNORB = DataCard(
    folder="smallnorb",
    home="https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/",
    licence="research use only, Courant Institute of New York University",
    contents="24,300 + 24,300 images of 96x96, grey, resized to 64x64; 5 categories of toys",
    files=tuple(
        DataFile(name, f"md5:{md5}", f"https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/{name}")
        for name, md5 in ((norb_of(*key), md5) for key, md5 in _NORB.items())
    ),
    factors=(("category", 5), ("elevation", 9), ("azimuth", 18), ("lighting", 6)),
)
