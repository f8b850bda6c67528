"""Curves as a metric of rows: what is stored, and what is drawn of it."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from vaehub import VaehubError
from vaehub.plugins.curves.curves import Curves
from vaehub.plugins.curves.params import CurvesParams
from vaehub.plugins.curves.styles import COLOURS, GREYS

PLACES = [2, 4, 8]


def loss(model, n, seed):
    return {"vae": 10.0, "ae": 4.0}[model] + 8.0 / n + seed


@pytest.fixture
def rows():
    """Two models with three seeds at three numbers of latents, out of order, with answers of FONDUE of two seeds."""
    runs = [(model, n, seed) for n in (8, 2, 4) for model in ("vae", "ae") for seed in range(3)]
    table = {
        "model": [model for model, _, _ in runs],
        "latents": [n for _, n, _ in runs],
        "seed": [seed for _, _, seed in runs],
        "loss": [loss(*run) for run in runs],
        "accuracy": [1 - 1 / n for _, n, _ in runs],
        "active": [min(n, 3) + (seed == 2) for _, n, seed in runs],
        "passive": [n - 3 if n > 3 else 0 for _, n, _ in runs],
        "fondue": [3.0 + seed if seed < 2 else np.nan for _, _, seed in runs],
        "printed": [12.5 if n == 4 and model == "vae" else np.nan for model, n, _ in runs],
    }
    return {name: np.array(column, object if name == "model" else float) for name, column in table.items()}


def measured(rows, **settings):
    metric = Curves(CurvesParams(**{"x": "latents", **settings}))
    metric.check(rows)
    return metric, metric.measure(rows)


def points(result, **keys):
    """Return the stored points with some keys."""
    table = result.tables["points"]
    chosen = [row for row in range(len(table.keys["x"])) if all(table.keys[name][row] == keys[name] for name in keys)]
    found = {name: column[chosen] for name, column in table.columns.items()}
    return [table.keys["x"][row] for row in chosen], found


def drawn(rows, **settings):
    metric, result = measured(rows, **settings)
    return metric.plot(result)


def line_of(axes, x, y):
    """Return the lines that go through points."""
    return [
        line
        for line in axes.lines
        if len(line.get_xdata()) == len(x) and np.allclose(line.get_xdata(), x) and np.allclose(line.get_ydata(), y)
    ]


def refused(rows, says, **settings):
    with pytest.raises(VaehubError, match=says):
        measured(rows, **settings)


def test_each_place_of_a_line_has_centre_spread_and_number_of_its_runs(rows):
    _, result = measured(rows, y=("loss",), group="model")
    for model in ("vae", "ae"):
        x, found = points(result, part="y", column="loss", group=model)
        assert x == PLACES
        centre = np.array([loss(model, n, 1) for n in PLACES])
        assert found["centre"] == pytest.approx(centre)
        # Of 0, 1 and 2 the standard deviation is 1.
        assert found["low"] == pytest.approx(centre - 1)
        assert found["high"] == pytest.approx(centre + 1)
        assert found["n"].tolist() == [3, 3, 3]


def test_rows_of_one_run_count_once(rows):
    _, result = measured(rows, y=("loss",), run="seed", spread="se")
    _, found = points(result)
    assert found["n"].tolist() == [3, 3, 3]
    assert found["high"] - found["centre"] == pytest.approx([1 / np.sqrt(3)] * 3)
    _, result = measured(rows, y=("loss",), spread="se")
    assert points(result)[1]["n"].tolist() == [6, 6, 6]


def test_lines_and_bands_are_where_the_stored_values_are(rows):
    figure = drawn(rows, y=("loss",), group="model", labels={"loss": "loss, nats", "latents": "number of latents"})
    [axes] = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("number of latents", "loss, nats")
    for number, model in enumerate(("vae", "ae")):
        centre = np.array([loss(model, n, 1) for n in PLACES])
        [line] = line_of(axes, PLACES, centre)
        assert line.get_color() == COLOURS[number]
        band = axes.collections[number].get_paths()[0].vertices
        assert {tuple(corner) for corner in band} >= {(n, y - 1) for n, y in zip(PLACES, centre, strict=True)}
        assert {tuple(corner) for corner in band} >= {(n, y + 1) for n, y in zip(PLACES, centre, strict=True)}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["vae", "ae"]
    assert figure.legends[0].get_title().get_text() == "mean and standard deviation (n = 3)"


def test_spread_may_be_drawn_as_error_bars_or_not_at_all(rows):
    [axes] = drawn(rows, y=("loss",), group="model", spread="range", spread_as="errorbars").axes
    ends = axes.collections[0].get_segments()
    assert [end.tolist() for end in ends] == [[[n, loss("vae", n, 0)], [n, loss("vae", n, 2)]] for n in PLACES]
    assert not drawn(rows, y=("loss",), spread="none").axes[0].collections


def test_bars_stand_in_a_strip_below_over_the_same_axis(rows):
    figure = drawn(rows, y=("loss",), below=("accuracy",), bars=("active", "passive"), bars_label="latents")
    top, middle, bottom = figure.axes
    assert line_of(top, PLACES, [(loss("vae", n, 1) + loss("ae", n, 1)) / 2 for n in PLACES])
    assert line_of(middle, PLACES, [0.5, 0.75, 0.875])
    assert bottom.get_ylabel() == "latents"
    active, passive = bottom.containers
    assert [bar.get_height() for bar in active] == pytest.approx([2 + 1 / 3, 3 + 1 / 3, 3 + 1 / 3])
    assert [bar.get_height() for bar in passive] == [0, 1, 5]
    # The nearest places are 2 apart, of which bars fill 0.8.
    assert [bar.get_x() for bar in active] == pytest.approx([n - 0.8 for n in PLACES])
    assert [bar.get_x() + bar.get_width() for bar in passive] == pytest.approx([n + 0.8 for n in PLACES])
    assert active[0].get_facecolor() == to_rgba(GREYS[0])
    assert passive[0].get_facecolor() == to_rgba(GREYS[1])
    assert top.get_xlim() == bottom.get_xlim()


def test_bars_may_stand_on_each_other_and_behind_lines(rows):
    figure = drawn(rows, y=("loss",), bars=("active", "passive"), stacked=True, behind=True, bars_label="latents")
    front, back = figure.axes
    assert front.get_zorder() > back.get_zorder()
    assert not front.patch.get_visible()
    active, passive = back.containers
    assert [bar.get_y() for bar in passive] == pytest.approx([bar.get_height() for bar in active])
    assert [bar.get_width() for bar in active] == pytest.approx([1.6] * 3)


def test_the_legend_names_no_spread_where_none_is_drawn(rows):
    def caption(**settings):
        return drawn(rows, **settings).legends[0].get_title().get_text()

    assert caption(bars=("active", "passive"), stacked=True, bars_label="latents") == "mean (n = 6)"
    assert caption(y=("loss",), spread="none") == "mean (n = 6)"
    assert caption(bars=("active",), spread="se", centre="median") == "median and standard error (n = 6)"


def test_bars_of_categories_stand_side_by_side_in_the_order_of_rows(rows):
    figure = drawn(rows, x="model", bars=("loss",), spread="range")
    [axes] = figure.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["vae", "ae"]
    [bars] = axes.containers
    mean = [np.mean([loss(model, n, 1) for n in PLACES]) for model in ("vae", "ae")]
    assert [bar.get_height() for bar in bars] == pytest.approx(mean)
    assert [bar.get_x() + bar.get_width() / 2 for bar in bars] == pytest.approx([0, 1])
    [least, _] = axes.collections[0].get_segments()
    assert least.tolist() == [pytest.approx([0, loss("vae", 8, 0)]), pytest.approx([0, loss("vae", 2, 2)])]


def test_without_lines_groups_have_bars_of_their_own(rows):
    figure = drawn(rows, bars=("loss",), group="model", categories=True)
    vae, ae = figure.axes[0].containers
    # Places are those of the rows: 8, 2, 4.
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["8", "2", "4"]
    assert [bar.get_height() for bar in vae] == pytest.approx([loss("vae", n, 1) for n in (8, 2, 4)])
    assert [bar.get_height() for bar in ae] == pytest.approx([loss("ae", n, 1) for n in (8, 2, 4)])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["vae", "ae"]


def test_vertical_lines_come_from_columns_and_from_numbers(rows):
    metric, result = measured(rows, y=("loss",), verticals=("fondue",), verticals_at={"knee": 6.0}, run="seed")
    table = result.tables["verticals"]
    assert table.keys["label"] == ("fondue", "knee")
    assert table.columns["at"].tolist() == [3.5, 6.0]
    assert table.columns["low"][0] == pytest.approx(3.5 - np.sqrt(0.5))
    assert table.columns["n"].tolist() == [2, 0]
    [axes] = metric.plot(result).axes
    at = [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]]
    assert at == [3.5, 6.0]
    assert [text.get_text() for text in axes.texts] == ["3.5", "6"]


def test_vertical_lines_of_rows_without_a_place_count(rows):
    extra = {name: np.append(column, None if name == "model" else np.nan) for name, column in rows.items()}
    extra["fondue"][:-1] = np.nan
    extra["fondue"][-1] = 5.0
    _, result = measured(extra, y=("loss",), verticals=("fondue",))
    assert result.tables["verticals"].columns["at"].tolist() == [5.0]
    assert result.scalars == {"n_rows": 19, "n_left_out": 0}
    assert measured(extra, y=("loss",))[1].scalars["n_left_out"] == 1


def test_horizontal_lines_and_logarithmic_axes(rows):
    figure = drawn(rows, y=("loss",), bars=("active",), log=("x", "y"), horizontals_at={"bound": 9.0})
    top, bottom = figure.axes
    assert (top.get_xscale(), top.get_yscale(), bottom.get_yscale()) == ("log", "log", "linear")
    assert [line.get_ydata()[0] for line in top.lines if list(line.get_xdata()) == [0, 1]] == [9.0]
    [bars] = bottom.containers
    # The nearest places are a factor of 2 apart, of which bars fill 0.8.
    assert [(bar.get_x() + bar.get_width()) / bar.get_x() for bar in bars] == pytest.approx([2**0.8] * 3)


def test_published_values_stand_beside_ours(rows):
    metric, result = measured(rows, y=("loss",), group="model", references={"loss": "printed"})
    x, found = points(result, group="vae")
    assert found["reference"][x.index(4)] == 12.5
    assert np.isnan(points(result, group="ae")[1]["reference"]).all()
    figure = metric.plot(result)
    [marks] = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    assert marks.get_color() == COLOURS[0]
    assert marks.get_ydata()[1] == 12.5
    assert figure.legends[0].get_texts()[-1].get_text() == "published"


def test_each_panel_has_its_own_lines_and_verticals(rows):
    rows["fondue"] = np.where(rows["model"] == "vae", 3.0, 7.0)
    figure = drawn(rows, y=("loss",), panel="model", verticals=("fondue",), share_y=True)
    assert [axes.get_title() for axes in figure.axes] == ["vae", "ae"]
    for axes, model, at in zip(figure.axes, ("vae", "ae"), (3.0, 7.0), strict=True):
        assert line_of(axes, PLACES, [loss(model, n, 1) for n in PLACES])
        assert [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]] == [at]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_each_panel_has_its_own_categories(rows):
    chosen = (rows["model"] == "vae") | (rows["latents"] > 2)
    few = {name: column[chosen] for name, column in rows.items()}
    figure = drawn(few, bars=("loss",), panel="model", categories=True)
    shown = [[text.get_text() for text in axes.get_xticklabels()] for axes in figure.axes]
    assert shown == [["8", "2", "4"], ["8", "4"]]
    assert [len(axes.containers[0]) for axes in figure.axes] == [3, 2]


def test_many_groups_of_numbers_have_a_scale_of_colours(rows):
    rows["beta"] = np.tile([1.0, 2.0, 4.0, 8.0, 16.0, 32.0], 3)
    figure = drawn(rows, y=("loss", "accuracy"), group="beta", y_label="value")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [f"beta {beta}" for beta in (1, 2, 4, 8, 16, 32)] + ["loss", "accuracy"]
    solid = [line.get_color() for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    assert len(set(solid)) == 6
    assert not set(solid) & set(COLOURS)
    dashed = [line.get_color() for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert dashed == solid


def test_what_is_drawn_is_what_is_stored(rows):
    metric, result = measured(rows, y=("loss",), bars=("active",), verticals=("fondue",))
    result.tables["points"].columns["centre"][:] += 100
    result.tables["verticals"].columns["at"][:] = 5.25
    top, bottom = metric.plot(result).axes
    assert line_of(top, PLACES, [100 + (loss("vae", n, 1) + loss("ae", n, 1)) / 2 for n in PLACES])
    assert [bar.get_height() for bar in bottom.containers[0]] == pytest.approx([102 + 1 / 3, 103 + 1 / 3, 103 + 1 / 3])
    assert {line.get_xdata()[0] for line in bottom.lines} == {5.25}


def test_a_query_without_what_is_drawn_is_refused(rows):
    refused(rows, "draws nothing; name columns as its parameter y, below or bars")
    refused(rows, "was asked for the column 'epoch', and the query has 'model', 'latents'", x="epoch", y=("loss",))
    refused(rows, "is of numbers, which are not in 'model'", y=("model",))
    refused(rows, "is of numbers, which are not in 'model'", bars=("active",), verticals=("model",))
    refused(rows, "takes each column for one thing, and was given 'loss' twice", y=("loss",), below=("loss",))
    refused({name: column[:0] for name, column in rows.items()}, "is of rows, and the query has none", y=("loss",))
    says = "has references for 'active', which is not drawn; drawn are 'loss'"
    refused(rows, says, y=("loss",), references={"active": "printed"})


def test_text_on_the_horizontal_axis_is_for_bars_or_said_categories(rows):
    refused(rows, "draws lines over numbers, which are not in 'model'.*set categories = true", x="model", y=("loss",))
    figure = drawn(rows, x="model", y=("loss",), categories=True)
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["vae", "ae"]
    refused(rows, "where log = .'x'. means nothing", x="model", bars=("loss",), log=("x",))
    refused(rows, "where a vertical line means nothing", x="model", bars=("loss",), verticals_at={"a": 1.0})


def test_a_horizontal_line_needs_lines_to_run_across(rows):
    refused(
        rows,
        "horizontal lines across those of its parameter y, which is empty",
        bars=("active",),
        horizontals_at={"a": 1.0},
    )


def test_one_place_or_none_is_refused(rows):
    one = {name: column[:1] for name, column in rows.items()}
    refused(one, "two values of 'latents' at least, and of the rows .* there is only one: 8", y=("loss",))
    rows["loss"][rows["latents"] > 2] = np.nan
    refused(rows, "there is only one: 2", y=("loss",))
    rows["loss"][:] = np.nan
    refused(rows, "there is none", y=("loss",))


def test_what_has_no_logarithm_or_cannot_be_read_is_refused(rows):
    refused(rows, "has 'passive' on a logarithmic axis, and it holds 0; leave 'y' out", y=("passive",), log=("y",))
    lines = {"y": ("loss",), "log": ("x", "y")}
    refused(rows, "has 'bound' on a logarithmic axis, and it holds -1", **lines, horizontals_at={"bound": -1.0})
    refused(
        rows, "has 'start' on a logarithmic axis, and it holds 0; leave 'x' out", **lines, verticals_at={"start": 0.0}
    )
    refused(rows, "has 'passive' on a logarithmic axis, and it holds 0", **lines, verticals=("passive",))
    many = {name: np.tile(column, 29) for name, column in rows.items()}
    many["run"] = np.repeat(np.arange(29), 18)
    refused(many, "asked for 29 lines or bars in one strip, of which 28 can be told apart", y=("loss",), group="run")
    refused(many, "asked for 29 panels, of which 24 can be told apart", y=("loss",), panel="run")
