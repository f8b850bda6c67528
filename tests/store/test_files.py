"""HDF5 files: whole or not there."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vaehub import StoreError
from vaehub.store.files import read_arrays, read_state, write_arrays, write_state

ANY = st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=3, max_side=4))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(array=ANY)
def test_arrays_come_back_bit_for_bit(tmp_path, array):
    file = write_arrays(tmp_path, "some", {"layer.0.weight": array, "nested/name": array})
    found = read_arrays(tmp_path / file.name, file.sha256)
    for name in ("layer.0.weight", "nested/name"):
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_the_same_content_has_the_same_checksum_and_a_file_of_its_own(tmp_path, weights):
    first, second = (write_arrays(tmp_path, "a", weights) for _ in range(2))
    assert first.sha256 == second.sha256
    assert first.name != second.name


def test_another_content_never_takes_the_place_of_a_file(tmp_path, weights):
    first = write_arrays(tmp_path, "a", weights)
    write_arrays(tmp_path, "a", {"n": np.array(4)})
    assert read_arrays(tmp_path / first.name, first.sha256)["n"] == 3


def test_a_damaged_file_is_refused(tmp_path, weights):
    file = write_arrays(tmp_path, "a", weights)
    content = bytearray((tmp_path / file.name).read_bytes())
    content[-1] ^= 1
    (tmp_path / file.name).write_bytes(content)
    with pytest.raises(StoreError, match=f"is damaged: its sha256 should be {file.sha256}"):
        read_arrays(tmp_path / file.name, file.sha256)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"a\.h5 is missing; 'vaehub verify' shows all"):
        read_arrays(tmp_path / "a.h5", "0")


def test_a_write_that_fails_leaves_nothing_behind(tmp_path):
    with pytest.raises(TypeError):
        write_arrays(tmp_path, "a", {"bad": np.array([object()])})
    assert list(tmp_path.iterdir()) == []


def test_state_of_any_length_comes_back(tmp_path, weights):
    plain = {"history": [{"epoch": epoch, "loss": epoch / 3} for epoch in range(5000)], "none": None}
    write_state(tmp_path / "state.h5", weights, plain)
    found, same = read_state(tmp_path / "state.h5")
    assert same == plain
    assert found.keys() == weights.keys()
    assert all(np.array_equal(found[name], weights[name]) for name in weights)
