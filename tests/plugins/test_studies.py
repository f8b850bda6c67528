"""Every study that comes with vaehub can be made at every scale: names, parameters, queries and keys fit together."""

import pytest

from vaehub.hub.study.definition import Definition
from vaehub.hub.study.grid import cells_of
from vaehub.hub.study.rehearsal import rehearse
from vaehub.registry.catalog import Catalog
from vaehub.store.published import Paper

CATALOG = Catalog()
STUDIES = {each.entry.name: Definition(each.entry.name, each.read()) for each in CATALOG.entries("study")}
SCALES = [(name, scale) for name, study in STUDIES.items() for scale in study.scales]


@pytest.mark.parametrize(("name", "scale"), SCALES)
def test_it_could_be_made(name, scale):
    scaled = STUDIES[name].at(scale)
    cells = cells_of(scaled, CATALOG, str)
    assert cells
    figures = Paper(scaled.paper, CATALOG.find("published", scaled.paper).read()).figures()
    rehearse(scaled, cells, figures, CATALOG)


@pytest.mark.parametrize("name", STUDIES)
def test_it_has_a_title_a_source_and_reports(name):
    study = STUDIES[name]
    assert study.title
    assert study.source
    assert study.at(None).reports


def test_the_intervention_study_has_the_papers_runs():
    cells = cells_of(STUDIES["intervention"].at("paper"), CATALOG, str)
    # Two data sets, three numbers of classes, ten seeds, two numbers of epochs.
    assert len({cell.subject.id for cell in cells if cell.request.metric.name == "intervention"}) == 120
    assert len({cell.request.id for cell in cells if cell.request.metric.name == "ssim_diversity"}) == 60
