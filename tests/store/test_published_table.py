"""Figures of papers are loaded once, and anew when their file changes."""

import pytest

from vaehub.store.published import Paper
from vaehub.store.store import Store

HEAD = "paper,table,model,network,dataset,condition,quantity,value,spread,spread_kind,n_runs,unit,note\n"
LINES = (
    'x,3.1,vae,fc,mnist,"{""classes"":5}",diversity,0.780,0.010,se,10,,\n'
    "x,A.1,vae,,,{},activation,,,none,,,printed as text: ReLU\n"
)


def paper(lines=LINES, study="x"):
    return Paper(study, (HEAD + lines).encode())


@pytest.fixture
def rows(tmp_path):
    def ask(*papers):
        store = Store.open(tmp_path / "store", papers=lambda: papers)
        store.prepare()
        return store.query("from published order by all").to_pylist()

    return ask


def test_what_tells_figures_apart_becomes_their_keys(rows):
    first, second = rows(paper())
    assert first["keys"] == '{"classes":5,"dataset":"mnist","model":"vae","network":"fc"}'
    assert (first["table"], first["name"], first["value"], first["printed"]) == ("3.1", "diversity", 0.78, "0.780")
    assert (first["spread"], first["spread_kind"], first["n_runs"]) == (0.01, "se", 10)
    assert (second["value"], second["spread_kind"], second["keys"]) == (None, None, '{"model":"vae"}')


def test_figures_are_loaded_once(rows):
    assert rows(paper()) == rows(paper())


def test_a_changed_file_takes_the_place_of_the_old_one_and_leaves_other_papers(rows):
    rows(paper(), paper(study="y", lines=LINES.replace("0.780", "0.5")))
    found = rows(paper(LINES.replace("0.780", "0.9")))
    assert [(row["study"], row["value"]) for row in found if row["value"]] == [("x", 0.9), ("y", 0.5)]


def test_figures_of_a_paper_that_is_no_longer_installed_stay(rows):
    assert len(rows(paper())) == 2
    assert len(rows()) == 2
