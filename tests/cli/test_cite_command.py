"""The command ``cite``."""

import json
import tomllib
from pathlib import Path

import pytest
import yaml

from vaehub import VaehubError, __version__
from vaehub.cli.cite import cite
from vaehub.registry.references import YEAR

ROOT = Path(__file__).parents[2]


def printed(capsys, *names, as_json=False):
    cite(list(names), as_json)
    return capsys.readouterr()


def test_methods_are_cited_once_each_by_the_publication_of_their_source(capsys):
    bibtex = printed(capsys, "ard", "relevance", "beta_vae").out
    assert bibtex.count("title = {{ARD-VAE}") + bibtex.count("title = {ARD-VAE") == 1
    assert "author = {Higgins, Irina" in bibtex


def test_every_key_is_given_once_and_in_order_with_json(capsys):
    found = json.loads(printed(capsys, "cka", "procrustes", "mig", as_json=True).out)
    keys = [each["key"] for each in found]
    assert keys == sorted(set(keys))
    assert all(each["bibtex"].startswith("@") and each["key"] in each["bibtex"] for each in found)


def test_vaehub_itself_is_cited_in_its_version(capsys):
    text = printed(capsys).out
    assert text.startswith("@software{vaehub,")
    assert f"version = {{{__version__}}}" in text


def test_what_has_no_publication_is_refused():
    with pytest.raises(VaehubError, match="'mlp' names no publication; 'vaehub cite' prints how to cite vaehub itself"):
        cite(["mlp"])


def test_every_place_that_says_the_version_says_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = next(line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## "))
    assert project["version"] == citation["version"] == __version__
    assert newest.split()[1] in ("Unreleased", __version__)
    assert citation["date-released"].year == YEAR
