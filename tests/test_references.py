"""References to the papers: how they are read, and, where the papers' texts are at hand, that they are right."""

import os
from pathlib import Path

import pytest

from tests.references import ROOT, disagreements, numbered_in, references_in, shared_words


def found(text, about=None):
    return [(each.paper, each.kind, each.number) for each in references_in(text, about)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Bonheme 2023, Tables 8.4 to 8.6", ["8.4", "8.5", "8.6"]),
        ("Bonheme 2023, Eqs. 4.15, 4.16 and 4.23", ["4.15", "4.16", "4.23"]),
        ("Bonheme 2023, Sections 6.4.1 and 8.4.1", ["6.4.1", "8.4.1"]),
        ("Bonheme 2023, Figures B.1 to B.3, C.5", ["B.1", "B.2", "B.3", "C.5"]),
        ("Of the 48 figures of the thesis's Tables 3.1 and 3.2, 45 are inside", ["3.1", "3.2"]),
        ("Bonheme 2023, Chapter 8 and Appendix D.2", ["8", "D.2"]),
        ("Bonheme 2023, Figure 6.6c", ["6.6"]),
        ("Bonheme 2023, by Eqs. 4.15 and 4.16 and 99 %", ["4.15", "4.16"]),
    ],
)
def test_all_numbers_of_a_reference_are_read(text, numbers):
    assert [number for _, _, number in found(text)] == numbers


def test_a_reference_belongs_to_the_work_cited_last():
    text = "Bonheme 2023, Section 8.2; Levina & Bickel 2004, Eq. 8, as Leeb et al. 2021, Figure 3, has it"
    assert found(text, "ard") == [("polarised_regime", "section", "8.2"), ("latent_response", "figure", "3")]
    assert found("Levina & Bickel 2004, Eq. 8") == []
    assert found("The mean over seeds (Kornblith et al. 2019) is Eq. 7.9 of the thesis") == [
        ("polarised_regime", "equation", "7.9")
    ]


def test_a_reference_without_citation_belongs_to_what_the_file_is_about():
    assert found("the network of Table 3", "latent_response") == [("latent_response", "table", "3")]
    assert found("the network of Table 3") == []


def test_tables_of_a_supplement_are_told_apart():
    assert found("Saha, Joshi & Whitaker 2025, supplementary Tables 4 and 5") == [
        ("ard", "table", "S4"),
        ("ard", "table", "S5"),
    ]


PAPER = r"""
4 RELEVANCE
4.1. Determining the Relevant Axes
$$w = \sum_k J_k^2, \quad (19)$$
$$v = w \tag{A.2}$$
Table 1. Scores of methods.
Figure 2: Curves of the loss.
Algorithm 1 : Training
Theorem 3.1.2 (Traces). The trace grows.
Table 1. Sizes of subsets.
Figure 3. Traversals.
"""


def test_what_a_paper_has_numbered_is_found_with_titles():
    numbered = numbered_in("ard", PAPER)
    assert numbered["section", "4.1"] == "Determining the Relevant Axes"
    assert numbered["table", "1"] == "Scores of methods."
    assert numbered["table", "S1"] == "Sizes of subsets."
    assert numbered["figure", "S3"] == "Traversals."
    assert numbered["algorithm", "1"] == "Training"
    assert {("section", "4"), ("equation", "19"), ("equation", "A.2"), ("statement", "3.1.2")} <= numbered.keys()
    assert not {("section", "4.2"), ("equation", "20"), ("table", "2")} & numbered.keys()


def test_words_in_common_are_compared_by_their_beginnings():
    assert shared_words("Determining the relevant axes", "relevance of each latent") == {"relev"}
    assert shared_words("Posterior collapse", "sizes of subsets") == set()


def test_no_reference_is_to_what_its_paper_does_not_have():
    folder = os.environ.get("VAEHUB_PAPERS")
    if folder is None:
        pytest.skip("VAEHUB_PAPERS names no folder with the texts of the papers")
    absent, _ = disagreements(Path(folder))
    assert absent == []


def test_files_that_refer_to_papers_are_looked_through():
    text = (ROOT / "docs" / "fondue.md").read_text(encoding="utf-8")
    assert ("polarised_regime", "table", "8.1") in found(text, "polarised_regime")
