"""Campaigns, as often as CI affords; by hand they are larger."""

import os
import time

import pytest
from small_disk import can_mount

from . import altered, arguments, damage, full_disk, kills, places, queries, read_only_disk, resuming
from .findings import Findings
from .process_table import descendants, is_alive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SEED = 20261129


def test_nothing_recorded_is_lost_when_commands_are_killed(tmp_path):
    found = kills.campaign(4, SEED, tmp_path)
    assert found.faults == []
    assert found.counts["killed"] == 4
    assert found.counts["verified after a kill"] > 0
    assert found.counts["completed with the same bits"] == found.counts["rounds"]


@pytest.mark.longest
def test_a_killed_study_ends_with_the_bits_of_an_undisturbed_one_and_two_workers_with_those_of_one(tmp_path):
    found = resuming.campaign(1, SEED, tmp_path)
    assert found.faults == []
    assert found.counts["resumed from a checkpoint"] > 0


def test_a_store_may_be_deleted_moved_and_protected_while_a_command_works_in_it(tmp_path):
    found = places.campaign(3, SEED, tmp_path)
    assert found.faults == []
    assert found.counts["disturbed"] > 0


@pytest.mark.skipif(not can_mount(), reason="only root can mount a small disk")
def test_a_disk_that_is_full_at_any_write_costs_what_was_being_made(tmp_path):
    found = full_disk.campaign(3, SEED, tmp_path)
    assert found.faults == []
    assert found.counts["exit code 1"] + found.counts["exit code 2"] > 0


@pytest.mark.skipif(not read_only_disk.can_fail(), reason="only root can mount a disk, and say of it that it fails")
def test_a_disk_that_becomes_read_only_in_mid_run_costs_what_was_being_made(tmp_path):
    found = read_only_disk.campaign(2, SEED, tmp_path)
    assert found.faults == []
    assert found.counts["failed in mid-run"] > 0


def test_commands_on_damaged_stores_answer_and_the_rest_is_rescued(tmp_path):
    found = damage.campaign(8, SEED, tmp_path)
    assert found.faults == []
    # What comes of each is a matter of where it was hit: the tests of the store hit what they name.
    assert found.counts["damaged stores"] == 2


def test_any_arguments_are_answered(tmp_path):
    found = arguments.campaign(50, SEED, tmp_path)
    assert found.faults == []
    assert found.counts["command lines"] == 50


def test_any_query_is_answered_and_changes_nothing(tmp_path):
    found = queries.campaign(60, SEED, tmp_path)
    assert found.faults == []
    assert found.counts["exit code 0"] > 5
    assert found.counts["exit code 2"] > 10


def test_an_altered_file_is_read_or_refused_in_a_sentence(tmp_path):
    assert altered.campaign(6, SEED, tmp_path).faults == []


# What campaigns stand on


def test_a_child_is_seen_until_it_has_ended():
    child = os.fork()
    if not child:
        time.sleep(60)
        os._exit(0)
    try:
        [born] = [each for each in descendants(os.getpid()) if each[0] == child]
        assert is_alive(born)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert not is_alive(born)


def test_a_lost_or_altered_record_is_a_fault():
    found = Findings()
    found.expect_kept({"a": "1", "b": "2"}, {"a": "1", "b": "2", "c": "3"}, "kept")
    assert found.faults == []
    found.expect_kept({"a": "1", "b": "2"}, {"a": "2"}, "lost")
    assert found.faults == ["lost: 2 of 2 records are lost or altered: ['a', 'b']"]
