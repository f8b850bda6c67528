"""The same request has the same name."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaehub.core.identity import canonical_json, identity

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_the_identity_is_the_digest_of_the_canonical_text():
    expected = hashlib.blake2b(b'{"a":[1,2.5],"b":"\xc3\xa9"}', digest_size=12).hexdigest()
    assert identity({"b": "é", "a": (1, 2.5)}) == expected


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_the_order_of_keys_is_no_part_of_it(value):
    assert identity(dict(reversed(value.items()))) == identity(value)


@given(VALUES)
def test_the_text_says_what_the_value_is(value):
    assert json.loads(canonical_json(value)) == value


def test_both_zeros_are_one():
    assert identity({"a": [-0.0]}) == identity({"a": [0.0]})


def test_whole_and_broken_numbers_differ():
    assert identity(1) != identity(1.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_has_no_identity(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": value})


def reordered(value):
    if isinstance(value, dict):
        return {key: reordered(item) for key, item in reversed(value.items())}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(VALUES)
def test_nor_is_the_order_of_keys_further_in(value):
    assert identity(reordered(value)) == identity(value)


@given(st.lists(st.integers(), min_size=2, max_size=4, unique=True))
def test_the_order_of_a_list_is_part_of_it(value):
    assert identity(value[::-1]) != identity(value)


@given(VALUES)
def test_an_identity_is_24_hexadecimal_digits(value):
    assert len(identity(value)) == 24
    assert set(identity(value)) <= set("0123456789abcdef")


def test_the_text_is_as_short_as_can_be():
    assert canonical_json({"b": [1, 2.0, None, True], "a": {"é": 1e-3}}) == '{"a":{"é":0.001},"b":[1,2.0,null,true]}'


def test_yes_and_one_differ():
    assert identity({"flag": True}) != identity({"flag": 1})


@pytest.mark.parametrize("value", [[float("-inf")], {"a": {"b": (1.0, float("nan"))}}])
def test_what_is_no_number_is_found_however_deep(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        identity(value)
