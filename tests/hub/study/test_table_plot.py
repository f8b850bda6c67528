"""The picture of a study's table has each value where it is, and says which meet the published ones."""

import dataclasses

import numpy as np
import pytest

from vaehub import VaehubError
from vaehub.analysis import PALETTE
from vaehub.hub.study.report import ReportRow, ReportTable

pytest.importorskip("matplotlib")


def row(data, name, ours, published=None, inside=None, spread=0.5):
    keys = {"data": data, "epochs": 10}
    theirs = None if published is None else 0.25
    return ReportRow(keys, name, ours, spread, 3, published, theirs, "sd", None, None, inside)


TABLE = ReportTable(
    "scores",
    "Scores",
    "somebody",
    "1",
    [row("a", "x", 1.0, 1.5, True), row("b", "x", 4.0, 2.0, False), row("a", "y", 100.0), row("b", "y", np.nan)],
)


def test_names_are_panels_keys_are_rows_and_colours_say_what_is_met():
    figure = TABLE.plot()
    x, y = figure.axes
    assert (x.get_title(), y.get_title()) == ("x", "y")
    assert [label.get_text() for label in x.get_yticklabels()] == ["a", "b"]
    dots = {line.get_color(): line.get_xydata().tolist() for line in x.lines if line.get_marker() == "o"}
    assert dots == {PALETTE[0]: [[1.0, 0.0]], PALETTE[3]: [[4.0, 1.0]]}
    [published] = [line for line in x.lines if line.get_marker() == "D"]
    assert published.get_xydata().tolist() == [[1.5, 0.0], [2.0, 1.0]]
    segments = [each.tolist() for lines in x.collections for each in lines.get_segments()]
    assert all(each in segments for each in ([[0.5, 0], [1.5, 0]], [[1.25, 0], [1.75, 0]], [[1.75, 1], [2.25, 1]]))
    assert "undefined" in [each.get_text() for each in y.texts]
    title = figure.get_suptitle()
    assert "table 1 of somebody" in title
    assert "blue: met, red: not met" in title
    assert "epochs 10, rows: data" in title


def test_a_table_without_a_finite_value_says_so():
    with pytest.raises(VaehubError, match="table 'scores' has no picture: its query finds nothing"):
        dataclasses.replace(TABLE, rows=[]).plot()
    with pytest.raises(VaehubError, match="table 'scores' has no picture: no value of it is finite"):
        dataclasses.replace(TABLE, rows=TABLE.rows[3:]).plot()


def test_more_rows_and_names_than_a_picture_shows_are_counted(monkeypatch):
    monkeypatch.setattr("vaehub.hub.dot_rows.MOST_PANELS", 2)
    monkeypatch.setattr("vaehub.hub.dot_rows.MOST_ROWS", 3)
    rows = [row(f"d{at}", f"n{name}", 1.0) for at in range(5) for name in range(4)]
    figure = ReportTable("t", "", None, None, rows).plot()
    assert figure.get_suptitle().endswith("the first 2 of 4 values, the first 3 of 5 rows")
    assert [axes.get_title() for axes in figure.axes] == ["n0", "n1"]
    assert {len(axes.get_yticks()) for axes in figure.axes} == {3}
