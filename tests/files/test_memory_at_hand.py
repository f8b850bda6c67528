"""How much memory a process can still take, as the system says it."""

import pytest

from vaehub.files import bounds
from vaehub.files.bounds import memory_at_hand


@pytest.fixture
def container(tmp_path, monkeypatch):
    """Write what a container says of its memory."""
    monkeypatch.setattr(bounds, "_CGROUP", tmp_path)

    def write(**files):
        for name, text in files.items():
            (tmp_path / f"memory.{name}").write_text(text)

    return write


def test_a_container_has_what_its_limit_leaves(container):
    container(max="3000000", current="1000000")
    assert memory_at_hand() == 2_000_000
    container(current="4000000")
    assert memory_at_hand() == 0


def test_files_that_were_read_before_are_not_in_the_way(container):
    container(max="3000000", current="2900000", stat="anon 500000\ninactive_file 2400000\nactive_file 0\n")
    assert memory_at_hand() == 2_500_000
    container(current="1000000")
    assert memory_at_hand() == 3_000_000


def test_a_container_without_a_limit_has_what_the_machine_has(container, monkeypatch, tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    monkeypatch.setattr(bounds, "_MEMINFO", tmp_path / "meminfo")
    container(max="max", current="1000000")
    assert memory_at_hand() == 8000 * 1024
