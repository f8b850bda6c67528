"""What a rehearsal knows of a column is its type, and that is what is made up."""

import pyarrow as pa

from vaehub.hub.study.placeholders import with_placeholders


def test_an_answer_that_has_values_in_all_columns_is_as_it_was():
    answer = pa.table({"x": [1, None], "y": ["a", "b"]})
    assert with_placeholders(answer) is answer


def test_a_query_that_finds_nothing_has_three_rows_of_the_types_of_its_columns():
    kinds = {"n": pa.int32(), "value": pa.float64(), "name": pa.string(), "flag": pa.bool_(), "day": pa.date32()}
    found = with_placeholders(pa.schema(kinds).empty_table())
    assert found.column_names == list(kinds)
    assert found["n"].to_pylist() == found["value"].to_pylist() == [1, 2, 3]
    assert found["name"].to_pylist() == ["1 made up", "2 made up", "3 made up"]
    assert found["flag"].to_pylist() == [True, False, True]
    assert found["day"].null_count == 3


def test_what_is_known_stays_where_other_columns_are_empty():
    answer = pa.table({"beta": [4.0], "n": pa.nulls(1, pa.int64())})
    found = with_placeholders(answer)
    assert found.to_pydict() == {"beta": [4.0, 4.0, 4.0], "n": [1, 2, 3]}


def test_texts_come_again_since_they_name_few_things():
    answer = pa.table({"beta": list(range(50)), "layer": pa.nulls(50, pa.string()), "n": pa.nulls(50, pa.int64())})
    found = with_placeholders(answer)
    assert found["beta"].to_pylist() == list(range(50))
    assert len(set(found["layer"].to_pylist())) == 9
    assert len(set(found["n"].to_pylist())) == 50
