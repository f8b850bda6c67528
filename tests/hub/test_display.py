"""What a notebook shows: every value as HTML that runs nothing, pictures once, and a wrong name in one line."""

import copy
import io
import pickle
import re
import sys
from dataclasses import asdict, replace
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest
import torch

from vaehub import Dataset, Factors, Hub, Result, Table, VaehubError, Vector
from vaehub.core.progress import listening, task
from vaehub.hub.display import tables
from vaehub.hub.display.bars import NotebookBars, notebook_progress
from vaehub.hub.study.report import ReportRow, Reports, ReportTable
from vaehub.hub.study.state import StudyState
from vaehub.hub.suggest_dim import Answer, Suggestion
from vaehub.hub.views import Measurements, Rows, Training
from vaehub.registry.entries import Suggests

QUICK = {"train.epochs": 1, "model.latent_dim": 3}
MARKUP = "<script>run()</script>"


class Page(HTMLParser):
    """Reads a page: its words, its elements, and whether each that begins ends."""

    def __init__(self, page):
        super().__init__()
        self.words, self.elements, self.open = [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def pictures(self):
        return [attributes for tag, attributes in self.elements if tag == "img"]

    def __contains__(self, words):
        return words in " ".join(self.words)


def page_of(value):
    return Page(value._repr_html_())


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A hub with two trainings, which no test changes."""
    return Hub.open(tmp_path_factory.mktemp("display") / "store", device="cpu")


@pytest.fixture(scope="module")
def found(filled):
    return filled.run("vae", ["relevance", "elbo"], seed=[0, 1], settings=QUICK)


def test_a_measurement_shows_its_values_and_its_plot(found):
    pytest.importorskip("matplotlib")
    page = page_of(found[0])
    assert "relevance" in page
    assert f"{found[0]['n_active']:.6g}" in page
    greatest = found[0]["relevance"].max()
    assert f"{greatest:.4g}" in page
    [picture] = page.pictures()
    assert picture["src"].startswith("data:image/png;base64,iVBOR")
    assert picture["alt"] == "relevance of vae on digits, seed 0"


def test_several_seeds_show_mean_and_deviation(found):
    page = page_of(found)
    values = [found[1]["elbo"], found[3]["elbo"]]
    assert f"{np.mean(values):.4g} ± {np.std(values, ddof=1):.2g}" in page
    assert [tag for tag, _ in page.elements].count("details") == 4


def test_different_settings_are_rows_of_their_own(filled, found):
    other = filled.run("vae", "elbo", settings=QUICK | {"model.latent_dim": 2})
    page = page_of(Measurements([found[1], *other]))
    assert "vae on digits, 3 latents, 1 epochs" in page
    assert "vae on digits, 2 latents, 1 epochs" in page


def test_undefined_values_have_no_spread_and_are_shown(found):
    undefined = [replace(each, result=Result(scalars={"rho": float("nan")})) for each in (found[1], found[3])]
    assert "nan ± nan" in page_of(Measurements(undefined))


def test_a_failure_shows_its_reason_as_text(found):
    record = replace(found[0].record, status="failed", error=MARKUP)
    failed = replace(found[0], record=record, result=Result())
    page = page_of(failed)
    assert f"failed: {MARKUP}" in page
    assert "failed" in repr(failed)


@pytest.mark.parametrize("name", [MARKUP, '"><img src=x onerror=run()>'])
def test_markup_in_names_is_text(filled, found, name):
    record = replace(found[0].record, metric=name)
    result = Result(
        {name: 1.0},
        {name: Vector([1.0, 2.0], name, [name, "b"])},
        {name: Table({name: [name]}, {name: [1.0]})},
        {name: np.zeros(3)},
    )
    row = ReportRow({name: name}, name, 1.0, 0.1, 2, 1.0, 0.1, "sd", name, 0.0, True)
    answer = Answer(name, Suggests("value", name), (2.0,), 1.0, (name,), 1)
    table = ReportTable(name, name, name, name, [row])
    values = [
        replace(found[0], record=record, result=result),
        Measurements([replace(found[0], record=record, result=result), found[1]]),
        Dataset(np.zeros((4, 1, 8, 8), np.uint8), labels=np.zeros(4, int), class_names=[name], notes=[name], name=name),
        Dataset(np.zeros((4, 2)), factors=Factors((name,), (4,), torch.arange(4)[:, None])),
        filled.sql(f"select '{name}' as \"{name.replace(chr(34), '')}\""),
        Reports([table]),
        Suggestion(name, name, 1, (answer,)),
        StudyState(name, name, 1, 0, 1, 0, [({name: name}, name, name)], remarks=[name]),
        replace(found[0].training, error=name, notes=[name]),
    ]
    for value in values:
        page = page_of(value)
        assert {tag for tag, _ in page.elements} <= {
            *["b", "code", "details", "div", "img", "p", "summary", "table", "td", "th", "tr"]
        }
        assert all("onerror" not in attributes for _, attributes in page.elements)
        assert name.replace('"', "") in page or name in page


def test_a_training_shows_losses_curves_and_measurements(filled, found):
    pytest.importorskip("matplotlib")
    training = filled.train(filled.recipe("vae", settings=QUICK))
    assert isinstance(training, Training)
    assert training == filled.show(training.id)
    assert training.record == found[0].training
    page = page_of(training)
    assert f"{training.epochs[0]['train']['total']:.6g}" in page
    assert len(page.pictures()) == 1
    assert all(each.id[:8] in page for each in (found[0], found[1]))
    assert [axes.get_title() for axes in training.plot().axes] == ["total", "reconstruction", "kl"]
    assert not page_of(found[0].training).pictures()


def test_a_comparison_shows_its_plot_before_its_rows_are_unfolded(filled):
    pytest.importorskip("matplotlib")
    a, b = (filled.recipe(model, settings=QUICK) for model in ("vae", "ae"))
    compared = filled.compare(a, b, "cka")
    page = page_of(compared)
    assert len(page.pictures()) == 1
    assert ("details", {}) in page.elements
    assert compared.plot().axes
    assert len(compared.to_arrow()) == len(compared.measurements.to_arrow()) > 0


def test_a_dataset_shows_images_or_numbers(filled):
    page = page_of(filled.data("digits"))
    assert "1 by 8 by 8" in page
    [picture] = page.pictures()
    assert picture["style"].startswith("width:480px")
    vectors = page_of(Dataset(np.arange(30.0).reshape(3, 10)))
    assert not vectors.pictures()
    assert "17" in vectors
    assert "19" not in vectors  # beyond the eighth column


def test_a_study_shows_its_grids_and_how_far_it_is(hub, tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(
        'title = "Small"\n[recipe]\nmodel = "vae"\n"train.epochs" = 1\n[axes]\nseed = [0, 1]\n[metrics.elbo]\n'
    )
    study = hub.study(path)
    assert repr(study) == "Study('small', scales whole)"
    page = page_of(study)
    assert "seed 0, 1" in page
    assert re.search(r"left\s+2", " ".join(page.words))


def test_a_hub_shows_what_its_store_has(filled, found):
    page = page_of(filled)
    [[n]] = filled.sql("select count(*) from measurements")
    assert re.search(rf"measurements\s+{n}\b", " ".join(page.words))
    assert filled.recent(1)[1][0].id[:8] in page


def test_a_hub_without_a_store_says_so(hub):
    assert "Nothing is stored there yet." in page_of(hub)


def test_long_tables_are_cut_and_say_so(filled):
    assert "968 more rows" in page_of(filled.sql("select * from range(1000)"))


def test_short_texts_are_short(filled, found):
    values = [filled, found, found[0], found[0].training, filled.data("digits"), filled.sql("from trainings")]
    values.append(Suggestion("digits", "mlp", 3, ()))
    assert all(len(repr(each)) < 400 and "object at" not in repr(each) for each in values)
    assert repr(found[0]).startswith(f"Measurement(relevance {found[0].id[:8]} of training {found[0].training.id[:8]}")


def test_a_plot_that_fails_is_a_sentence(found):
    pytest.importorskip("matplotlib")

    class Broken:
        def plot(self, result):
            raise ZeroDivisionError(MARKUP)

    page = page_of(replace(found[0], find_metric=lambda record: Broken()))
    assert f"the plot of metric 'relevance' failed: ZeroDivisionError: {MARKUP}" in page
    assert not page.pictures()


def test_what_has_no_plot_shows_no_word_of_it(found):
    assert "picture" not in page_of(found[1])


def test_without_matplotlib_values_are_shown_and_how_to_get_it(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = page_of(found[0])
    assert "pictures need matplotlib: pip install 'vaehub[plot]'" in page
    assert "n_active" in page


def test_a_measurement_that_was_pickled_is_drawn_by_a_hub(filled, found):
    pytest.importorskip("matplotlib")
    assert copy.deepcopy(found[0]).result.scalars == found[0].result.scalars
    assert asdict(found[0])["record"]["metric"] == "relevance"
    loaded = pickle.loads(pickle.dumps(found[0]))
    with pytest.raises(VaehubError, match=r"was pickled, .*'hub.plot\(it\)' draws it"):
        loaded.plot()
    assert filled.plot(loaded).axes[0].get_title() == found[0].plot().axes[0].get_title()


# Tables in memory


def test_results_are_read_by_whoever_reads_arrow(filled, found):
    for each in (found, found[0], filled.sql("select 1 as a"), filled.sql("from results")):
        assert str(pa.table(each).to_pydict()) == str(each.to_arrow().to_pydict())


def test_results_become_frames_of_polars(filled, found):
    polars = pytest.importorskip("polars")
    assert polars.DataFrame(found).equals(found.to_polars())
    assert found.to_polars().filter(polars.col("name") == "n_active")["seed"].to_list() == [0, 1]
    with pytest.raises(VaehubError, match="'a' is several columns"):
        filled.sql("select 1 as a, 2 as a").to_polars()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_missing_library_is_named(library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(VaehubError, match=rf"need {library}: pip install 'vaehub\[{library}\]'"):
        getattr(Rows(pa.table({"a": [1]})), f"to_{library}")()


def test_a_report_is_a_table_with_a_column_for_each_key():
    rows = [ReportRow({"k": key}, "n", 1.0, None, 1, None, None, "sd", None, None, None) for key in (1, "x", None)]
    table = ReportTable("r", "", None, None, rows).to_arrow()
    assert table["k"].to_pylist() == ["1", "x", None]
    assert table.column_names[:4] == ["k", "name", "ours", "ours_spread"]


def test_a_suggestion_is_a_table_with_a_row_for_each_answer():
    answer = Answer("fondue", Suggests("n", "latents"), (4.0, 5.0), 1.0, (), 2)
    table = Suggestion("digits", "mlp", 1, (answer,)).to_arrow()
    assert table.to_pylist()[1] == {"method": "fondue", "meaning": "latents", "is_bound": False, "value": 5.0}
    assert len(Suggestion("digits", "mlp", 1, ()).to_arrow()) == 0


# In IPython


def test_a_wrong_name_is_one_line_in_ipython(filled, found):
    ultratb = pytest.importorskip("IPython.core.interactiveshell")
    shell = ultratb.InteractiveShell(user_ns={"hub": filled, "found": found})
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        shell.run_cell("hub.run('ardd', 'relevance')")
        shell.run_cell("found[0]['n_activ']")
    lines = out.getvalue().strip().splitlines()
    assert lines[0] == "UnknownName: unknown model 'ardd'; did you mean 'ard'? 'vaehub list model' shows all"
    assert lines[1].startswith("UnknownValue: relevance has no 'n_activ', it has n_active")
    assert len(lines) == 2


class Place:
    """What IPython's display() returns: where updates go."""

    def __init__(self):
        self.shown = []

    def update(self, content, raw):
        assert raw
        self.shown.append(content)


@pytest.fixture
def place(monkeypatch):
    display = pytest.importorskip("IPython.display")
    place = Place()
    monkeypatch.setattr(display, "display", lambda content, raw, display_id: place.update(content, raw) or place)
    monkeypatch.setattr("vaehub.hub.display.bars.INTERVAL", 0.0)
    return place


def test_bars_show_what_is_done_and_leave_nothing(place, monkeypatch):
    monkeypatch.setattr("vaehub.hub.display.bars.PATIENCE", 0.0)
    with listening(NotebookBars()), task(MARKUP, 10) as outer, task("inner") as inner:
        outer(3, note=MARKUP)
        inner(2)
    page = Page(place.shown[1]["text/html"])
    assert [attributes for tag, attributes in page.elements if tag == "progress"] == [{"value": "3", "max": "10"}, {}]
    assert MARKUP in page
    assert place.shown[-1] == {"text/plain": "", "text/html": ""}


def test_short_work_shows_no_bar(place):
    with listening(NotebookBars()), task("short", 1) as advance:
        advance(1)
    assert place.shown == []


def test_there_are_no_bars_outside_of_notebooks():
    from vaehub.core.progress import current_listener

    with notebook_progress():
        assert current_listener.get() is None


def test_a_row_without_a_published_value_stands_beside_those_that_have_one():
    rest = (None, None, "sd", None, None, None)
    rows = [ReportRow({"k": 1}, "n", 1.0, None, 1, *rest), ReportRow({"k": 2}, "n", 1.0, None, 1, 2.0, *rest[1:])]
    page = Page(Reports([ReportTable("r", "", "paper", "1", rows)])._repr_html_())
    assert page.words.count("n") == 2


def test_an_infinite_value_has_the_longest_bar():
    page = "".join(tables.bar(value, 2.0) for value in (np.inf, 2.0, 1.0, -np.inf, np.nan))
    assert re.findall(r"width:(\d+)px", page) == [str(n) for n in (tables.BAR, tables.BAR, tables.BAR // 2, 0, 0)]


def test_a_training_that_was_measured_twice_has_one_value_and_places_of_files_are_no_settings(filled, found):
    relevance = found[0]
    other = replace(
        relevance,
        result=Result({"n_active": relevance["n_active"] + 2}),
        training=replace(
            relevance.training, recipe=relevance.training.recipe | {"dataset": _elsewhere(relevance.training.recipe)}
        ),
    )
    page = page_of(Measurements([relevance, other]))
    assert f"{relevance['n_active'] + 1:.6g}" in page.words


def _elsewhere(recipe):
    return recipe["dataset"] | {"incidental": {"root": "/elsewhere"}}
