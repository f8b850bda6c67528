"""Tables fit a terminal of 80 columns, and lose nothing in a pipe."""

import io
import json
from datetime import datetime

import pytest
from rich.cells import cell_len
from rich.console import Console

from vaehub.cli import bars, layout, tables, terminal
from vaehub.cli.layout import Bar, Column
from vaehub.core.result import Result
from vaehub.hub.views import Rows
from vaehub.store.records import MeasurementRecord
from vaehub.store.store import Store

LONG = json.dumps({f"parameter_{at}": at for at in range(40)})
ID = "5bc17a1cefbd2a3947e85038"


class Screen:
    """A terminal of some width, and what was printed on it."""

    def __init__(self, width: int) -> None:
        self.console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=True)

    def table(self, *columns: Column) -> bool:
        return layout.write(self.console, columns)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.console.file.getvalue().splitlines()]


@pytest.fixture
def screen():
    return Screen(80)


def many(n, **of):
    return [Column(f"column_{at}", ["a_word_of_text"], **of) for at in range(n)]


def test_a_row_that_fits_is_a_line(screen):
    assert not screen.table(Column("name", ["a", "b"]), Column("n", ["1", "10"], is_number=True))
    assert screen.lines == ["name   n", "────────", "a      1", "b     10"]


def test_text_is_broken_between_words_and_ids_are_not(screen):
    screen.table(Column("id", [ID]), Column("meaning", ["some words of a sentence " * 8]))
    assert sum(ID in line for line in screen.lines) == 1
    assert len(screen.lines) > 4
    assert max(map(cell_len, screen.lines)) <= 80
    assert (
        " ".join(" ".join(line[26:] for line in screen.lines[2:]).split()) == ("some words of a sentence " * 8).strip()
    )


def test_a_row_that_is_too_wide_has_a_field_a_line(screen):
    screen.table(*many(9), Column("id", [ID]))
    assert len(screen.lines) == 1 + 10
    assert screen.lines[0].startswith("row 1 ")
    assert screen.lines[1].split() == ["column_0", "a_word_of_text"]
    assert screen.lines[-1].split() == ["id", ID]


@pytest.mark.parametrize("others", [1, 9])
def test_json_is_cut_to_the_width_and_it_is_said(screen, others):
    assert screen.table(*many(others), Column("recipe", [LONG], is_clipped=True))
    assert max(map(cell_len, screen.lines)) <= 80
    assert any(line.endswith("…") and '{"parameter_0"' in line for line in screen.lines)


def test_json_that_fits_is_whole(screen):
    assert not screen.table(Column("params", ['{"n": 1}'], is_clipped=True))
    assert '{"n": 1}' in screen.lines[-1]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_bars_keep_their_scale_on_one_line(width):
    screen = Screen(width)
    shares = [1.0, 0.5, 0.25, 0.0]
    screen.table(
        Column("latent", ["0", "1", "2", "3"], is_number=True),
        *(Column(name, ["0.069847"] * 4, is_number=True) for name in ("relevance", "share", "weight")),
        Column("", [Bar(share) for share in shares]),
    )
    lengths = [line.count(layout.BLOCK) for line in screen.lines[2:]]
    assert len(lengths) == 4
    assert layout.SHORTEST_BAR <= lengths[0] <= layout.BAR
    assert lengths == [round(share * lengths[0]) for share in shares]


def test_bars_give_way_before_rows_do():
    screen = Screen(40)
    screen.table(*(Column("a_long_name", ["0.1"], is_number=True) for _ in range(3)), Column("", [Bar(1.0)]))
    assert len(screen.lines) == 3
    assert layout.BLOCK not in "".join(screen.lines)


def test_a_pipe_has_everything_and_no_padding_at_ends_of_lines():
    columns = [Column("recipe", [LONG, "{}"], is_clipped=True), Column("n", ["1", "2"], is_number=True)]
    lines = list(layout.aligned([*columns, Column("note", ["", "two words"])]))
    assert LONG in lines[2]
    assert all(line == line.rstrip() for line in lines)
    assert max(map(len, (lines[0], lines[1], lines[3]))) <= layout.ALIGNED + 20


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_two_results_take_at_most_60_lines(monkeypatch, screen, tmp_path):
    asked = ("m1", "elbo", {f"parameter_{at}": at for at in range(20)}, 0, {"dataset": {"name": "digits"}}, {})
    store = Store.open(tmp_path / "store")
    store.record_measurement(
        MeasurementRecord(*asked, None, None, "done", None, datetime(2026, 11, 21), 0.0), Result({"kl": 1, "n": 2})
    )
    rows = Rows(store.query("from results limit 2"))
    monkeypatch.setattr(terminal, "out", lambda: screen.console)
    monkeypatch.setattr(tables, "answer", Terminal)
    tables.table(rows.columns, rows, json=rows.json_columns)
    assert 2 * len(rows.columns) < len(screen.lines) <= 60
    assert "--json" in screen.lines[-2]
    assert max(map(cell_len, screen.lines)) <= 80


def test_a_bar_of_work_has_one_length_whatever_is_said_beside_it(monkeypatch):
    monkeypatch.setattr(bars, "PATIENCE", 0)
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    shown = bars.made_bars(console)
    for label, note in (("training geco_l0_arm, seed 0", "validation total 28.89  kl 0.1 " * 3), ("a", "")):
        shown.add_task(label, total=2, completed=2, note=note)
    console.print(shown.get_renderable())
    lines = console.file.getvalue().splitlines()
    assert [line.count("━") for line in lines] == [bars.SHORT_LENGTH] * 2
    assert "training geco_l0_arm, seed 0" in lines[0]
    assert max(map(cell_len, lines)) <= 80


def test_a_cell_of_several_lines_stays_in_its_column(screen):
    columns = [Column("error", ["first\nsecond"]), Column("n", ["1"], is_number=True)]
    assert list(layout.aligned(columns))[2:] == ["first   1", "second"]
    screen.table(*columns, *many(9))
    assert [line.split() for line in screen.lines[1:3]] == [["error", "first"], ["second"]]


def test_a_path_is_never_broken(screen):
    path = "/a/folder/" + "with_a_long_name/" * 6 + "file.h5"
    screen.table(Column("file", [path]), Column("checksum", ["0" * 64]))
    assert any(path in line for line in screen.lines)


def test_a_name_of_a_column_is_text_and_no_markup(screen):
    screen.table(Column("[/x]", ["1"]), Column("m[red]", ["2"]))
    assert screen.lines[0].split() == ["[/x]", "m[red]"]
