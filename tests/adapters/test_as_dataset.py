"""What people have in memory: read as files are, or refused with the argument that would say it."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from vaehub import DataError, Dataset, Factors, Hub, OnDemand
from vaehub.adapters import as_dataset

N = 6


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (N, 5, 4), dtype=np.uint8)


@pytest.fixture
def vectors():
    return np.random.default_rng(1).normal(size=(N, 3)) * 100


# Arrays


@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        torch.from_numpy,
        list,
        lambda x: x.astype(np.int64),
        lambda x: x.astype(">i4"),
        lambda x: torch.from_numpy(x).to(torch.int32),
        lambda x: x / 255,
        lambda x: torch.from_numpy(x / np.float32(255)).requires_grad_(),
        lambda x: np.asfortranarray(x),
        lambda x: [Image.fromarray(each) for each in x],
    ],
)
def test_images_are_the_same_however_they_come(images, convert):
    x = as_dataset(convert(images)).x
    assert x.dtype == torch.float32
    torch.testing.assert_close(x[:, 0], torch.from_numpy(images / np.float32(255)), atol=1e-7, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.bool])
def test_vectors_of_any_type_keep_their_values(dtype):
    x = torch.tensor([[0.0, 1.0, 5.0], [3.0, 0.0, 2.0]]).to(dtype)
    assert torch.equal(as_dataset(x).x, x.to(torch.float32))


def test_the_channel_axis_is_found_or_asked_for():
    x = np.random.default_rng(0).random((N, 7, 5, 3)).astype(np.float32)
    expected = torch.from_numpy(x).permute(0, 3, 1, 2)
    assert torch.equal(as_dataset(x).x, expected)
    assert torch.equal(as_dataset(x.transpose(0, 3, 1, 2)).x, expected)
    square = x[:, :3, :3]
    says = r"as images of 3 x 3 in 3 channels and as images of 3 x 3 in 3 channels; .*layout='nchw'\) or layout"
    with pytest.raises(DataError, match=says):
        as_dataset(square)
    assert torch.equal(as_dataset(square, layout="nhwc").x, torch.from_numpy(square).permute(0, 3, 1, 2))
    assert torch.equal(as_dataset(square, layout="nchw").x, torch.from_numpy(square))
    with pytest.raises(DataError, match="images of 5 x 6 in 2 channels and as images of 2 x 5 in 6 channels"):
        as_dataset(np.zeros((N, 2, 5, 6)))


@pytest.mark.parametrize(
    ("low", "high"), [(-1.0, 1.0), (0.0, 255.0), (0.0, 65535.0), (-3.0, 7.0)], ids=lambda each: f"{each:g}"
)
def test_values_of_another_range_are_refused_and_can_be_said(low, high):
    unit = np.linspace(0, 1, N * 20).reshape(N, 4, 5)
    x = low + unit * (high - low)
    with pytest.raises(DataError, match=r"and images lie in \[0, 1\], or are bytes, .*value_range="):
        as_dataset(x)
    found = as_dataset(x, value_range=(low, high))
    assert found.spec.in_unit_interval
    np.testing.assert_allclose(found.x[:, 0], unit, atol=1e-6)
    with pytest.raises(DataError, match="which is not within value_range="):
        as_dataset(x, value_range=(low, high - 0.5))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_array_in_memory_is_read_as_its_file_is(tmp_path_factory, data):
    dtype = data.draw(st.sampled_from([np.uint8, np.bool_, np.int16, np.float32, np.float64, np.uint16]))
    shape = data.draw(st.sampled_from([(4, 3), (4, 5, 6), (4, 3, 5, 5), (4, 5, 5, 1), (4, 2, 5, 5), (4, 3, 3, 3)]))
    bounds = (0, 1) if dtype == np.bool_ else data.draw(st.sampled_from([(0, 1), (0, 255), (-1, 1), (0, 60_000)]))
    if dtype in (np.uint8, np.bool_) or (dtype == np.uint16 and bounds[0] < 0):
        bounds = (0, min(bounds[1], 255))
    elements = None if dtype == np.bool_ else _elements(dtype, *bounds)
    x = data.draw(arrays.arrays(dtype, shape, elements=elements))
    path = tmp_path_factory.mktemp("files") / "x.npy"
    np.save(path, x)
    assert _values(lambda: as_dataset(x)) == _values(lambda: Hub.open(path.parent / "store").data(path))


def _elements(dtype, low, high):
    if np.issubdtype(dtype, np.floating):
        return st.floats(low, high, width=32 if dtype == np.float32 else 64)
    return st.integers(low, min(high, np.iinfo(dtype).max))


def _values(read):
    try:
        found = read()
    except DataError:
        return "refused"
    return found.spec, found.x.numpy().tobytes()


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (np.array([["a", 1]], dtype=object), "holds Python objects, such as 'a', and observations are numbers"),
        (np.array([["2020"]], dtype="M8[D]"), r"holds values of type datetime64\[D\]"),
        (np.zeros(3, dtype=[("a", int)]), "holds values of type"),
        (np.zeros((0, 3)), r"an array of shape \(0, 3\) and type float64 is empty; give at least one observation"),
        (np.zeros((3, 0)), "is empty"),
        ([], "a list of 0 is empty"),
        (
            np.array([[0.0, 1], [np.nan, 2], [3, np.inf]]),
            "holds NaN or infinity in 2 of 3 observations, the first in row 1",
        ),
        (np.full((2, 2), 1e300), "beyond the range of 32-bit numbers"),
        (np.ones((3, 2)) * 1j, r"holds complex numbers; give real ones, such as abs\(x\)"),
        (torch.ones(3, 2) * 1j, "holds complex numbers"),
        (np.float64(3), "cannot be read|is a single number"),
        (torch.tensor(3.0), r"a tensor of shape \(\) and type float32 is a single number"),
        (
            np.arange(5.0),
            r"5 numbers in a row: 5 observations of one value are x.reshape\(-1, 1\), and one observation of 5 is",
        ),
        ([1.0, 2.0], "2 numbers in a row"),
        (np.zeros((2, 2, 2, 2, 2)), r"has 5 axes, .*; x.reshape\(len\(x\), -1\) makes vectors"),
        ([np.ones((2, 2)), np.ones((2, 3))], r"such as \(2, 2\) \(observation 0\) and \(2, 3\) \(observation 1\)"),
        ([[1, 2], [3]], r"such as \(2,\) \(observation 0\) and \(1,\) \(observation 1\)"),
        (np.ma.masked_array(np.ones((3, 2)), np.eye(3, 2) > 0), "has 2 masked values"),
        (torch.empty(3, 2, device="meta"), "cannot be read as an array"),
        ((np.ones((3, 2)), np.arange(3)), r"observations with their labels, as_dataset\(x, labels=y\), and as two"),
        ({"x": np.ones((3, 2))}, r"data are a dict, .* labels=data\['y'\]"),
        ("digits", "a name or a path is read by Hub.data"),
        (None, "a tensor, an array, a list of arrays, a data frame, a torch Dataset or DataLoader"),
        (3, "data are an int, which cannot be read; a tensor, an array"),
        ([Image.new("P", (4, 4))], r"a picture has mode 'P'; convert it first: image.convert\('RGB'\)"),
    ],
)
def test_what_is_no_observations_is_refused_in_a_sentence(x, says):
    with pytest.raises(DataError, match=says):
        as_dataset(x)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"layout": "hwc"}, "layout is 'hwc', and should be 'auto', 'nchw'"),
        ({"value_range": 3}, r"value_range is 3, and should be .* such as \(-1, 1\)"),
        ({"value_range": (1, 0)}, r"value_range is \(1, 0\), and should be .* the lesser first"),
        ({"name": " "}, "data are named by a text, such as name='mine', and this name is ' '"),
        ({"name": 3}, "this name is 3"),
        ({"layer": "counts"}, "layer='counts' is for an AnnData, and this is an array"),
        ({"labels": True}, "labels are True"),
        ({"labels": "cell"}, "'cell' names a column, and an array of shape .* has none"),
        ({"labels": [1, 2]}, f"there are {N} observations and 2 labels; they belong together one by one"),
        ({"labels": np.eye(N)}, rf"labels have shape \({N}, {N}\), .* y.argmax\(axis=1\)"),
        ({"labels": 3}, "labels are an int, and should be one value for each observation"),
        ({"labels": [1, 2, None, 1, 2, 1]}, "labels have 1 missing values among 6; drop those observations"),
        ({"labels": [1, 2, float("nan"), 1, 2, 1]}, "labels have 1 missing values"),
        ({"factors": np.arange(N)}, "should have a row for each of 6 observations and a column for each factor"),
        ({"factors": {}}, "factors are empty"),
        ({"factors": {"scale": [1, 2]}}, "there are 6 observations and 2 factor 'scale'"),
        ({"factors": {"scale": [1, 2, 3, None, 1, 2]}}, "factor 'scale' has 1 missing values among 6"),
    ],
)
def test_options_that_do_not_fit_are_refused(vectors, options, says):
    with pytest.raises(DataError, match=says):
        as_dataset(vectors, **options)


# Labels and factors


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([3, 1, 3, 1, 2, 2], [2, 0, 2, 0, 1, 1]),
        (["b", "a", "b", "a", "a", "b"], [1, 0, 1, 0, 0, 1]),
        (np.array([10.5, -1, 10.5, -1, 0, 0]), [2, 0, 2, 0, 1, 1]),
        (torch.tensor([[20240001], [7], [7], [7], [7], [7]]), [1, 0, 0, 0, 0, 0]),
        (np.array([True, False, True, True, True, True]), [1, 0, 1, 1, 1, 1]),
        (pa.array(["y", "x", "x", "x", "x", "y"]), [1, 0, 0, 0, 0, 1]),
        (iter("bababa"), [1, 0, 1, 0, 1, 0]),
    ],
)
def test_labels_of_any_values_are_classes(vectors, labels, expected):
    assert as_dataset(vectors, labels=labels).labels.tolist() == expected


def test_an_index_of_pandas_is_no_observation_and_says_the_order(caplog):
    frame = pd.DataFrame({"a": [0.1, 0.2, 0.3], "b": [1.0, 2.0, 4.0]})
    written = frame.reset_index(names="Unnamed: 0")
    arrow = pa.table({**{name: frame[name].tolist() for name in frame}, "__index_level_0__": [7, 8, 9]})
    for table in (written, arrow, pa.Table.from_pandas(frame.set_index(pd.Index([9, 7, 8], name="cell")))):
        caplog.clear()
        assert torch.equal(as_dataset(table).x, as_dataset(frame).x)
        assert "an index that pandas wrote" in caplog.text
    assert as_dataset(written.rename(columns={"Unnamed: 0": "first"})).x.shape == (3, 3)
    labels = pd.Series(["x", "y", "z"], index=[2, 1, 0])
    for beside in ({"labels": labels}, {"factors": {"hue": labels}}, {"factors": labels.to_frame()}):
        with pytest.raises(DataError, match="row by row or by index; say which"):
            as_dataset(frame, **beside)
    assert as_dataset(frame, labels=labels.to_numpy()).labels.tolist() == [0, 1, 2]
    assert as_dataset(frame, labels=labels.reindex(frame.index)).labels.tolist() == [2, 1, 0]


def test_integers_that_would_be_nearly_black_are_asked_about():
    dark = np.arange(64, dtype=np.int64).reshape(1, 8, 8) % 17
    with pytest.raises(DataError, match=r"value_range=\(0, 16\)"):
        as_dataset(dark)
    assert as_dataset(dark, value_range=(0, 16)).x.max() == 1
    assert as_dataset(dark.astype(np.uint8)).x.max() == pytest.approx(16 / 255)


def test_images_may_leave_the_range_by_rounding():
    x = np.full((2, 3, 3), 1 + 5e-7)
    assert as_dataset(x).x.max() == 1
    with pytest.raises(DataError, match=r"lies in \[1\.00001, 1\.00001\]"):
        as_dataset(np.full((2, 3, 3), 1.00001))


def test_a_dataset_that_does_not_say_its_length_is_refused():
    class Endless(torch.utils.data.Dataset):
        def __getitem__(self, row):
            return torch.zeros(1, 3, 3)

    with pytest.raises(DataError, match="does not say how many observations it has"):
        as_dataset(Endless())


def test_factors_have_names_and_values(vectors):
    found = as_dataset(vectors, factors={"scale": [0.5, 2, 0.5, 2, 1, 1], "side": [0, 1, 0, 1, 0, 1]}).factors
    assert (found.names, found.sizes, found.values) == (("scale", "side"), (3, 2), ((0.5, 1.0, 2.0), (0.0, 1.0)))
    assert found.classes.tolist() == [[0, 0], [2, 1], [0, 0], [2, 1], [1, 0], [1, 1]]
    words = as_dataset(vectors, factors={"hue": list("rgbrgb"), "side": [0, 1, 0, 1, 0, 1]}).factors
    assert (words.sizes, words.class_names) == ((3, 2), (("b", "g", "r"), ("0", "1")))
    assert words.classes[:, 0].tolist() == [2, 1, 0, 2, 1, 0]
    numbered = as_dataset(vectors, factors=np.arange(2 * N).reshape(N, 2) % 3).factors
    assert (numbered.names, numbered.sizes) == (("factor_0", "factor_1"), (3, 3))
    ours = Factors(("a",), (2,), torch.zeros(N, 1, dtype=torch.int64))
    assert as_dataset(vectors, factors=ours).factors.names == ("a",)


def test_a_dataset_stays_what_it_is_and_can_be_given_more(vectors):
    data = Dataset(vectors, labels=[0, 1] * 3, splits={"train": range(4)}, name="first")
    assert as_dataset(data) is data
    other = as_dataset(data, labels=list("xyzxyz"), name="second")
    assert other.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert (other.name, data.name, len(other.split("train"))) == ("second", "first", 4)
    assert as_dataset(data, labels=False).labels is None
    assert other.split("train").name == other.first(3).name == "second"
    on_demand = OnDemand(3, (2,), lambda rows: rows[:, None].repeat(1, 2) / 4)
    assert as_dataset(on_demand, name="drawn").x.tolist() == [[0, 0], [0.25, 0.25], [0.5, 0.5]]


@pytest.mark.parametrize("x", [np.array([["a"]], dtype=object), np.ones((2, 2)) * 1j, torch.ones(2, 2) * 1j, "x"])
def test_a_dataset_is_made_of_numbers_alone(x):
    with pytest.raises(DataError, match="observations are (real )?numbers"):
        Dataset(x)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"labels": list("ababab")}, "labels are numbers, .* makes classes of words"),
        ({"labels": [[1], [1, 2]]}, "labels are arrays of one shape"),
        (
            {"factors": np.zeros((N, 2))},
            "factors are vaehub.Factors, and a ndarray came; vaehub.adapters.as_dataset makes",
        ),
        ({"splits": [0, 1]}, r"splits are rows by name, such as \{'train': range\(100\)\}, and a list came"),
        ({"splits": {"train": "ab"}}, "rows of split 'train' are numbers"),
        ({"splits": {"train": [True] * N}}, "and this is a mask"),
    ],
)
def test_what_a_dataset_does_not_take_is_refused(vectors, options, says):
    with pytest.raises(DataError, match=says):
        Dataset(vectors, **options)
