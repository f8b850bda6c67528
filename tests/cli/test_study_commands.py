"""The commands about studies, as a user gives them."""

import json
import subprocess
import sys

import pytest
from studies import curve

STUDY = """
published = "mnist_vae"
[recipe]
model = "vae"
"data.subset" = 100
train.epochs = 1
[axes]
"model.latent_dim" = [2, 16]
[metrics.elbo]
[[reports]]
name = "losses"
table = "comparison"
sql = '''
select latent_dim, case name when 'elbo' then 'total_loss' else name end as name, abs(value) as value
from results where name in ('kl', 'elbo')
'''
"""
COMMAND = [sys.executable, "-c", "from vaehub.cli.main import main; main()", "study"]


def call(*arguments, cwd, code=0):
    done = subprocess.run([*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reader")
    (folder / "mine.toml").write_text(STUDY + curve("bound by latents"))
    assert (
        "mine at scale whole: 3 of 3 measurements done, 0 failed"
        in call("run", "./mine.toml", "-j", "1", cwd=folder).stdout
    )
    return folder


def test_status_counts(folder):
    found = json.loads(call("status", "mine.toml", "--json", cwd=folder).stdout)
    assert found == {
        "study": "mine", "scale": "whole", "n_measurements": 3, "done": 3, "failed": 0, "running": 0, "queued": 0,
        "lost": 0, "left": 0, "failures": [], "remarks": [], "stopped": None,
    }  # fmt: skip


def test_list_shows_what_is_installed_and_what_was_asked_for(folder):
    found = json.loads(call("list", "--json", cwd=folder).stdout)
    assert {"intervention", "mnist_vae"} <= {each["name"] for each in found["installed"]}
    assert [(each["study"], each["n_done"]) for each in found["asked"]] == [("mine", 3)]


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_a_report_is_written_in_every_format(folder, form):
    shown = call("report", "mine.toml", "--format", form, cwd=folder).stdout
    if form == "json":
        [report] = json.loads(shown)
        row = next(row for row in report["rows"] if row["keys"]["latent_dim"] == 16 and row["name"] == "kl")
        assert (row["published"], row["printed"], row["runs"]) == (22.52, "22.52", 1)
        assert row["difference"] == pytest.approx(row["ours"] - 22.52)
        return
    lines = shown.splitlines()
    head = next(line for line in lines if "latent_dim" in line)
    assert all(name in head for name in ("ours", "published", "difference", "inside"))
    assert sum("22.52" in line for line in lines) == 1
    if form == "csv":
        assert len(lines) == 1 + 4
    if form == "markdown":
        assert [line[:5] for line in lines[2:4]] == ["| lat", "| ---"]


def test_a_wrong_study_ends_with_2_and_one_sentence(folder):
    (folder / "wrong.toml").write_text(STUDY.replace('"model.latent_dim"', "colour"))
    done = call("run", "wrong.toml", "--store", "none", cwd=folder, code=2)
    assert done.stderr.startswith("error: study 'wrong' has an unknown axis 'colour'")
    assert done.stderr.count("\n") == 1
    assert not (folder / "none").exists()


def test_an_unknown_study_is_answered_with_the_nearest_name(folder):
    done = call("run", "interventoin", cwd=folder, code=2)
    assert "unknown study 'interventoin'; did you mean 'intervention'?" in done.stderr


def test_a_study_can_be_described(folder):
    done = subprocess.run(
        [*COMMAND[:-1], "describe", "mnist_vae"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert "study mnist_vae" in done.stdout
    [scale] = [line for line in done.stdout.splitlines() if line.startswith("quick ")]
    assert "model.latent_dim 2, 16" in scale
    assert "reconstruction_error" in scale


@pytest.mark.slow
def test_a_report_draws_its_analyses_into_a_folder(folder):
    pytest.importorskip("matplotlib")
    (folder / "later").mkdir()
    later = STUDY + curve("bound by latents") + curve("later", value="2 * value")
    (folder / "later" / "mine.toml").write_text(later)
    done = call("report", "later/mine.toml", "--pictures", "figures", "--picture-format", "svg", cwd=folder)
    assert "22.52" in done.stdout
    first, second, table = done.stderr.splitlines()
    assert (first, table) == ("figures/bound-by-latents.svg", "figures/table-losses.svg")
    assert second == "analysis 'later' is not made yet; 'vaehub study run later/mine.toml --scale whole' makes it"
    assert all("<svg" in (folder / each).read_text() for each in (first, table))
    found = json.loads(call("report", "later/mine.toml", "--pictures", "figures", "--json", cwd=folder).stdout)
    assert [report["name"] for report in found["reports"]] == ["losses"]
    assert [(each["analysis"], each["table"], each["file"]) for each in found["pictures"]] == [
        ("bound by latents", None, "figures/bound-by-latents.png"),
        ("later", None, None),
        (None, "losses", "figures/table-losses.png"),
    ]


def test_what_pictures_cannot_be_is_refused_before_a_folder_is_made(folder):
    done = call("report", "mine.toml", "--picture-format", "svg", cwd=folder, code=2)
    assert done.stderr.endswith("give --pictures FOLDER, too\n")
    done = call("report", "mine.toml", "--pictures", "none", "--scale", "grand", cwd=folder, code=2)
    assert "has no scale 'grand'" in done.stderr
    assert not (folder / "none").exists()


def test_a_study_without_analyses_has_pictures_of_its_tables(folder):
    pytest.importorskip("matplotlib")
    (folder / "plain.toml").write_text(STUDY)
    done = call("report", "plain.toml", "--pictures", "tables", cwd=folder)
    assert done.stderr == "tables/table-losses.png\n"
    assert (folder / "tables" / "table-losses.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_takes_no_pictures_ends_with_2_and_one_sentence(folder):
    done = call("report", "mine.toml", "--pictures", "mine.toml", cwd=folder, code=2)
    assert done.stdout == ""
    assert done.stderr == "error: pictures cannot be written to folder 'mine.toml': it is a file; name another\n"
