"""Who reads a user's own file, and what a dataset's card says."""

import pluggy
import pytest

from vaehub import VaehubError
from vaehub.files.card import DataCard, DataFile
from vaehub.registry import Dataset, Model
from vaehub.registry.catalog import Catalog
from vaehub.registry.discovery import Discovered, Plugin
from vaehub.registry.holdings import holding, holdings

CARD = DataCard(
    "stripes",
    "https://example.org",
    "CC0",
    "2 images",
    (DataFile("a.npz", address="https://example.org/a.npz"), DataFile("b")),
)
BARE = DataCard("made", "https://example.org", "CC0", "made here")
NO_CARD = "nothing"


def catalog(*entries, distribution="ours"):
    plugin = Plugin("p", distribution, "1.0", "p", entries)
    return Catalog(Discovered((plugin,), pluggy.PluginManager("vaehub")))


IMAGES = Dataset("images", "a:A", "pictures", opens=("/", ".gz"))
TARS = Dataset("tars", "a:A", "tars", opens=(".tar.gz", ".npz"))


def test_a_folder_and_an_ending_have_their_readers(tmp_path):
    found = catalog(IMAGES, TARS, Model("m", "a:A", "a model"))
    assert found.opening(tmp_path).entry.name == "images"
    (tmp_path / "x.NPZ").touch()
    assert found.opening(tmp_path / "x.NPZ").entry.name == "tars"


def test_the_longest_ending_decides(tmp_path):
    (tmp_path / "x.tar.gz").touch()
    assert catalog(IMAGES, TARS).opening(tmp_path / "x.tar.gz").entry.name == "tars"
    (tmp_path / "x.gz").touch()
    assert catalog(IMAGES, TARS).opening(tmp_path / "x.gz").entry.name == "images"


def test_a_file_that_nobody_reads_is_answered_with_what_can_be_read(tmp_path):
    (tmp_path / "x.doc").touch()
    with pytest.raises(
        VaehubError, match=r"no installed plugin reads '.*x.doc'; a folder of images or .gz, .npz, .tar.gz"
    ):
        catalog(IMAGES, TARS).opening(tmp_path / "x.doc")


def test_no_reader_wins_silently(tmp_path):
    (tmp_path / "x.npz").touch()
    other = Dataset("others", "a:A", "arrays", opens=(".npz",))
    with pytest.raises(VaehubError, match="can be read by ours:others and ours:tars; ask for one by name"):
        catalog(TARS, other).opening(tmp_path / "x.npz")


def test_where_the_files_of_a_card_are(tmp_path, monkeypatch):
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    entry = Dataset("stripes", "a:A", "stripes", card=f"{__name__}:CARD")
    [found] = holdings(catalog(entry), tmp_path)
    assert (found.state, found.is_at_hand) == ("to get by hand", False)
    (tmp_path / "a.npz").touch()
    [found] = holdings(catalog(entry), tmp_path)
    assert (found.state, found.is_at_hand) == ("1 of 2 files here", False)
    (tmp_path / "stripes").mkdir()
    (tmp_path / "stripes" / "b").touch()
    [found] = holdings(catalog(entry), tmp_path)
    assert (found.state, found.is_at_hand) == ("here", True)
    assert [path for _, path in found.files] == [tmp_path / "a.npz", tmp_path / "stripes" / "b"]


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (Dataset("made", "a:A", "made", card=f"{__name__}:BARE"), "needs no files"),
        (Dataset("strange", "a:A", "no card"), "unknown"),
        (IMAGES, "your own"),
    ],
)
def test_what_has_no_files_says_so(entry, state):
    found = catalog(entry)
    assert holding(found.find("dataset", entry.name)).state == state


@pytest.mark.parametrize(("card", "words"), [("NO_CARD", "no vaehub.files.DataCard"), ("ABSENT", "cannot be loaded")])
def test_a_card_that_is_none_is_the_fault_of_its_package(card, words):
    found = catalog(Dataset("x", "a:A", "x", card=f"{__name__}:{card}"))
    with pytest.raises(VaehubError, match=f"{words}.*this is a fault of that package"):
        holding(found.find("dataset", "x"))
