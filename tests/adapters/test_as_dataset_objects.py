"""Tables, annotated arrays, and datasets of other libraries, read as datasets."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from scipy import sparse
from torch.utils import data as td

from vaehub import DataError
from vaehub.adapters import as_dataset

N = 6


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (N, 5, 4), dtype=np.uint8)


@pytest.fixture
def vectors():
    return np.random.default_rng(1).normal(size=(N, 3)) * 100


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
