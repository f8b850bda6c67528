"""A page says what is stored, needs nothing else, and runs nothing that is stored."""

import re
import shlex
import shutil
from html.parser import HTMLParser
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from tests.report.conftest import MARKUP
from vaehub import Hub, Result, VaehubError
from vaehub.cli.options import parse_settings
from vaehub.report import content, write_report
from vaehub.report.records import Records
from vaehub.store.records import MeasurementRecord, StoredMeasurement, TrainingRecord, now

COMPONENTS = ("model", "network", "dataset")


class Page(HTMLParser):
    """Elements with their attributes, and the text of all cells by section and row."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.rows, self.section, self.cell, self.words = [], {}, None, False, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.elements.append((tag, attrs))
        if tag == "section":
            self.section = attrs["id"]
        if tag == "tr":
            self.rows.setdefault(self.section, []).append([])
        if tag in ("td", "th"):
            self.cell = True
            self.rows[self.section][-1].append("")

    def handle_endtag(self, tag):
        self.cell = self.cell and tag not in ("td", "th")

    def handle_data(self, data):
        self.words.append(data)
        if self.cell:
            self.rows[self.section][-1][-1] += data


@pytest.fixture(scope="module")
def study(made):
    return Page(made.page.read_text())


@pytest.fixture(scope="module")
def whole(made):
    return Page(made.whole.read_text())


def test_values_are_the_mean_the_deviation_and_the_number_over_seeds(made, study):
    query = "select latent_dim, avg(value), stddev_samp(value), count(*) from results where name = 'elbo' group by all"
    rows = {row[2]: row for row in study.rows["values"] if row[4] == "elbo"}
    stored = list(made.hub.sql(query))
    assert len(stored) == len(rows) == 2
    for latents, mean, sd, n in stored:
        row = rows[f"latent_dim {latents}"]
        assert [float(row[5]), float(row[6]), int(row[7])] == pytest.approx([mean, sd, n], rel=1e-2)


def test_published_values_are_marked_as_inside_or_outside(study):
    marks = [row[-1] for row in study.rows["published"] if row[-1].startswith(("✓", "✗"))]
    assert marks == ["✗ not met", "✓ met"]
    assert {"✓ 1 met", "✗ 1 not met"} <= set(study.words)


def test_the_top_says_model_data_latents_in_use_and_whether_published_values_are_met(made):
    top = re.sub(r"<[^>]+>", " ", re.search(r'<dl class="facts">(.*?)</dl>', made.page.read_text(), re.DOTALL)[1])
    said = " ".join(top.split())
    counts = list(made.hub.sql("select latent_dim, avg(value) from results where name = 'n_active' group by all"))
    least, greatest = (
        f"{each:.3g}" for each in (min(counts, key=lambda row: row[1])[1], max(row[1] for row in counts))
    )
    count = least if least == greatest else f"{least} to {greatest}"
    assert "Model vae " in said
    assert "Data digits 1,797 real handwritten digits" in said
    assert f"Latents in use {count} of 2 or 3 active by relevance" in said
    assert "Sultanji 2025 ✓ 1 met ✗ 1 not met" in said


def figures(page):
    """Return the attributes of each figure with those of its image."""
    found = [attrs for tag, attrs in page.elements if tag == "figure"]
    return list(zip(found, [attrs for tag, attrs in page.elements if tag == "img"], strict=True))


def test_every_measurement_with_a_plot_has_a_picture_with_its_values_in_words(made, study):
    own = [(figure, image) for figure, image in figures(study) if figure.get("id", "").startswith("p")]
    assert len(own) == 4
    for figure, image in own:
        assert figure["data-metric"] == "relevance"
        assert "n_active" in image["alt"]
        assert svg_of(image).tag == "{http://www.w3.org/2000/svg}svg"


def test_measurements_whose_metric_draws_none_share_a_picture_that_they_lead_to(made, study):
    [(_, image)] = [each for each in figures(study) if each[0].get("id") == "m-elbo"]
    texts = [each.text for each in svg_of(image).iter("{http://www.w3.org/2000/svg}text")]
    assert {"elbo", "distortion", "kl", "latent_dim 2", "latent_dim 3", "nats"} <= set(texts)
    assert "elbo: 4 records; thick: mean over seeds" in texts
    links = [attrs["href"] for tag, attrs in study.elements if tag == "a" and attrs.get("href") == "#m-elbo"]
    assert len(links) == 4


def test_every_table_of_a_study_has_a_picture(made, study):
    tables = [image for figure, image in figures(study) if figure.get("class") == "of-table"]
    titles = [" ".join(filter(None, (each.text for each in svg_of(image).iter()))) for image in tables]
    assert len(titles) == 2
    for title, name, mark in zip(titles, ("far", "near"), ("red: not met", "blue: met"), strict=True):
        assert f"{name}; ◇ and band: table 3.2 of intervention and its spread" in title
        assert mark in title


def svg_of(image):
    kind, _, svg = image["src"].partition(",")
    assert kind == "data:image/svg+xml"
    return ElementTree.fromstring(unquote(svg))


def test_a_training_has_its_loss_curves(study):
    words = [attrs["aria-label"] for tag, attrs in study.elements if tag == "svg"]
    assert len(words) == 4
    assert all("total of train from" in each for each in words)


def test_a_failure_is_shown_with_its_reason(made, whole):
    assert made.found.n_failed == 1
    assert any(MARKUP in word for word in whole.words)
    assert any(row[-1] == f"failed: {MARKUP}" for row in whole.rows["measurements"])


def test_what_is_stored_is_never_an_element_of_the_page_and_nothing_is_fetched(whole):
    scripts = [attrs for tag, attrs in whole.elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "facts"}, {}]
    addresses = [attrs[name] for _, attrs in whole.elements for name in ("src", "href") if name in attrs]
    assert all(each.startswith(("data:", "#")) for each in addresses)
    policy = next(attrs["content"] for tag, attrs in whole.elements if "http-equiv" in attrs)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")


def test_the_commands_make_the_same_trainings(made, study):
    lines = [line for word in study.words for line in word.splitlines() if line.startswith("vaehub run")]
    found = set()
    for line in lines:
        words = shlex.split(line)[2:]
        options = list(zip(words[::2], words[1::2], strict=True))
        settings = parse_settings([value for name, value in options if name == "--set"])
        kept = {name: value for name, value in settings.items() if not name.startswith("metric.")}
        seeds = [int(value) for name, value in options if name == "--seed"]
        model = dict(options)["--model"]
        found |= {made.hub.recipe(model, seed=seed, settings=kept).id for seed in seeds}
        assert [value for name, value in options if name == "--metric"] == ["elbo", "relevance"]
        assert settings["metric.elbo.split"] == "train"
    assert found == {each.id for each in made.hub.recent()[0]}


def test_some_records_are_named_by_id_or_found_by_a_query(made, tmp_path):
    training = made.hub.recent()[0][0].id
    by_id = write_report(made.hub, [training[:8]], path=tmp_path / "id.html")
    query = f"select distinct measurement from results where training = '{training}'"
    by_query = write_report(made.hub, path=tmp_path / "query.html", query=query)
    assert (by_id.n_trainings, by_query.n_trainings, by_query.n_measurements) == (1, 1, 2)


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["nothing"], {}, "has an id that begins with 'nothing'"),
        (["./absent.toml"], {}, "cannot be read"),
        (["ard"], {}, "has no results at scale"),
        ([], {"query": "select 1 as one"}, "needs 'measurement' or 'training'"),
        ([], {"query": "select training from results where false"}, "finds nothing"),
        (["4b"], {"query": "from results"}, "takes names or a query, not both"),
        ([], {"scale": "quick"}, "was given without a study"),
    ],
)
def test_a_report_of_nothing_is_refused_in_a_sentence(made, tmp_path, names, options, message):
    with pytest.raises(VaehubError, match=message):
        write_report(made.hub, names, path=tmp_path / "page.html", **options)
    assert not any(tmp_path.glob("*.html"))


def test_an_empty_store_and_a_folder_that_is_not_there_are_refused(made, tmp_path):
    with pytest.raises(VaehubError, match="there is no store"):
        write_report(Hub.open(tmp_path / "none"), path=tmp_path / "page.html")
    with pytest.raises(VaehubError, match="the report cannot be written to .*there is no folder"):
        write_report(made.hub, path=tmp_path / "absent" / "page.html")
    with pytest.raises(VaehubError, match="it is a folder"):
        write_report(made.hub, path=tmp_path)


def test_a_damaged_store_is_refused_and_the_old_page_stays(made, tmp_path):
    shutil.copytree(made.folder / "store", tmp_path / "store")
    (tmp_path / "store" / "results.duckdb").write_bytes(b"damaged" * 4096)
    page = tmp_path / "page.html"
    page.write_text("old")
    with pytest.raises(VaehubError, match="store"):
        write_report(Hub.open(tmp_path / "store"), path=page)
    assert page.read_text() == "old"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([{}, {}], [("2.0", 2)]),
        ([{}, {"params": {"threshold": 0.5}}], [("1", 1), ("3", 1)]),
        ([{}, {"metric": 2}], [("1", 1), ("3", 1)]),
        ([{}, {"model": 2}], [("1", 1), ("3", 1)]),
    ],
)
def test_only_seeds_are_averaged(parts, expected):
    """Neither parameters of the metric, nor revisions of metric and model, make another seed."""
    trainings, measurements = {}, {}
    for seed, (value, part) in enumerate(zip((1.0, 3.0), parts, strict=True)):
        recipe = {name: {"name": name, "distribution": "vaehub", "revision": 1, "params": {}} for name in COMPONENTS}
        recipe["model"]["revision"] = part.get("model", 1)
        recipe |= {"train": {"revision": 1, "params": {"epochs": 1}}, "seed": seed}
        request = {"metric": {"name": "m", "distribution": "vaehub", "revision": part.get("metric", 1)}}
        request["metric"]["params"] = part.get("params", {})
        name = f"t{seed}"
        trainings[name] = TrainingRecord(name, recipe, 2, "done", None, (), now(), 1.0, "cpu")
        record = MeasurementRecord(
            f"m{seed}",
            "m",
            request["metric"]["params"],
            0,
            {"training": name},
            request,
            name,
            None,
            "done",
            None,
            now(),
            1.0,
        )
        measurements[record.id] = StoredMeasurement(record, trainings[name], Result({"n_active": value}), None)
    records = Records(measurements, trainings, {}, ())
    found = [(each.mean, each.n) for each in content.values(records, content.items(records, {}))]
    assert [(float(mean), n) for mean, n in found] == [(float(mean), n) for mean, n in expected]
    counts = [count.mean for setting in content.settings(records) for count in setting.counts]
    assert sorted(counts) == sorted(float(mean) for mean, _ in expected)
