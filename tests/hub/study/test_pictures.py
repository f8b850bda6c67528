"""Pictures of a study's analyses, in a folder."""

import os

import pytest
from PIL import Image
from studies import curve, small_study

from vaehub import Hub, VaehubError
from vaehub.analysis import plot_style
from vaehub.hub.study.pictures import file_names

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.slow
REPORT = """
[[reports]]
name = "bound"
sql = "select latent_dim, name, value from results where name = 'elbo'"
"""
STUDY = (
    small_study()
    + REPORT
    + curve("bound by latents")
    + curve("bound / latents", y="bars")
    + curve("never found", where=" and (keys ->> 'part') = 'none'")
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A hub, and the file of a study that was made, of which one analysis failed."""
    folder = tmp_path_factory.mktemp("pictures")
    path = folder / "small.toml"
    path.write_text(STUDY)
    hub = Hub.open(folder / "store", device="cpu")
    state = hub.study(path).run(jobs=1)
    assert (state.done, state.failed) == (6, 1)
    return hub, path


@pytest.mark.parametrize(("form", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_each_analysis_is_drawn_into_a_file_of_its_name(made, tmp_path, form, begin):
    hub, path = made
    first, second, failed = hub.study(path).pictures(tmp_path / "new" / "folder", format=form)
    assert first.file == tmp_path / "new" / "folder" / f"bound-by-latents.{form}"
    assert second.file == tmp_path / "new" / "folder" / f"bound-latents.{form}"
    assert sorted(first.file.parent.iterdir()) == [first.file, second.file]
    assert first.file.read_bytes().startswith(begin)
    assert failed.file is None
    assert "'never found': measurement" in failed.reason
    assert "failed (metric 'curves' is of rows, and the query has none" in failed.reason


def test_a_picture_is_as_the_hub_draws_it(made, tmp_path):
    hub, path = made
    [first, *_] = hub.study(path).pictures(tmp_path)
    [(measurement,)] = hub.sql("select measurement from cells where (settings ->> 'analysis') = 'bound by latents'")
    with plot_style():
        hub.figure(measurement).savefig(tmp_path / "direct.png", dpi=150)
    with Image.open(first.file) as ours, Image.open(tmp_path / "direct.png") as direct:
        assert ours.tobytes() == direct.tobytes()


def test_an_analysis_that_was_not_made_says_how_to(made, tmp_path):
    hub, path = made
    later = path.with_name("later") / "small.toml"
    later.parent.mkdir(exist_ok=True)
    later.write_text(STUDY + curve("new"))
    reason = hub.study(later).pictures(tmp_path)[-1].reason
    assert reason == f"analysis 'new' is not made yet; 'vaehub study run {later} --scale whole' makes it"


def test_a_picture_that_cannot_be_finished_leaves_the_old_one(made, tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    hub, path = made
    [first, *_] = hub.study(path).pictures(tmp_path)
    before = first.file.read_bytes()

    def full(self, place, **_):
        place.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(VaehubError, match="the picture cannot be written to .*bound-by-latents.png.*No space left"):
        hub.study(path).pictures(tmp_path)
    assert first.file.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_takes_no_pictures_is_refused_before_any_is_drawn(made, tmp_path, monkeypatch):
    hub, path = made
    monkeypatch.setattr("vaehub.hub.study.study.write_pictures", lambda *_, **__: pytest.fail("it was drawn"))
    (tmp_path / "file").write_text("")
    with pytest.raises(VaehubError, match="cannot be written to folder .*file': it is a file; name another"):
        hub.study(path).pictures(tmp_path / "file")
    with pytest.raises(VaehubError, match="cannot be written to folder .*file/below': Not a directory"):
        hub.study(path).pictures(tmp_path / "file" / "below")
    with pytest.raises(VaehubError, match="pictures are written as png, svg, pdf, and 'gif' was asked for"):
        hub.study(path).pictures(tmp_path, format="gif")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_is_write_protected_is_refused(made, tmp_path):
    hub, path = made
    tmp_path.chmod(0o500)
    with pytest.raises(VaehubError, match="Permission denied"):
        hub.study(path).pictures(tmp_path)


def test_names_of_files_are_plain_and_differ():
    names = ["rate & distortion", "Rate, distortion", "μ of z", "../..", "8.5", "rate-distortion-2"]
    assert file_names(names) == [
        *("rate-distortion", "Rate-distortion-2", "μ-of-z", "picture", "8.5", "rate-distortion-2-2"),
    ]
