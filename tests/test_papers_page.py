"""The page of tables and figures: every row has a command that can be asked for, and every caption has a row."""

import os
import re
from pathlib import Path

import pytest

from tests.command_lines import parsed
from tests.references import ROOT, numbered_in, references_in
from vaehub import Hub
from vaehub.cli.options import parse_settings
from vaehub.hub import requests
from vaehub.hub.study.definition import Definition
from vaehub.registry.catalog import Catalog
from vaehub.registry.entries import KINDS

PAGE = (ROOT / "docs" / "papers.md").read_text(encoding="utf-8")
CATALOG = Catalog()
OUTCOMES = ("inside", "outside", "in kind", "not run", "no data", "not measured", "a setting")
PAPERS = ("intervention", "mnist_vae", "ard", "latent_response", "polarised_regime")


def rows():
    """Yield paper, label, command and outcome of each row."""
    for section in PAGE.split("\n## ")[1:]:
        paper = re.search(r"`(\w+)`", section.splitlines()[0])[1]
        for line in section.splitlines():
            if line.startswith("|") and not line.startswith(("| ---", "| | what")):
                label, what, command, outcome = (cell.strip() for cell in line.strip("|").split(" | "))
                yield pytest.param(paper, label, what, command, outcome, id=f"{paper} {label}")


def test_every_paper_has_a_section():
    assert list(dict.fromkeys(row.values[0] for row in rows())) == list(PAPERS)


@pytest.mark.parametrize(("paper", "label", "what", "command", "outcome"), list(rows()))
def test_no_row_is_empty_and_the_outcome_is_one_of_those_that_are_explained(paper, label, what, command, outcome):
    assert all((paper, label, what, command))
    assert outcome.startswith(OUTCOMES)
    if outcome.startswith(("not run", "no data")):
        assert "needs" in outcome or "without" in outcome


@pytest.mark.parametrize(("paper", "label", "what", "command", "outcome"), list(rows()))
def test_every_command_can_be_asked_for(paper, label, what, command, outcome, tmp_path):
    name, params = parsed(command.strip("`"))
    if name.startswith("study"):
        if "study" in params or "name" in params:
            asked = params.get("study") or params.get("name")
            study = Definition(asked, CATALOG.find("study", asked).read())
            scaled = study.at(params.get("scale"))
            table = params.get("table") or params.get("report")
            assert table is None or table in {report.name for report in scaled.reports}
    elif name == "describe":
        assert params["name"] in {each.entry.name for kind in KINDS for each in CATALOG.entries(kind.kind)}
    elif name == "compare":
        CATALOG.find("metric", params["metric"])
    else:
        settings = parse_settings(params["assignments"] or [])
        own = {key.removeprefix("metric."): value for key, value in settings.items() if key.startswith("metric.")}
        chosen = {key: value for key, value in settings.items() if not key.startswith("metric.")}
        for metric in params["metrics"]:
            requests.metric_of(CATALOG, metric, own, str)
        hub = Hub.open(tmp_path / "store")
        hub.recipe(params["model"], network=params["network"], dataset=params["dataset"], settings=chosen)


def test_every_numbered_caption_has_a_row():
    folder = os.environ.get("VAEHUB_PAPERS")
    if folder is None:
        pytest.skip("VAEHUB_PAPERS names no folder with the texts of the papers")
    for paper in PAPERS:
        text = (Path(folder) / f"{paper}.txt").read_text(encoding="utf-8")
        wanted = {key for key in numbered_in(paper, text) if key[0] in ("table", "figure")}
        labels = [row.values[1] for row in rows() if row.values[0] == paper]
        has = {(each.kind, each.number) for label in labels for each in references_in(label, paper)}
        # What a paper describes without a table or a figure may have a row as well.
        assert {key for key in has if key[0] in ("table", "figure")} == wanted, paper
