"""Values out of pickles that are read, and never run."""

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from vaehub import DataError
from vaehub.files.pickles import read_pickle

TITLE = "batch_1"
PROTOCOLS = range(6)
DTYPES = ("?", "i1", "u1", "<i2", ">u2", "<i4", ">i8", "<u8", "<f2", ">f4", "<f8", ">f8")
CANARY = "canary"


class Calls:
    """Pickles itself as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class Stateful:
    """Runs code when its state is restored."""

    def __init__(self):
        self.path = CANARY

    def __setstate__(self, state):
        Path(CANARY).touch()


def doubled(first: bytes, pair: bytes) -> bytes:
    """Return instructions for a value that holds two of a value that holds two of …, sixty levels deep (memo 60)."""
    twice = (b"h%c" % level * 2 for level in range(60))
    return first + b"q\x00" + b"".join(pair % each + b"q%c" % (at + 1) for at, each in enumerate(twice))


def refused(content: bytes, match: str = "only plain values and arrays of numbers are read from a pickle") -> None:
    with pytest.raises(DataError, match=match) as caught:
        read_pickle(content, TITLE)
    assert TITLE in str(caught.value)
    assert not Path(CANARY).exists()


# What is read


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_survive_in_every_protocol_type_byte_order_and_layout(protocol, dtype):
    values = (np.arange(24) * 5 % 7).astype(dtype).reshape(2, 3, 4)
    layouts = {
        "c": values,
        "fortran": np.asfortranarray(values),
        "neither": values.transpose(0, 2, 1),
        "strided": values[:, ::2],
        "none": values[0, 0, 1, ...].reshape(()),
    }
    found = read_pickle(pickle.dumps(layouts, protocol=protocol), TITLE)
    for layout, expected in layouts.items():
        assert found[layout].dtype == expected.dtype, layout
        assert found[layout].shape == expected.shape, layout
        assert np.array_equal(found[layout], expected), layout


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_values_survive_in_every_protocol(protocol):
    shared = ["once", 2]
    values = {
        "text": "übung \n \\ '",
        "bytes": bytes(range(256)),
        "numbers": [0, -1, 255, 65_536, -(2**31), 2**80, 0.1, -1e300],
        "nested": {"a": {"b": [[], {}, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]}, 3: None, None: 4},
        "truths": [True, False, None],
        "twice": [shared, shared],
    }
    assert read_pickle(pickle.dumps(values, protocol=protocol), TITLE) == values


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_are_found_in_tuples_and_lists(protocol):
    values = ([np.arange(3)], (np.arange(4), {"x": np.arange(5)}))
    ((first,), (second, third)) = read_pickle(pickle.dumps(values, protocol=protocol), TITLE)
    assert [first.tolist(), second.tolist(), third["x"].tolist()] == [[0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]]


def test_text_of_python_2_comes_as_bytes():
    # SHORT_BINSTRING, as Python 2 writes str in protocol 2.
    assert read_pickle(b"\x80\x02U\x04\xff\x00abq\x00.", TITLE) == b"\xff\x00ab"


def test_an_array_that_numpy_1_wrote_is_read():
    content = pickle.dumps(np.arange(6, dtype="u1").reshape(2, 3), protocol=2).replace(b"numpy._core", b"numpy.core")
    assert b"numpy.core.multiarray" in content
    assert read_pickle(content, TITLE).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_what_is_read_is_what_pickle_itself_reads():
    random = np.random.default_rng(1)
    value = {"data": random.integers(0, 256, (50, 3072), dtype=np.uint8), "labels": random.integers(0, 10, 50).tolist()}
    for protocol in PROTOCOLS:
        content = pickle.dumps(value, protocol=protocol)
        found, expected = read_pickle(content, TITLE), pickle.loads(content)
        assert np.array_equal(found["data"], expected["data"])
        assert found["labels"] == expected["labels"]


# What is refused


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_is_refused_and_not_made(protocol):
    refused(pickle.dumps(Calls(os.system, f"touch {CANARY}"), protocol=protocol))
    refused(pickle.dumps(Calls(eval, f"open({CANARY!r}, 'w')"), protocol=protocol))
    refused(pickle.dumps({"data": [np.arange(3), Calls(Path.touch, Path(CANARY))]}, protocol=protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_canary_of_these_tests_would_be_made_by_pickle(protocol):
    pickle.loads(pickle.dumps(Calls(os.system, f"touch {CANARY}"), protocol=protocol))
    assert Path(CANARY).exists()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_state_of_an_object_is_refused_and_not_restored(protocol):
    refused(pickle.dumps(Stateful(), protocol=protocol))


@pytest.mark.parametrize(
    "content",
    [
        f"cos\nsystem\n(S'touch {CANARY}'\ntR.".encode(),  # the classic
        f"(S'touch {CANARY}'\nios\nsystem\n.".encode(),  # INST
        f"(cos\nsystem\nS'touch {CANARY}'\no.".encode(),  # OBJ
        b"cbuiltins\nobject\n)\x81.",  # NEWOBJ
        b"\x80\x02\x82\x01.",  # EXT1
        b"Pid\n.",  # PERSID
        b"}}b.",  # BUILD of a dictionary
        b"cos\nsystem\n.",  # nothing but the name of a function
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\n(I0\ntS'b'\ntR.",
    ],
)
def test_instructions_that_act_are_refused(content):
    refused(content)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_of_objects_are_refused(protocol):
    array = np.empty(2, object)
    array[:] = [1, Calls(os.system, f"touch {CANARY}")]
    refused(pickle.dumps(array, protocol=protocol))
    refused(pickle.dumps(np.array([None, "x"], object), protocol=protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", ["S3", "U3", "M8[s]", [("a", "u1"), ("b", "O")]])
def test_arrays_of_anything_but_numbers_are_refused(protocol, dtype):
    refused(pickle.dumps(np.zeros(3, dtype), protocol=protocol), match="trust this file|cannot be read")


def test_an_array_without_values_is_refused():
    content = pickle.dumps(np.arange(3), protocol=2)
    unfinished = content[: content.index(b"(K\x01K\x03")] + b"."
    refused(unfinished)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_truncated_pickle_is_refused_wherever_it_ends(protocol):
    content = pickle.dumps({"data": np.arange(6, dtype="u1"), "labels": [1, 2, 3]}, protocol=protocol)
    for end in range(len(content)):
        refused(content[:end], match="cannot be read|ends before|trust this file")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_damaged_pickle_is_refused_or_read_and_nothing_else(protocol, rng):
    content = pickle.dumps({"data": np.arange(6, dtype="u1"), "labels": [1, 2, 3]}, protocol=protocol)
    for _ in range(300):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] = rng.integers(256)
        try:
            read_pickle(bytes(damaged), TITLE)
        except DataError as error:
            assert TITLE in str(error)  # noqa: PT017 most of them raise, not all


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        b"\x80\x02h\x07.",  # memo 7 was never written
        b"\x80\x02.",  # an empty stack
        b"\x80\x02t.",  # a tuple without a mark
        b"\x80\x02}(K\x01u.",  # a key without a value
        b"\x80\x02K\x01K\x02a.",  # an item for a number
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x00.",  # more bytes than there are
        b"\x80\x02]q\x00h\x00a.",  # a list of itself
        pickle.dumps(np.arange(3), protocol=2).replace(b"K\x03\x85", b"K\x04\x85"),  # a shape of more values
    ],
)
def test_nonsense_is_refused(content):
    refused(content, match="cannot be read.*replace the file")


@pytest.mark.parametrize("depth", [5_000, 500_000])
def test_deep_nesting_is_refused(depth):
    refused(b"]" * depth + b"a" * (depth - 1) + b".", match="cannot be read")
    refused(b"(" * depth + b"t" * depth + b".", match="cannot be read")


@pytest.mark.timeout(20)
def test_lists_of_the_same_lists_over_and_over_take_no_longer_than_they_are_long():
    # Two to the power of sixty values, were each of them worked out.
    lists, tuples = doubled(b"\x80\x02]", b"(%sl"), doubled(b"\x80\x02)", b"%s\x86")
    assert isinstance(read_pickle(lists + b".", TITLE), list)
    assert isinstance(read_pickle(tuples + b".", TITLE), tuple)
    # The same as what is called, as a name, as a key of a dictionary.
    refused(lists + b"(tR.")
    refused(lists + b"h\x3b\x93.", match="cannot be read")
    refused(b"}" + tuples + b"K\x01s.", match="cannot be read")


def test_one_text_cannot_fill_the_memory_by_being_encoded_over_and_over():
    text = b"X" + (100_000).to_bytes(4, "little") + b"a" * 100_000 + b"q\x02"
    encode = b"c_codecs\nencode\nq\x01"
    refused(b"\x80\x02]" + text + encode + b"h\x01h\x02U\x06latin1\x86R" * 20 + b".", match="again and again")


def test_a_message_quotes_little_of_a_hostile_file():
    with pytest.raises(DataError) as caught:
        read_pickle(b"c" + b"m" * 100_000 + b"\nf\n)R.", TITLE)
    assert len(str(caught.value)) < 400


def test_nothing_is_imported(monkeypatch):
    imported = io.StringIO()
    monkeypatch.setattr("builtins.__import__", lambda name, *_: imported.write(name))
    with pytest.raises(DataError):
        read_pickle(b"cantigravity\nfly\n)R.", TITLE)
    assert imported.getvalue() == ""
