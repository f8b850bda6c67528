"""What plots have in common."""

import numpy as np
import pytest

from vaehub.analysis import UNDEFINED, bars, frame, heat_map, label_columns, new_figure

colors = pytest.importorskip("matplotlib.colors")


@pytest.fixture
def axes():
    return new_figure(4, 3).subplots()


def test_a_figure_has_its_size_and_room_for_labels():
    figure = new_figure(4, 3)
    assert figure.get_size_inches().tolist() == [4, 3]
    assert type(figure.get_layout_engine()).__name__ == "ConstrainedLayoutEngine"


@pytest.mark.parametrize(("sides", "shown"), [((), {"left", "bottom"}), (("bottom",), {"bottom"})])
def test_a_frame_has_the_sides_that_are_named(axes, sides, shown):
    frame(axes, *sides)
    assert {side for side, spine in axes.spines.items() if spine.get_visible()} == shown


def test_bars_have_their_heights_colours_and_labels_and_words_where_there_is_none(axes):
    bars(axes, np.array([1.0, np.nan, 2.0, np.inf, -np.inf]), list("abcde"), colours=["red", "blue"] * 2 + ["red"])
    assert [bar.get_height() for bar in axes.patches] == [1, 0, 2, 0, 0]
    assert [colors.same_color(bar.get_facecolor(), "red") for bar in axes.patches] == [True, False, True, False, True]
    assert [label.get_text() for label in axes.get_xticklabels()] == list("abcde")
    assert [(text.get_position()[0], text.get_text()) for text in axes.texts] == [(1, "undefined"), (3, "∞"), (4, "-∞")]


def test_series_stand_side_by_side(axes):
    for shift, name in ((-0.2, "one"), (0.2, "other")):
        bars(axes, np.ones(2), ["a", "b"], label=name, shift=shift, width=0.4)
    middles = [bar.get_x() + bar.get_width() / 2 for bar in axes.patches]
    assert middles == pytest.approx([-0.2, 0.8, 0.2, 1.2])
    assert axes.get_legend_handles_labels()[1] == ["one", "other"]


@pytest.mark.parametrize(("labels", "rotation"), [(["1", "2"], 0), (["longer", "2"], 40), (["1"] * 15, 90)])
def test_labels_are_slanted_if_long_and_upright_if_many(axes, labels, rotation):
    label_columns(axes, labels)
    axes.figure.draw_without_rendering()
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {rotation}


def test_a_heat_map_has_rows_downwards_its_numbers_and_grey_where_there_is_none(axes):
    matrix = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, np.nan]])
    shown = heat_map(axes, matrix, ["a", "b"], ["x", "y", "z"], decimals=1)
    np.testing.assert_array_equal(shown.get_array().filled(np.nan), matrix)
    assert shown.get_clim() == (0, 4)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "y", "z"]
    assert axes.yaxis_inverted()
    texts = {text.get_position(): text for text in axes.texts}
    assert {place: text.get_text() for place, text in texts.items()} == {
        (0, 0): "0.0",
        (1, 0): "1.0",
        (2, 0): "2.0",
        (0, 1): "3.0",
        (1, 1): "4.0",
        (2, 1): "-",
    }
    # viridis runs from dark to light.
    assert [texts[place].get_color() for place in ((0, 0), (1, 1), (2, 1))] == ["white", "black", "black"]
    assert colors.same_color(axes.get_facecolor(), UNDEFINED)


@pytest.mark.parametrize(
    ("values", "options", "limits"),
    [
        ([[1.0, 2.0]], {}, (0, 2)),
        ([[-1.0, 2.0]], {}, (-1, 2)),
        ([[1.0, 2.0]], {"low": 1, "high": 5}, (1, 5)),
        ([[0.0, 0.0]], {}, (0, 1)),
        ([[np.nan, np.nan]], {}, (0, 1)),
        ([[1.0, np.inf]], {}, (0, 1)),
    ],
)
def test_the_scale_begins_at_nothing_and_ends_at_the_greatest_unless_told(axes, values, options, limits):
    assert heat_map(axes, np.array(values), ["a"], ["x", "y"], **options).get_clim() == limits


def test_numbers_are_written_if_there_are_few(axes):
    heat_map(axes, np.ones((2, 15)), ["a", "b"], [""] * 15)
    assert not axes.texts
    heat_map(axes, np.ones((2, 2)), ["a", "b"], ["x", "y"], readable=0)
    assert not axes.texts


def test_options_are_those_of_the_image(axes):
    shown = heat_map(axes, np.ones((2, 2)), ["a", "b"], ["x", "y"], colours="RdBu_r", aspect="auto")
    assert shown.get_cmap().name == "RdBu_r"
    assert axes.get_aspect() == "auto"
