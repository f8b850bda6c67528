"""The site: its links, the names that its pages use, and that it builds without a warning."""

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vaehub
from tests.command_lines import parsed
from vaehub import Hub
from vaehub.cli.options import parse_settings
from vaehub.hub import requests
from vaehub.registry.catalog import Catalog

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
CATALOG = Catalog()
BLOCK = re.compile(r"^```([\w{}-]*)\n(.*?)^```", flags=re.S | re.M)
# Large enough for a dozen pictures, small enough for whoever clones the repository.
GALLERY_BYTES = 400_000
# Names in examples that belong to a stranger's plugin.
STRANGERS = {"sparse_vae", "stripes", "code_norm", "patches", "processes"}


def prose(page):
    """Return the text of a page without its blocks of code."""
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them, and those of what is made from the catalog."""
    text = prose(page)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.M)
    for kind in re.findall(r"^% catalog: (\w+)$", text, flags=re.M):
        headings += [each.entry.name for each in CATALOG.entries(kind)]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_internal_link_and_anchor_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "code", prose(page))):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}, which has no such heading"


def test_a_link_to_a_missing_heading_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Here\n\n[there](#there)\n")
    with pytest.raises(AssertionError, match="no such heading"):
        test_every_internal_link_and_anchor_leads_somewhere(page)


def shown_commands():
    """Yield the commands that pages show, apart from those of plain blocks, which test_docs.py carries out."""
    for page in PAGES:
        for language, block in BLOCK.findall(page.read_text(encoding="utf-8")):
            if language in ("sh", "text"):
                for line in block.splitlines():
                    if (
                        re.match(r"(?:\.venv/bin/)?vaehub [a-z]", line)
                        and "…" not in line
                        and "[" not in line.split("'")[0]
                    ):
                        yield line.removeprefix(".venv/bin/")


def test_commands_that_are_shown_and_not_carried_out_are_commands(tmp_path):
    hub = Hub.open(tmp_path / "store")
    seen = list(shown_commands())
    assert len(seen) > 20
    for command in seen:
        name, params = parsed(command)
        # What a stranger brings is not installed, nor are the files of a reader.
        if (STRANGERS | {"weights"}) & set(re.findall(r"\w+", command)):
            continue
        for metric in [params["metric"]] if name == "compare" else params.get("metrics") or []:
            CATALOG.find("metric", metric)
        if name == "run" and not str(params["dataset"]).startswith("."):
            settings = parse_settings(params["assignments"] or [])
            own = {key.removeprefix("metric."): value for key, value in settings.items() if key.startswith("metric.")}
            chosen = {key: value for key, value in settings.items() if not key.startswith("metric.")}
            for metric in params["metrics"]:
                requests.metric_of(CATALOG, metric, own, str)
            hub.recipe(params["model"], network=params["network"], dataset=params["dataset"], settings=chosen)


def python_blocks():
    for page in PAGES:
        for language, block in BLOCK.findall(page.read_text(encoding="utf-8")):
            if language == "python":
                yield pytest.param(block, id=f"{page.stem}: {block.strip().splitlines()[0][:50]}")


def is_importable(module, name):
    return hasattr(importlib.import_module(module), name) or importlib.util.find_spec(f"{module}.{name}") is not None


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    return Hub.open(tmp_path_factory.mktemp("reader") / "store")


@pytest.mark.parametrize("code", list(python_blocks()))
def test_python_that_is_shown_uses_names_that_exist(code, opened):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vaehub":
            for each in node.names:
                assert is_importable(node.module, each.name), ast.unparse(node)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("hub", "vaehub"):
            known = hasattr(opened, node.attr) if node.value.id == "hub" else is_importable("vaehub", node.attr)
            assert known, ast.unparse(node)


def test_every_public_name_is_on_the_pages_of_the_api():
    page = (DOCS / "api" / "vaehub.md").read_text()
    named = [name for line in re.findall(r"^% api: vaehub (.+)$", page, flags=re.M) for name in line.split()]
    assert sorted(named) == sorted(set(vaehub.__all__) - {"__version__"})


def test_each_kind_of_the_catalog_has_a_page():
    pages = "\n".join(page.read_text() for page in (DOCS / "catalog").glob("*.md"))
    kinds = {each.entry.kind for each in CATALOG.entries()} - {"published"}
    assert set(re.findall(r"^% catalog: (\w+)$", pages, flags=re.M)) == kinds | {"train"}


def question_rows():
    """Yield name, page and summary of each row of the table of questions."""
    row = re.compile(r"^\|[^|]*\| \[`(\w+)`\]\(([\w./]+)\) \| (.+) \|$")
    for line in (DOCS / "questions.md").read_text().splitlines():
        if line.startswith("|") and not line.startswith(("| ---", "| question,")):
            found = row.match(line)
            assert found, f"a row without a metric: {line}"
            yield found.groups()


def test_the_table_of_questions_has_every_metric_with_its_summary_and_its_page():
    built_in = {
        each.entry.name: each.entry.summary for each in CATALOG.entries("metric") if each.distribution == "vaehub"
    }
    assert {name: summary for name, _, summary in question_rows()} == built_in
    for name, page, _ in question_rows():
        assert re.search(rf"\b{name}\b", (DOCS / page).read_text()), f"{page} does not name {name}"


def test_the_words_that_people_look_for_are_in_the_table_of_questions():
    table = (DOCS / "questions.md").read_text()
    for word in (
        "posterior collapse",
        "active units",
        "KL per latent",
        "disentanglement",
        "CKA",
        "FID",
        "intrinsic dimension",
    ):
        assert word in table


def gallery():
    """Return the commands of each picture of the gallery, as the script that draws them reads the page."""
    module = importlib.util.spec_from_file_location("draw_gallery", DOCS / "_site" / "draw_gallery.py")
    script = importlib.util.module_from_spec(module)
    module.loader.exec_module(script)
    return script


def test_each_picture_of_the_gallery_has_its_commands_and_all_are_small():
    page = (DOCS / "gallery.md").read_text()
    commands = gallery().commands_by_picture()
    assert list(commands) == re.findall(r"\(gallery/(\w+)\.png\)", page)
    assert page.count("\n## ") == len(commands)
    for name, lines in commands.items():
        assert lines[-1].endswith(f" {name}.png")
        with Image.open(DOCS / "gallery" / f"{name}.png") as picture:
            assert picture.width <= gallery().WIDTH
    assert sum(path.stat().st_size for path in (DOCS / "gallery").iterdir()) < GALLERY_BYTES


@pytest.mark.slow
def test_a_picture_of_the_gallery_is_drawn_by_its_commands(tmp_path):
    pytest.importorskip("matplotlib")
    gallery().main(["intrinsic_dimension"], tmp_path / "gallery")
    name = "intrinsic_dimension.png"
    with Image.open(tmp_path / "gallery" / name) as ours, Image.open(DOCS / "gallery" / name) as shown:
        assert ours.size == shown.size
        difference = np.abs(np.asarray(ours.convert("L"), float) - np.asarray(shown.convert("L"), float))
    # The same plot by another version of matplotlib moves its letters a little; another plot moves everything.
    assert difference.mean() < 5


def test_the_readme_begins_with_a_picture_and_the_answer():
    picture, title, answer = re.split(r"\n\n", (ROOT / "README.md").read_text())[:3]
    assert re.fullmatch(r"!\[.+\]\((docs/gallery/\w+\.png)\)", picture)
    assert title == "# vaehub"
    assert answer.startswith("**")


class Resources(HTMLParser):
    """What a page loads: scripts, styles and pictures, but no link that a reader follows."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag in ("script", "img", "iframe", "source"):
            self.found.append(values.get("src"))
        if tag == "link" and values.get("rel") in ("stylesheet", "preload", "icon", "preconnect"):
            self.found.append(values.get("href"))


# Forty seconds of one core, which other programs may want as well.
@pytest.mark.timeout(900)
@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_asks_no_other_host(tmp_path):
    for extra in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["docs"]:
        module = {"myst-nb": "myst_nb", "sphinxcontrib-bibtex": "sphinxcontrib.bibtex"}.get(
            re.split("[>=]", extra)[0], re.split("[>=]", extra)[0].replace("-", "_")
        )
        pytest.importorskip(module, reason="the site needs vaehub[docs]", exc_type=ImportError)
    site = tmp_path / "site"
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    done = subprocess.run(
        [*command, "-d", str(tmp_path / "doctrees"), str(DOCS), str(site)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        resources = Resources()
        resources.feed(page.read_text(encoding="utf-8"))
        assert not [each for each in resources.found if each and re.match(r"(\w+:)?//", each)], page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style.name
    _search(site)


def _search(site):
    """Search the built site, opened as a file, in a browser where there is one."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        return
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService
    from selenium.webdriver.support.wait import WebDriverWait

    options = ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"):
        options.add_argument(argument)
    with Chrome(options=options, service=ChromeService(driver)) as browser:
        browser.get(f"{(site / 'search.html').as_uri()}?q=posterior+collapse")
        # Results come one by one.
        WebDriverWait(browser, 60).until(
            lambda page: page.execute_script(
                "return [...document.querySelectorAll('#search-results li a')]"
                ".some(a => a.href.includes('questions.html'))"
            )
        )
