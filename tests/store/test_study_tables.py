"""What studies ask for is kept beside what was measured, and replaced when they ask anew."""

import pytest
from stored_samples import a_measurement

from vaehub.core.result import Result
from vaehub.store.records import CellRecord


@pytest.fixture
def session(store):
    store.prepare()
    with store.session() as session:
        yield session


def cell(at, measurement, **settings):
    return CellRecord(at, {"model": "vae", **settings}, "relevance", None, measurement)


def test_cells_come_back_in_order_with_analyses_last(session):
    cells = [cell(0, "a", n=1), cell(1, "b", n=2)]
    session.insert_study("s", "quick", "title", {"grids": []}, cells)
    session.insert_analysis("s", "quick", "x", CellRecord(None, {"analysis": "x"}, "correlation", None, "c"))
    assert session.cells("s", "quick") == [*cells, CellRecord(None, {"analysis": "x"}, "correlation", None, "c")]
    assert session.cells("s", "paper") == []


def test_asking_anew_replaces_cells_and_keeps_other_scales_and_analyses(session):
    session.insert_study("s", "quick", "title", {}, [cell(0, "a"), cell(1, "b")])
    session.insert_study("s", "paper", "title", {}, [cell(0, "z")])
    session.insert_analysis("s", "quick", "x", CellRecord(None, {"analysis": "x"}, "correlation", None, "c"))
    session.insert_study("s", "quick", "title", {}, [cell(0, "b")])
    assert [each.measurement for each in session.cells("s", "quick")] == ["b", "c"]
    assert [each.measurement for each in session.cells("s", "paper")] == ["z"]


def test_an_analysis_of_later_results_takes_the_place_of_the_earlier(session):
    for measurement in ("old", "new"):
        session.insert_analysis(
            "s", "quick", "x", CellRecord(None, {"analysis": "x"}, "correlation", None, measurement)
        )
    assert [each.measurement for each in session.cells("s", "quick")] == ["new"]


def test_studies_are_counted_by_what_came_of_each_measurement(store, session):
    session.insert_study("s", "quick", "title", {}, [cell(0, "m1"), cell(1, "m1"), cell(1, "m2"), cell(2, "m3")])
    store.record_measurement(a_measurement("m1"), Result({"n": 1}))
    store.record_measurement(a_measurement("m2", status="failed", error="no"), Result())
    [record] = session.studies()
    assert (record.n_measurements, record.n_done, record.n_failed) == (3, 1, 1)
    assert {name: each.status for name, each in session.outcomes(["m1", "m2", "m3"]).items()} == {
        "m1": "done",
        "m2": "failed",
    }


def test_a_value_that_two_studies_ask_for_is_one_result_and_two_of_studies(store, session):
    store.record_measurement(a_measurement("m1"), Result({"n": 1}))
    for study in ("b", "a"):
        session.insert_study(study, "quick", "title", {}, [cell(0, "m1", n=3)])
    assert store.query("select study from results").to_pylist() == [{"study": "a, b"}]
    rows = store.query("select study, cell, settings ->> 'n' as n from study_results order by study").to_pylist()
    assert rows == [{"study": "a", "cell": 0, "n": "3"}, {"study": "b", "cell": 0, "n": "3"}]


def test_a_name_with_a_dot_is_a_setting_of_its_own(store, session):
    store.record_measurement(a_measurement("m1"), Result({"n": 1}))
    session.insert_study("s", "quick", "title", {}, [cell(0, "m1", **{"data.n_classes": 5})])
    [row] = store.query("""select settings ->> 'data.n_classes' as n from study_results""").to_pylist()
    assert row == {"n": "5"}
