"""CSV files of vectors, as pandas, R, spreadsheets and numpy write them."""

import gzip

import numpy as np
import pytest

from vaehub import DataError
from vaehub.core.params import parse
from vaehub.plugins.datasets.own.params import VectorsParams
from vaehub.plugins.datasets.own.vectors import Vectors


def load(path, **settings):
    return Vectors(parse(VectorsParams, {"path": path, **settings}, owner="dataset 'vectors'")).load()


@pytest.fixture
def csv(tmp_path):
    """Return a function that writes a text and returns its path."""

    def written(text, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return written


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1.5,2\n3,4.5\n",
        "a;b\n1.5;2\n3;4.5\n",
        "a;b\n1,5;2\n3;4,5\n",  # where the comma is the decimal point
        "a\tb\n1.5\t2\n3\t4.5\n",
        "a|b\r\n1.5|2\r\n3|4.5\r\n",
        "\ufeffa, b\n1.5, 2\n3, 4.5\n",
        "1.5,2\n3,4.5\n",
        "# written by numpy.savetxt\n1.50e+00  2.00e+00\n3.00e+00 4.50e+00\n",
        ",a,b\n0,1.5,2\n7,3,4.5\n",  # pandas, with its index
        ",0,1\n0,1.5,2\n7,3,4.5\n",  # pandas, with its index and no names
        "0,1\n1.5,2\n3,4.5\n",  # pandas, without names
        "Unnamed: 0,a,b\n0,1.5,2\n7,3,4.5\n",  # pandas, written twice
        '"","a","b"\n"1",1.5,2\n"2",3,4.5\n',  # R's write.csv
        '"a" "b"\n"r1" 1.5 2\n"r2" 3 4.5\n',  # R's write.table
    ],
)
def test_a_table_is_read_however_it_is_written(csv, text):
    assert load(csv(text)).x.tolist() == [[1.5, 2], [3, 4.5]]


def test_packed_files_are_read(tmp_path):
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n3,4\n"))
    assert load(path).x.tolist() == [[1, 2], [3, 4]]


def test_an_index_is_no_observation_unless_it_is_wanted(csv):
    path = csv(",a\n5,1.5\n7,3\n")
    data = load(path)
    assert data.x.tolist() == [[1.5], [3]]
    assert "index ''" in data.notes[0]
    assert load(path, keep_index=True).x.tolist() == [[5, 1.5], [7, 3]]


def test_a_column_of_words_is_refused_by_name_or_has_a_role(csv):
    path = csv("a,species,site\n1,setosa,north\n2,virginica,south\n3,setosa,\n")
    with pytest.raises(DataError, match=r"column 'species', holds string, not numbers, such as 'setosa'; drop it"):
        load(path)
    data = load(path, labels="species", drop="site")
    assert data.x.tolist() == [[1], [2], [3]]
    assert data.labels.tolist() == [0, 1, 0]
    assert data.class_names == ("setosa", "virginica")
    with pytest.raises(DataError, match=r"column 'site', has 1 missing values; .*'-s data.missing=drop'"):
        load(path, labels="site", drop="species")
    assert load(path, labels="species", factors="site", missing="drop").factors.class_names == (("north", "south"),)


def test_columns_without_names_are_numbered(csv):
    path = csv("5.1,3.5,setosa\n4.9,3.0,setosa\n6.3,2.9,virginica\n")
    data = load(path, labels=2)
    assert data.spec.shape == (2,)
    assert data.labels.tolist() == [0, 0, 1]
    assert "columns are named 0, 1, 2" in data.notes[0]


@pytest.mark.parametrize(
    "text", ["0,1,2\n1,0,2\n", "2001,2002,2003\n0.5,1.5,2.5\n0.1,0.2,0.3\n", "0\n0.5\n1.5\n", ",2001,2002\n7,0.5,1.5\n"]
)
def test_a_first_row_that_may_be_names_or_values_is_asked_about(csv, text):
    path = csv(text)
    with pytest.raises(DataError, match="may be names or values; say which with '-s data.header=true' or 'false'"):
        load(path)
    n = text.count("\n") - 1
    assert len(load(path, header=True)) == n
    assert len(load(path, header=False, missing="drop")) == n + (text[0] != ",")


def test_a_first_row_of_whole_numbers_above_others_is_one_of_values(csv):
    assert load(csv("5,7,7\n1,0,2\n")).x.tolist() == [[5, 7, 7], [1, 0, 2]]
    assert load(csv("5,6,7\n1,0.5,2\n")).x.tolist() == [[5, 6, 7], [1, 0.5, 2]]


def test_a_delimiter_that_is_named_is_taken(csv):
    assert load(csv("a:b\n1:2\n3:4\n"), delimiter=":").x.tolist() == [[1, 2], [3, 4]]


def test_missing_values_are_refused_or_left_out(csv):
    path = csv("a,b,label\n1,2,x\n,4,y\n5,NA,x\n7,8,\n9,10,y\n")
    with pytest.raises(DataError, match="column 'a', has 1 missing values, and 2 others have some"):
        load(path)
    data = load(path, missing="drop")
    assert data.x.tolist() == [[1, 2], [9, 10]]
    assert data.labels.tolist() == [0, 1]
    assert "3 of 5 rows are left out" in data.notes[-1]


def test_identifiers_are_not_rounded(csv):
    data = load(csv("a,label\n1,9223372036854775813\n2,9223372036854775814\n3,20240001\n"))
    assert data.labels.tolist() == [1, 2, 0]
    assert data.class_names == ("20240001", "9223372036854775813", "9223372036854775814")


def test_large_numbers_are_numbers(csv):
    data = load(csv("a,b\n1,1e20\n2,1e30\n"))
    assert data.x[:, 1].tolist() == pytest.approx([1e20, 1e30])


def test_whole_numbers_followed_by_others_late_in_the_file_are_read(csv):
    rows = "1,2\n" * 300_000
    assert load(csv(f"a,b\n{rows}1.5,2\n")).x[-1].tolist() == [1.5, 2]


def test_words_may_have_delimiters_and_line_breaks(csv):
    data = load(csv('a,label\n1,"x, y"\n2,"two\nlines"\n3,"say ""hi"""\n'))
    assert data.class_names == ('say "hi"', "two\nlines", "x, y")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no rows"),
        ("a,b\n", "holds no columns of numbers; it has 'a', 'b'"),
        ("a,b\n1,2\n3\n4,5\n", r"has rows of 2 and of 1 fields \(row 3\), separated by ','"),
        ("a,b\n" + "1,2\n" * 200 + "3\n", "cannot be read as a CSV file .*Expected 2 columns, got 1"),
        ("a,a\n1,2\n", "has more than one column 'a'; rename one"),
        ("a,b\n1,2\nx,3\n", "column 'a', holds string, not numbers, such as 'x'"),
        ("a,b\n1,inf\n2,3\n", "NaN or infinity"),
    ],
)
def test_what_is_no_table_of_numbers_is_named(csv, text, words):
    with pytest.raises(DataError, match=words):
        load(csv(text))


def test_another_encoding_is_named(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes("a,größe\n1,2\n".encode("latin-1"))
    with pytest.raises(DataError, match="cannot be read as a CSV file in UTF-8"):
        load(path)


@pytest.mark.parametrize("parameter", ["columns", "drop", "factors", "labels"])
def test_a_column_that_is_not_there_is_answered_with_those_there_are(csv, parameter):
    with pytest.raises(DataError, match=rf"has no column 'c', it has 'a', 'b'; set 'data.{parameter}'"):
        load(csv("a,b\n1,2\n"), **{parameter: "c"})


def test_factors_of_numbers_are_cut_as_asked(csv):
    ages = np.arange(40) ** 2 / 10
    path = csv("x,age\n" + "".join(f"{at}.5,{age}\n" for at, age in enumerate(ages)))
    each = load(path, factors="age")
    assert each.factors.sizes == (40,)
    assert "'age' takes 40 values in 40 observations" in each.notes[0]
    widths = load(path, factors="age", bins=4)
    assert np.bincount(widths.factors.classes[:, 0]).tolist() == [20, 8, 6, 6]
    assert widths.notes == ()
    quantiles = load(path, factors="age", bins=4, cut="quantiles")
    assert np.bincount(quantiles.factors.classes[:, 0]).tolist() == [10, 10, 10, 10]
