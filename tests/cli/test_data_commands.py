"""``vaehub data``: what there is, where it is, what it looks like."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photographs(tmp_path):
    for label, brightness in (("dark", 10), ("light", 240)):
        (tmp_path / "photographs" / label).mkdir(parents=True)
        for at in range(4):
            Image.new("RGB", (30 + at, 20), (brightness, at, 0)).save(tmp_path / "photographs" / label / f"{at}.png")
    return tmp_path / "photographs"


def answer(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_dataset_says_what_it_is_and_whether_it_is_here(vaehub, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    listed = {each["name"]: each for each in answer(vaehub("data", "list", "--json"))}
    wanted = {"mnist", "fashion_mnist", "kmnist", "qmnist", "emnist", "omniglot", "cifar10", "celeba", "imagenet32"}
    wanted |= {"dsprites", "dsprites_colour", "dsprites_noisy", "dsprites_scream", "shapes3d", "cars3d", "smallnorb"}
    wanted |= {"mpi3d", "symsol", "symsol_reduced", "helix", "sprites", "sprites_colour", "scenes", "digits", "counts"}
    assert wanted <= set(listed)
    for name in wanted:
        assert listed[name]["licence"], name
        assert listed[name]["contents"], name
        assert listed[name]["state"] in ("to fetch", "to get by hand", "needs no files", "here"), name
    assert listed["mnist"]["state"] == "to fetch"
    assert listed["celeba"]["state"] == "to get by hand"
    assert "mnist" in vaehub("data", "list").stdout


def test_a_folder_of_files_is_looked_at_first(vaehub, tmp_path, monkeypatch):
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    listed = answer(vaehub("data", "list", "--root", str(tmp_path), "--json"))
    [mnist] = [each for each in listed if each["name"] == "mnist"]
    assert mnist["state"] == "1 of 4 files here"
    assert str(tmp_path) in mnist["files"][3]["path"]


def test_info_of_real_files_gives_the_published_figures(vaehub, real_data):
    found = answer(vaehub("data", "info", "mnist", "-s", f"root={real_data}", "--json"))
    assert found["state"] == "here"
    assert found["files"][0]["checksum"] == "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873"
    assert found["figures"]["n"] == 70_000
    assert found["figures"]["splits"] == {"train": 60_000, "test": 10_000}
    assert found["figures"]["mean"] == [pytest.approx(0.13066, abs=1e-5)]
    assert found["figures"]["deviation"] == [pytest.approx(0.30811, abs=1e-5)]


def test_info_of_what_is_not_here_downloads_nothing(vaehub, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    done = vaehub("data", "info", "dsprites")
    assert done.returncode == 0
    assert "md5:7da33b31b13a06f4b04a70402ce90c2e" in done.stdout
    assert "https://raw.githubusercontent.com/google-deepmind/dsprites-dataset/master/" in done.stdout
    assert "orientation 40" in done.stdout
    assert "observations" not in done.stdout
    assert not (tmp_path / "cache").exists()


def test_a_sheet_of_factors_is_saved(vaehub, tmp_path):
    done = vaehub("data", "info", "sprites", "--sheet", "sheet.png")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("L"))
    # Five factors, ten images each, two pixels between them.
    assert pixels.shape == (5 * 66 + 2, 10 * 66 + 2)
    cells = pixels[2:, 2:].reshape(5, 66, 10, 66).transpose(0, 2, 1, 3)[..., :64, :64]
    # Shapes have three values, scales six: the rest of their rows is paper.
    assert (np.isin(cells[0, :3], (0, 255))).all()
    assert len(np.unique(cells[0, 3:])) == 1
    areas = (cells[1, :6] == 255).sum(axis=(1, 2))
    assert (np.diff(areas) > 0).all()


def test_info_of_ones_own_folder(vaehub, photographs):
    found = answer(vaehub("data", "info", str(photographs), "-s", "size=16", "--sheet", "own.png", "--json"))
    assert found["name"] == "images"
    assert found["figures"]["shape"] == [3, 16, 16]
    assert found["figures"]["labels"] == [4, 4]
    assert found["sheet"] == "own.png"


def test_a_path_is_trained_on_and_found_again(vaehub, photographs):
    command = ["run", "-m", "vae", "-k", "elbo", "-d", str(photographs), "-s", "data.size=8", "-s", "train.epochs=1"]
    first = answer(vaehub(*command, "--json"))[0]
    again = answer(vaehub(*command, "--json"))[0]
    assert again["measurement"] == first["measurement"]
    assert again["reused"]
    photographs.rename(photographs.with_name("elsewhere"))
    command[command.index(str(photographs))] = "./elsewhere"
    assert answer(vaehub(*command, "--json"))[0]["measurement"] == first["measurement"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-d", "./nowhere"], "there is nothing at './nowhere'; name a folder or file of data"),
        (["-d", "photographs"], "to read what is here under that name, write './photographs'"),
        (["-d", "./photographs"], "holds images of 4 sizes"),
        (["-d", "./photographs/dark/0.png"], "no installed plugin reads 'photographs/dark/0.png'"),
        (["-d", "images"], "dataset 'images' was given parameters that do not fit: 'path' is missing"),
        (["-d", "./photographs", "-s", "data.size=8", "-s", "data.per_class=5"], "class 'dark' has 4 observations"),
        (["-d", "sprites", "-s", "data.split=[0.9, 0.2, 0.1]"], "three shares, the first above 0, in sum at most 1"),
    ],
)
def test_a_wrong_request_for_data_is_refused_before_any_work(vaehub, photographs, tmp_path, arguments, words):
    done = vaehub("run", "-m", "vae", "-k", "elbo", *arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "vaehub-store").exists()


def test_a_sheet_of_vectors_is_refused(vaehub):
    done = vaehub("data", "info", "helix", "--sheet", "helix.png")
    assert done.returncode == 2
    assert "a sheet shows images of 1 or 3 channels" in done.stderr


def test_what_cannot_be_fetched_says_how_to_get_it(vaehub, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    done = vaehub("data", "fetch", "celeba")
    assert done.returncode == 2
    assert "img_align_celeba.zip is in none of" in done.stderr
    assert "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html" in done.stderr


def test_fetching_what_is_here_says_where(vaehub, real_data):
    done = vaehub("data", "fetch", "mnist", "-s", f"root={real_data}")
    assert done.returncode == 0, done.stderr
    assert str(real_data / "mnist" / "train-images-idx3-ubyte.gz") in done.stdout


def test_classes_of_own_data_have_names_and_what_was_found_is_told(vaehub, tmp_path):
    rows = "".join(f"{at}.5,{['ant', 'bee', ''][at % 3]}\n" for at in range(9))
    (tmp_path / "table.csv").write_text(f"x,label\n{rows}")
    refused = vaehub("data", "info", "./table.csv")
    assert refused.returncode == 2
    assert "'label', has 3 missing values" in " ".join(refused.stderr.split())
    figures = answer(vaehub("data", "info", "./table.csv", "--json", "-s", "data.missing=drop"))["figures"]
    assert figures["labels"] == [3, 3]
    assert figures["class_names"] == ["ant", "bee"]
    assert "'label' is taken for labels" in figures["notes"][0]
    assert "3 of 9 rows are left out" in figures["notes"][1]
    shown = vaehub("data", "info", "./table.csv", "-s", "data.missing=drop").stdout
    assert "ant 3, bee 3" in shown
    assert "3 of 9 rows are left out" in shown


def test_info_of_a_folder_says_splits_under_both_names_classes_and_what_was_left_out(vaehub, photographs):
    (photographs / "notes.txt").write_text("no image")
    for at, part in enumerate(("train", "test")):
        (photographs / part).mkdir()
        (photographs / ("dark", "light")[at]).rename(photographs / part / "both")
    figures = answer(vaehub("data", "info", str(photographs), "-s", "size=8", "--json"))["figures"]
    assert figures["splits"] == figures["parts"] == {"train": 4, "test": 4}
    assert figures["class_names"] == ["both"]
    assert figures["notes"] == ["left out: 1 files that are no images by their ending (1 of .txt)"]
    assert "left out: 1 files" in vaehub("data", "info", str(photographs), "-s", "size=8").stdout
