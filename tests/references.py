"""References in docstrings, docs and studies to the five papers, compared with the papers' text.

By hand, with the texts in a folder: ``VAEHUB_PAPERS=FOLDER python -m tests.references`` lists what a paper does not
have, and what shares no word with the caption or title that it names, which is to be read.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAPERS = {
    "polarised_regime": r"Bonheme 2023|[Tt]hesis",
    "ard": r"Saha(?:, Joshi & Whitaker)?(?: et al\.)? 2025|ARD-VAE's|\{ARD_PAPER\}",
    "intervention": r"Müller et al\.\s+2025|Intervention Analysis on the",
    "latent_response": r"Leeb et al\.\s+2021",
    "mnist_vae": r"Shonia 2026",
}
# Whose paper a file is about that names none.
ABOUT = {
    "fondue": "polarised_regime",
    "polarised": "polarised_regime",
    "similarity": "polarised_regime",
    "probes": "polarised_regime",
    "linear_vae": "polarised_regime",
    "ard": "ard",
    "relevance": "ard",
    "intervention": "intervention",
    "diversity": "intervention",
    "correlation": "intervention",
    "latent_response": "latent_response",
}
KINDS = {
    "Eq": "equation",
    "Algorithm": "algorithm",
    "Table": "table",
    "Figure": "figure",
    "Section": "section",
    "Appendix": "section",
    "Chapter": "section",
    "Theorem": "statement",
    "Proposition": "statement",
    "Definition": "statement",
    "Corollary": "statement",
}
NUMBER = r"(?:S\d+|[A-D](?:\.\d+)*(?![A-Za-z])|\d+(?:\.\d+)*)"
REFERENCE = re.compile(
    rf"\b(supplementary\s+)?(Eq|Algorithm|Table|Figure|Section|Appendix|Chapter|Theorem|Proposition|Definition|Corollary)"
    rf"(?:uation)?s?\.?\s+\(?({NUMBER})[a-e]?\)?((?:(?:,\s+|\s+to\s+|\s+and\s+|,\s+and\s+){NUMBER}[a-e]?(?![\w.]*\s*%))*)"
)
CITATION = re.compile(r"[A-Z][\w&.' -]{2,60}?(?:et al\.)?\s+(?:19|20)\d\d")
SMALL = {
    "table",
    "figure",
    "paper",
    "section",
    "their",
    "these",
    "which",
    "where",
    "there",
    "other",
    "latent",
    "latents",
}


@dataclass(frozen=True)
class Reference:
    """A reference to a numbered thing of a paper.

    Attributes:
        paper: Which of the five.
        kind: ``equation``, ``algorithm``, ``table``, ``figure``, ``section`` or ``statement``.
        number: As printed; ``S`` before those of a supplement.
        context: What is said around it.
    """

    paper: str
    kind: str
    number: str
    context: str


def references_in(text: str, about: str | None = None) -> Iterator[Reference]:
    """Yield the references of a text to the five papers; one belongs to the work cited last before it in its paragraph.

    Args:
        text: Of a file.
        about: The paper that is meant where none is cited.
    """
    for paragraph in re.split(r"\n\s*\n", text):
        for found in REFERENCE.finditer(paragraph):
            paper = _cited_before(paragraph[: found.start()], paragraph[found.end() :], about)
            if paper is None:
                continue
            supplement, kind, first, rest = found.groups()
            context = paragraph[max(0, found.start() - 250) : found.end() + 250]
            for number in _numbers(first, rest):
                is_supplement = paper == "ard" and supplement and KINDS[kind] in ("table", "figure")
                yield Reference(paper, KINDS[kind], f"S{number}" if is_supplement else number, context)


def _cited_before(before: str, after: str, about: str | None) -> str | None:
    """Return the paper that was cited last, or right behind, as in "Eq. 7.9 of the thesis"; none for any other work."""
    if re.match(r"[^.;]{0,15}of the thesis", after):
        return "polarised_regime"
    cited = [(found.end(), name) for name, pattern in PAPERS.items() for found in re.finditer(pattern, before)]
    others = [(found.end(), None) for found in CITATION.finditer(before)]
    return max([*cited, *others], key=lambda place: (place[0], place[1] is not None))[1] if cited or others else about


def _numbers(first: str, rest: str) -> list[str]:
    """Return all numbers of "8.4 to 8.6", "4.15, 4.16 and 4.23" or one."""
    numbers = [first]
    for joined, number in re.findall(rf"(,|to|and)\s+({NUMBER})", rest):
        if number.count(".") != first.count("."):
            break  # "Tables 3.1 and 3.2, 45 are inside": no number of a table
        if joined == "to":
            numbers += _between(numbers[-1], number)
        numbers.append(number)
    return numbers


def _between(first: str, last: str) -> list[str]:
    (head, begin), (other, end) = (re.match(r"(.*?)(\d*)$", number).groups() for number in (first, last))
    if head != other or not (begin.isdigit() and end.isdigit()):
        return []
    return [f"{head}{n}" for n in range(int(begin) + 1, int(end))]


def numbered_in(paper: str, text: str) -> dict[tuple[str, str], str]:
    """Return what a paper has numbered, with captions and titles; nothing but the number of an equation.

    Captions of a supplement, whose numbers begin again at 1, get an ``S``.
    """
    found: dict[tuple[str, str], str] = {}
    is_supplement = False
    for line in text.splitlines():
        if caption := re.match(rf"\W*(Table|Figure|Algorithm)\s+({NUMBER})\.?\W*(.*)", line):
            kind, number, title = caption[1].lower(), caption[2].rstrip("."), caption[3]
            is_supplement |= paper == "ard" and kind != "algorithm" and (kind, number) in found
            if is_supplement and kind != "algorithm":
                number = f"S{number}"
            found.setdefault((kind, number), title)
        elif heading := re.match(r"[#*\s]*(?:CHAPTER )?([A-D1-9](?:\.\d+)*)\.?\**\s+(\S.{2,100})$", line):
            found.setdefault(("section", heading[1]), heading[2])
        if statement := re.match(rf"\W*(?:Theorem|Proposition|Definition|Corollary)\s+({NUMBER})\W(.*)", line):
            found.setdefault(("statement", statement[1].rstrip(".")), statement[2])
        for number in re.findall(rf"(?:\\tag\{{|\()({NUMBER})(?:\}}|\)\s*\$\$|\)\s*$)", line):
            found.setdefault(("equation", number), "")
    # A chapter, and an appendix of which only parts have a heading.
    for kind, number in list(found):
        if kind == "section" and "." in number:
            found.setdefault(("section", number.split(".")[0]), "")
    return found


def shared_words(title: str, context: str) -> set[str]:
    """Return the beginnings of longer words that a title and the text around a reference to it have in common."""

    def stems(text: str) -> set[str]:
        return {word[:5] for word in re.findall(r"[a-z]{4,}", text.lower()) if word not in SMALL}

    return stems(title) & stems(context)


def sources() -> Iterator[tuple[Path, str | None]]:
    """Yield the files that may refer to a paper, with the one that each is about."""
    for path in sorted([*ROOT.glob("vaehub/**/*.py"), *ROOT.glob("vaehub/**/*.toml"), *ROOT.glob("docs/*.md")]):
        names = [*path.relative_to(ROOT).parts[:-1], path.stem]
        yield path, next((ABOUT[name] for name in names if name in ABOUT), None)


def disagreements(folder: Path) -> tuple[list[str], list[str]]:
    """Return references to what is not in a paper, and those without a word in common with what they name."""
    absent, strange = [], []
    papers = {paper: numbered_in(paper, (folder / f"{paper}.txt").read_text(encoding="utf-8")) for paper in PAPERS}
    for path, about in sources():
        text = path.read_text(encoding="utf-8")
        for each in references_in(text, about):
            where = f"{path.relative_to(ROOT)}: {each.kind} {each.number} of {each.paper}"
            title = papers[each.paper].get((each.kind, each.number))
            if title is None:
                absent.append(where)
            elif title and not shared_words(
                title, f"{text[:300]} {' '.join(path.parts[-2:]).replace('_', ' ')} {each.context}"
            ):
                strange.append(f"{where}: {title[:70]}")
    return absent, strange


if __name__ == "__main__":
    missing, doubtful = disagreements(Path(os.environ["VAEHUB_PAPERS"]))
    print(*(f"absent: {each}" for each in missing), *(f"read: {each}" for each in doubtful), sep="\n")
    sys.exit(bool(missing))
