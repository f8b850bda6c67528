"""Every checksum in the package is the published one, and that of the real file where the file is at hand.

The list of published checksums is the page beside the real files, ``VAEHUB_DATA/README.md``.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import vaehub
from vaehub.files import DataCard, DataFile
from vaehub.files.checksums import check, checksum
from vaehub.plugins.datasets.cifar import cards as cifar
from vaehub.plugins.features import weights
from vaehub.registry.catalog import Catalog

DIGEST = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-f])")
PACKAGE = Path(vaehub.__file__).parent

ELSEWHERE = {
    "d32c9cbf5e040fd4025c592c306e6668": "torchvision.datasets.CelebA, list_eval_partition.txt",
    "c32a1d4ab5d03f1284b67883e8d87530": "https://www.cs.toronto.edu/~kriz/cifar.html, the binary version",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2": "torch-fidelity, URL_INCEPTION_V3; its name "
    "begins with the first eight digits",
}
"""Checksums that the page beside the files does not list, and who publishes them."""


def cards() -> list[DataCard]:
    named = [each.load_card() for each in Catalog().entries("dataset") if each.distribution == "vaehub"]
    return list({card.folder: card for card in [*filter(None, named), cifar.CIFAR10_SLICE]}.values())


def files() -> list[tuple[DataCard, DataFile]]:
    return [(card, file) for card in cards() for file in card.files]


def titled(found: list[tuple[DataCard, DataFile]]) -> list[object]:
    return [pytest.param(card, file, id=f"{card.folder}/{file.name}") for card, file in found]


def sums_of(file: DataFile) -> list[str]:
    return [each.partition(":")[2] for each in (file.checksum, file.content) if each is not None]


def letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def test_no_checksum_is_outside_of_a_card():
    """The tests below then see all of them."""
    written = {digest for path in PACKAGE.rglob("*.py") for digest in DIGEST.findall(path.read_text())}
    on_cards = {digest for _, file in files() for digest in sums_of(file)}
    assert len(written) > 40
    assert written - on_cards == {weights.INCEPTION_CHECKSUM.partition(":")[2]}


def test_no_checksum_is_that_of_two_files():
    digests = [digest for _, file in files() for digest in sums_of(file)]
    assert len(digests) == len(set(digests))


def test_the_weights_of_inception_are_the_file_whose_name_holds_the_beginning_of_its_checksum():
    for name in weights.INCEPTION_NAMES:
        assert weights.INCEPTION_CHECKSUM.startswith("sha256:" + Path(name).stem.rpartition("-")[2])


@pytest.mark.parametrize(("card", "file"), titled([each for each in files() if sums_of(each[1])]))
def test_a_checksum_is_published_for_that_data(real_data, card, file):
    page = real_data / "README.md"
    if not page.is_file():
        pytest.skip(f"{page} is missing, the list of published checksums")
    lines = page.read_text().splitlines()
    for digest in sums_of(file):
        found = [line for line in lines if digest in DIGEST.findall(line)]
        assert found or digest in ELSEWHERE, f"{digest} of {file.name} is not listed"
        for line in found:
            # A checksum of other data would be in a line that speaks of those.
            assert file.name in line or letters(card.folder) in letters(line)


@pytest.mark.parametrize(("card", "file"), titled([each for each in files() if each[1].checksum]))
def test_a_real_file_has_its_checksum(real_data, card, file):
    path = real_data / card.folder / file.name
    if not path.is_file():
        pytest.skip(f"{path} is missing")
    check(path, file)
    if file.content is not None:
        assert content_of(path, file.content) == file.content


@pytest.mark.parametrize(("card", "file"), titled([each for each in files() if each[0].packaged]))
def test_a_packaged_file_has_its_content(card, file):
    path = card.packaged / file.name
    if not path.is_file():
        pytest.skip(f"{path} is missing; apt-get install dataset-fashion-mnist")
    assert content_of(path, file.content) == file.content


def test_the_weights_at_hand_have_their_checksum():
    found = next((path for path in weights._candidates() if path.is_file()), None)
    if found is None:
        pytest.skip(f"{weights.INCEPTION_NAMES[0]} is missing")
    assert checksum(found, "sha256") == weights.INCEPTION_CHECKSUM


def test_the_packaged_weights_begin_as_their_name_says():
    if find_spec(weights.WEIGHTS) is None or find_spec(weights.NETWORK) is None:
        pytest.skip("vaehub[imagenet] is not installed")
    path = weights.imagenet_weights()
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(path.stem.rpartition("-")[2])


def content_of(path: Path, expected: str) -> str:
    """Return the checksum of what a file holds uncompressed."""
    algorithm = expected.partition(":")[0]
    with gzip.open(path) as stream:
        return f"{algorithm}:{hashlib.file_digest(stream, algorithm).hexdigest()}"
