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
from scipy import sparse
from torch.utils import data as td

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


# Tables


def table(**more):
    return pa.table({"a": [1.0, 2, 3], "b": [True, False, True], "cell": ["t", "b", "t"], **more})


def test_columns_of_numbers_are_vectors_and_others_are_labels_if_that_is_said():
    found = as_dataset(table(), labels="cell")
    assert found.x.tolist() == [[1, 1], [2, 0], [3, 1]]
    assert found.labels.tolist() == [1, 0, 1]
    found = as_dataset(table(), factors=["cell", "b"])
    assert found.x.tolist() == [[1], [2], [3]]
    assert (found.factors.names, found.factors.sizes) == (("cell", "b"), (2, 2))
    found = as_dataset(pa.table({"a": [1, 2], "label": [7, 3]}))
    assert (found.x.tolist(), found.labels.tolist()) == ([[1], [2]], [1, 0])
    assert as_dataset(pa.table({"a": [1, 2], "label": [7, 3]}), labels=False).labels is None
    assert as_dataset(pa.table({"a": [[1, 2], [3, 4]], "b": [5, 6]})).x.tolist() == [[1, 2, 5], [3, 4, 6]]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (table(), r"columns that are not numbers: 'cell' \(string\); drop them, or use one as labels: .*labels='cell'"),
        (pa.table({"a": [1, None]}), "column 'a', has 1 missing values; fill or drop them"),
        (pa.table({"a": [[1, None], [1, 2]]}), "has 1 missing values in its lists"),
        (pa.table({"a": [[1, 2], [3]]}), "column 'a', holds lists of different lengths"),
        (pa.table({"a": [float("nan"), 1.0]}), "holds NaN or infinity in 1 of 2 observations"),
        (pa.table({"a": pa.array([], pa.float64())}), "has 0 rows and 1 columns of numbers"),
        (pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), "has two columns 'a'; rename one"),
    ],
)
def test_a_table_that_holds_something_else_is_refused_by_its_columns(columns, says):
    with pytest.raises(DataError, match=says):
        as_dataset(columns)


def test_a_column_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(DataError, match="has no 'cel'; it has 'a', 'b', 'cell'"):
        as_dataset(table(), labels="cel")


def test_the_index_of_pandas_is_no_measurement():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2, 3], 7: [4, 5, 6], "kind": pandas.Categorical(list("xyx"))}).iloc[[2, 0]]
    found = as_dataset(frame, labels="kind")
    assert found.x.tolist() == [[3, 6], [1, 4]]
    assert found.labels.tolist() == [0, 0]
    beside = as_dataset(frame[["a"]], labels=frame["kind"], factors=frame[[7]])
    assert (beside.labels.tolist(), beside.factors.names) == ([0, 0], ("7",))
    with pytest.raises(DataError, match="'kind'"):
        as_dataset(frame)
    with pytest.raises(DataError, match=r"is a single column; a frame of it, to_frame\(\)"):
        as_dataset(frame["a"])


def test_a_frame_of_polars_is_read_by_its_arrow_stream():
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = polars.DataFrame({"a": [1.0, 2, 3], "kind": ["x", "y", "x"]})
    found = as_dataset(frame, labels="kind")
    assert (found.x.tolist(), found.labels.tolist()) == ([[1], [2], [3]], [0, 1, 0])
    assert as_dataset(frame[["a"]], labels=frame["kind"]).labels.tolist() == [0, 1, 0]
    with pytest.raises(DataError, match=r"collect\(\) it first"):
        as_dataset(frame.lazy())
    with pytest.raises(DataError, match="'kind'"):
        as_dataset(frame)


class Interchanged:
    """A frame that offers the interchange protocol alone."""

    def __init__(self, table):
        self._table = table

    def __dataframe__(self, *options, **named):
        return self._table.__dataframe__(*options, **named)


class Streamed:
    """A frame that offers Arrow's stream alone."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("offer", [Streamed, Interchanged])
def test_a_frame_of_any_library_is_read_by_what_it_offers(offer):
    found = as_dataset(offer(pa.table({"a": [1.0, 2.0], "kind": ["x", "y"]})), labels="kind")
    assert (found.x.tolist(), found.labels.tolist()) == ([[1], [2]], [0, 1])


# Sparse, annotated and named arrays


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_sparse_counts_keep_their_values(form):
    counts = sparse.random(N, 4, density=0.5, format=form, random_state=0).astype(np.uint8 if form == "csr" else float)
    assert torch.equal(as_dataset(counts).x, torch.from_numpy(counts.toarray()).to(torch.float32))


def test_an_anndata_gives_its_matrix_or_a_layer_with_columns_of_obs():
    anndata = pytest.importorskip("anndata", reason="anndata is not installed")
    pandas = pytest.importorskip("pandas")
    counts = sparse.csr_matrix(np.arange(6).reshape(3, 2))
    obs = pandas.DataFrame({"kind": pandas.Categorical(list("tbt")), "batch": [1, 1, 2]}, index=list("xyz"))
    adata = anndata.AnnData(X=np.ones((3, 2), np.float32), obs=obs, layers={"counts": counts})
    found = as_dataset(adata, labels="kind", factors=["batch"], layer="counts")
    assert found.x.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert (found.labels.tolist(), found.factors.names) == ([1, 0, 1], ("batch",))
    assert as_dataset(adata).x.tolist() == [[1, 1]] * 3
    with pytest.raises(DataError, match="layers, has no 'count'; it has 'counts'"):
        as_dataset(adata, layer="count")
    with pytest.raises(DataError, match="obs, has no 'cell'; it has 'kind', 'batch'"):
        as_dataset(adata, labels="cell")


def test_a_dataset_of_hugging_face_gives_pictures_and_labels():
    # A folder of tests has the package's name.
    pytest.importorskip("datasets.arrow_dataset", reason="datasets is not installed")
    import datasets

    pictures = [Image.fromarray(np.full((4, 5), at, np.uint8)) for at in range(4)]
    data = datasets.Dataset.from_dict({"image": pictures, "label": [0, 1, 1, 0]}).cast_column("image", datasets.Image())
    found = as_dataset(data)
    assert (found.x[:, 0, 0, 0] * 255).round().tolist() == [0, 1, 2, 3]
    assert found.labels.tolist() == [0, 1, 1, 0]
    with pytest.raises(DataError, match="give one of its values"):
        as_dataset(datasets.DatasetDict({"train": data}))


def test_an_array_of_xarray_says_which_axis_is_that_of_channels():
    xarray = pytest.importorskip("xarray", reason="xarray is not installed")
    x = np.random.default_rng(0).random((N, 3, 3, 3)).astype(np.float32)
    named = xarray.DataArray(x, dims=("sample", "y", "x", "channel"), coords={"kind": ("sample", list("ababab"))})
    found = as_dataset(named, labels="kind")
    assert torch.equal(found.x, torch.from_numpy(x).permute(0, 3, 1, 2))
    assert found.labels.tolist() == [0, 1, 0, 1, 0, 1]
    with pytest.raises(DataError, match=r"holds several arrays: a; give one: data\['a'\]"):
        as_dataset(xarray.Dataset({"a": named}))
    with pytest.raises(DataError, match="labels and factors lie along the axis of observations"):
        as_dataset(named.assign_coords(where=("y", [1, 2, 3])), labels="where")


# Datasets and loaders of torch


class Items(td.Dataset):
    def __init__(self, item, n=N):
        self.item, self.n = item, n

    def __len__(self):
        return self.n

    def __getitem__(self, at):
        return self.item(at)


class Stream(td.IterableDataset):
    def __init__(self, x):
        self.x = x

    def __iter__(self):
        return iter([(each, at % 2) for at, each in enumerate(self.x)])


@pytest.fixture
def x(images):
    return torch.from_numpy(images[:, None] / np.float32(255))


@pytest.fixture
def read(x):
    """Ways in which a dataset of torch has the same observations and classes."""
    labels = torch.arange(N) % 2
    pairs = td.TensorDataset(x, labels)
    named = Items(lambda at: {"image": x[at].numpy(), "label": at % 2, "index": at})
    return {
        "tensors": pairs,
        "pairs": Items(lambda at: (x[at], "ab"[at % 2])),
        "mappings": named,
        "pictures": Items(lambda at: (Image.fromarray((x[at, 0] * 255).round().byte().numpy()), at % 2)),
        "stream": Stream(x),
        "subset": td.Subset(td.ConcatDataset([pairs, pairs]), range(N)),
        "loader": td.DataLoader(pairs, batch_size=4),
        "of mappings": td.DataLoader(named, batch_size=4),
        "of stream": td.DataLoader(Stream(x), batch_size=4),
        "unbatched": td.DataLoader(pairs, batch_size=None),
        "grouped": td.DataLoader(pairs, batch_sampler=td.BatchSampler(td.SequentialSampler(pairs), 5, False)),
        "shuffled": td.DataLoader(pairs, batch_size=4, shuffle=True, drop_last=True),
    }


WAYS = ["tensors", "pairs", "mappings", "pictures", "stream", "subset"]
WAYS += ["loader", "of mappings", "of stream", "unbatched", "grouped", "shuffled"]


@pytest.mark.parametrize("way", WAYS)
def test_datasets_and_loaders_give_the_same_observations(read, x, way):
    found = as_dataset(read[way])
    torch.testing.assert_close(found.x, x, rtol=0, atol=1e-7)
    assert found.labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_a_loader_that_shuffles_is_read_in_order_and_says_so(read, x, caplog):
    for _ in range(2):
        assert torch.equal(as_dataset(read["shuffled"]).x, x)
    assert "the loader shuffles; its observations are taken in the order of its dataset" in caplog.text
    some = td.DataLoader(read["tensors"], sampler=td.SubsetRandomSampler([4, 1, 3]), batch_size=2)
    assert torch.equal(as_dataset(some).x, x[[1, 3, 4]])


def test_items_without_labels_have_none(x):
    assert as_dataset(td.TensorDataset(x)).labels is None
    assert as_dataset(Items(lambda at: x[at])).labels is None
    assert as_dataset(td.TensorDataset(x, torch.rand(N)), labels=False).labels is None
    given = as_dataset(td.TensorDataset(x, torch.rand(N)), labels=list("aabbcc"))
    assert given.labels.tolist() == [0, 0, 1, 1, 2, 2]
    named = as_dataset(Items(lambda at: {"x": x[at], "shade": at % 3, "y": 1}), labels="shade", factors=["y"])
    assert (named.labels.tolist(), named.factors.names) == ([0, 1, 2, 0, 1, 2], ("y",))


@pytest.mark.parametrize(
    ("items", "says"),
    [
        (
            Items(lambda at: torch.rand(1, 4, 4)),
            "gives another observation each time .* the same: a random transformation",
        ),
        (Items(lambda at: torch.rand(4) if at == N - 1 else torch.zeros(4)), "a random transformation"),
        (Items(lambda at: 1 / (at - 3)), "fails when item 3 is read: ZeroDivisionError: division by zero"),
        (Items(lambda at: 1 / (at - 63), 64), "fails when item 63 is read"),
        (Items(lambda at: torch.zeros(2, 3 + (at == 4))), r"\(2, 3\) \(observation 0\) and \(2, 4\) \(observation 4\)"),
        (Items(lambda at: torch.zeros(2), 0), "is empty; give at least one observation"),
        (Items(lambda at: (torch.zeros(2), 0.5)), "has the label 0.5: a number to predict or a class; .*labels=False"),
        (Items(lambda at: (torch.zeros(2), torch.zeros(3))), r"has a label of shape \(3,\), .*labels=False"),
        (Items(lambda at: (torch.zeros(2), 1, 2)), "is a tuple of 3"),
        (Items(lambda at: {"q": 1, "label": 0}), "is a mapping with 'q', 'label', and which is the observation"),
        (
            td.DataLoader(Items(lambda at: torch.zeros(2)), sampler=td.WeightedRandomSampler([1.0] * N, N)),
            "draws with a WeightedRandomSampler, .*: loader.dataset",
        ),
        (
            td.DataLoader(Items(lambda at: torch.zeros(2)), sampler=td.RandomSampler(range(N), replacement=True)),
            "draws with a RandomSampler",
        ),
        (
            td.DataLoader(Items(lambda at: torch.zeros(3, 2)), batch_size=4, collate_fn=list),
            "gives batches of a list; those that torch makes can be read",
        ),
    ],
)
def test_items_that_cannot_be_observations_are_refused(items, says):
    with pytest.raises(DataError, match=says):
        as_dataset(items)
