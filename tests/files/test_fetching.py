"""Files are found in the right order, checked wherever they are, and downloaded so that nothing half is ever whole."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from vaehub import DataError
from vaehub.core.progress import listening
from vaehub.files import DataCard, DataFile, download, fetch, locate
from vaehub.files.download import BLOCK

CONTENT = np.random.default_rng(0).bytes(3_000_000)
NAME = "some.bin"
# An address that nothing listens at: port 9 of this machine.
NOWHERE = "http://127.0.0.1:9/"


def md5(content):
    return f"md5:{hashlib.md5(content).hexdigest()}"


def card(address=NOWHERE, content=CONTENT, packaged=None):
    file = DataFile(NAME, content and md5(content), None if address is None else address + NAME)
    return DataCard("some", "https://example.org/some", "CC0", "one file", (file,), packaged)


def put(folder, content=CONTENT):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_bytes(content)
    return folder / NAME


@pytest.mark.parametrize("below", ["", "some"])
def test_the_named_folder_holds_the_files_or_a_folder_of_the_dataset(tmp_path, cache, below):
    path = put(tmp_path / "mine" / below)
    assert fetch(card(), NAME, tmp_path / "mine") == path


def test_places_are_looked_at_in_order(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("VAEHUB_DATA", str(tmp_path / "env"))
    known = card(packaged=tmp_path / "packaged")
    expected = [
        put(folder) for folder in (cache / "some", tmp_path / "packaged", tmp_path / "env" / "some", tmp_path / "mine")
    ]
    while expected:
        path = expected.pop()
        assert locate(known, known.files[0], tmp_path / "mine") == path
        path.unlink()
    assert locate(known, known.files[0], tmp_path / "mine") is None


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VAEHUB_DATA", "~/mine")
    path = put(tmp_path / "mine")
    assert fetch(card(), NAME) == path


def test_what_cannot_be_had_says_every_place_and_the_address(tmp_path, cache):
    with pytest.raises(DataError) as caught:
        fetch(card(packaged=tmp_path / "packaged"), NAME, tmp_path / "mine")
    said = str(caught.value)
    places = [tmp_path / "mine" / "some", tmp_path / "mine", tmp_path / "packaged", cache / "some"]
    assert all(str(place) in said for place in places)
    assert NOWHERE + NAME in said
    assert "'-s data.root=FOLDER'" in said


def test_what_takes_a_hand_says_where_to_go(cache):
    with pytest.raises(DataError, match="cannot be downloaded without you; get it from https://example.org/some"):
        fetch(card(address=None), NAME)


def test_another_content_is_named_with_both_checksums(tmp_path, cache):
    path = put(tmp_path, b"other")
    with pytest.raises(DataError) as caught:
        fetch(card(), NAME, tmp_path)
    assert f"{path} is not the published file: its checksum is {md5(b'other')}, and should be {md5(CONTENT)}" in str(
        caught.value
    )
    assert path.read_bytes() == b"other"


def test_a_download_is_checked_and_kept(cache, served):
    served.contents[NAME] = CONTENT
    path = fetch(card(served.address), NAME)
    assert path == cache / "some" / NAME
    assert path.read_bytes() == CONTENT
    assert fetch(card(served.address), NAME) == path
    assert len(served.requests) == 1
    assert [each.name for each in path.parent.iterdir()] == [NAME]


def test_a_connection_that_breaks_is_taken_up_where_it_was(cache, served):
    served.contents[NAME] = CONTENT
    served.break_after = [15 * BLOCK]
    assert fetch(card(served.address), NAME).read_bytes() == CONTENT
    assert [asked for _, asked in served.requests] == [None, f"bytes={15 * BLOCK}-"]
    assert served.n_sent == len(CONTENT)


def test_what_arrived_is_kept_for_the_next_call(cache, served):
    served.contents[NAME] = CONTENT
    # Attempts that bring something are followed by others; after three it is the user's turn.
    served.break_after = [7 * BLOCK] * 3
    with pytest.raises(DataError, match="could not be downloaded"):
        fetch(card(served.address), NAME)
    assert not (cache / "some" / NAME).exists()
    assert (cache / "some" / f"{NAME}.part").stat().st_size == 21 * BLOCK
    assert fetch(card(served.address), NAME).read_bytes() == CONTENT
    assert served.n_sent == len(CONTENT)


def test_a_server_that_knows_no_ranges_is_asked_for_everything_again(cache, served):
    served.contents[NAME] = CONTENT
    served.ranges = False
    served.break_after = [15 * BLOCK]
    assert fetch(card(served.address), NAME).read_bytes() == CONTENT
    assert served.n_sent == 15 * BLOCK + len(CONTENT)


def test_another_part_than_was_asked_for_is_not_taken(cache, served):
    served.contents[NAME] = CONTENT
    served.break_after, served.shift = [15 * BLOCK], 10
    with pytest.raises(DataError, match="sent a different part of the file"):
        fetch(card(served.address), NAME)
    assert not list((cache / "some").glob(f"{NAME}*"))
    assert fetch(card(served.address), NAME).read_bytes() == CONTENT


def test_a_part_of_something_else_is_thrown_away(cache, served):
    served.contents[NAME] = CONTENT
    (cache / "some").mkdir(parents=True)
    (cache / "some" / f"{NAME}.part").write_bytes(b"x" * 1000)
    with pytest.raises(DataError, match="could not be downloaded"):
        fetch(card(served.address), NAME)
    assert not list((cache / "some").glob(f"{NAME}*"))
    assert fetch(card(served.address), NAME).read_bytes() == CONTENT


def test_a_part_that_is_whole_needs_no_more(cache, served):
    served.contents[NAME] = CONTENT
    (cache / "some").mkdir(parents=True)
    (cache / "some" / f"{NAME}.part").write_bytes(CONTENT)
    assert fetch(card(served.address), NAME).read_bytes() == CONTENT
    assert served.n_sent == 0


def test_a_part_that_is_longer_than_the_file_is_thrown_away(cache, served):
    served.contents[NAME] = CONTENT
    (cache / "some").mkdir(parents=True)
    (cache / "some" / f"{NAME}.part").write_bytes(CONTENT + b"more")
    assert fetch(card(served.address), NAME).read_bytes() == CONTENT
    assert served.n_sent == len(CONTENT)


def test_without_a_checksum_too_nothing_of_another_file_is_kept(cache, served):
    """No sum would notice it: what is longer than the file is noticed by its length."""
    served.contents[NAME] = CONTENT
    (cache / "some").mkdir(parents=True)
    (cache / "some" / f"{NAME}.part").write_bytes(b"x" * (len(CONTENT) + 1))
    assert fetch(card(served.address, content=None), NAME).read_bytes() == CONTENT


def test_without_a_checksum_too_a_broken_connection_leaves_nothing_under_the_final_name(cache, served):
    served.contents[NAME] = CONTENT
    served.break_after = [BLOCK] * 3
    with pytest.raises(DataError, match="could not be downloaded"):
        fetch(card(served.address, content=None), NAME)
    assert not (cache / "some" / NAME).exists()
    assert fetch(card(served.address, content=None), NAME).read_bytes() == CONTENT


def test_a_server_that_falls_silent_is_given_up_and_what_it_sent_is_kept(cache, served, monkeypatch):
    served.contents[NAME] = CONTENT
    served.pause = 1.0
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with pytest.raises(DataError, match="could not be downloaded"):
        fetch(card(served.address), NAME)
    assert (cache / "some" / f"{NAME}.part").stat().st_size == download.ATTEMPTS * BLOCK
    served.pause = 0.0
    assert fetch(card(served.address), NAME).read_bytes() == CONTENT


def test_what_arrived_outlasts_a_server_that_has_lost_the_file_for_a_while(cache, served):
    (cache / "some").mkdir(parents=True)
    (cache / "some" / f"{NAME}.part").write_bytes(CONTENT[:BLOCK])
    with pytest.raises(DataError, match="404"):
        fetch(card(served.address), NAME)
    served.contents[NAME] = CONTENT
    assert fetch(card(served.address), NAME).read_bytes() == CONTENT
    assert served.n_sent == len(CONTENT) - BLOCK


def test_a_download_with_another_sum_is_refused_and_not_kept(cache, served):
    served.contents[NAME] = b"other"
    with pytest.raises(DataError, match="could not be downloaded"):
        fetch(card(served.address), NAME)
    assert not list((cache / "some").glob(f"{NAME}*"))


def test_a_file_that_the_server_has_not_is_said(cache, served):
    with pytest.raises(DataError, match="404"):
        fetch(card(served.address), NAME)


@pytest.mark.parametrize("ranges", [True, False])
def test_progress_is_what_has_arrived(cache, served, ranges):
    """Also where a server begins again: what had arrived counts no longer."""
    served.contents[NAME] = CONTENT
    served.ranges, served.break_after = ranges, [15 * BLOCK]
    amounts = []

    class Listener:
        @contextmanager
        def begin(self, label, total):
            yield lambda amount, note="": amounts.append((label, amount, note))

    with listening(Listener()):
        fetch(card(served.address), NAME)
    downloaded = [(amount, note) for label, amount, note in amounts if label == f"downloading {NAME}"]
    assert sum(amount for amount, _ in downloaded) == len(CONTENT)
    assert downloaded[-1][1] == "of 3.0 MB"


FETCH = """
import sys
from vaehub.files import DataCard, DataFile, fetch
address, checksum = sys.argv[1:]
file = DataFile("some.bin", checksum, address + "some.bin")
print(fetch(DataCard("some", "", "", "", (file,)), "some.bin"))
"""


def started(served):
    command = [sys.executable, "-c", FETCH, served.address, md5(CONTENT)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def test_a_process_that_is_killed_leaves_nothing_half_under_the_final_name(cache, served):
    served.contents[NAME] = CONTENT
    served.pause = 0.05
    process = started(served)
    part = cache / "some" / f"{NAME}.part"
    while not (part.exists() and part.stat().st_size > 500_000):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (cache / "some" / NAME).exists()
    have = part.stat().st_size
    served.pause = 0
    assert fetch(card(served.address), NAME).read_bytes() == CONTENT
    assert served.requests[-1] == (NAME, f"bytes={have}-")


def test_two_processes_that_want_the_same_file_both_get_it(cache, served):
    served.contents[NAME] = CONTENT
    served.pause = 0.01
    processes = [started(served) for _ in range(2)]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    assert (cache / "some" / NAME).read_bytes() == CONTENT
    # The second waited for the first and found the file.
    assert served.n_sent == len(CONTENT)
