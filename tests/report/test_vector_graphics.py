"""Pictures of a page are bounded and show the same as before."""

import io
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from vaehub.analysis import new_figure
from vaehub.report.vector_graphics import compact, picture_of

rc_context = pytest.importorskip("matplotlib").rc_context


def test_labels_keep_their_markup_as_text():
    figure = new_figure(3, 2)
    figure.subplots().set_title("a < b & \"c\" 'd' 100 % #1")
    kind, _, svg = picture_of(figure, 60_000).uri.partition(",")
    assert kind == "data:image/svg+xml"
    assert not set(svg) & set('<>&"#')
    texts = [each.text for each in ElementTree.fromstring(unquote(svg)).iter("{http://www.w3.org/2000/svg}text")]
    assert "a < b & \"c\" 'd' 100 % #1" in texts


def test_a_figure_with_too_many_points_comes_as_pixels(rng):
    figure = new_figure(6, 4)
    figure.subplots().scatter(*rng.normal(size=(2, 4_000)), c=np.arange(4_000))
    found = picture_of(figure, 60_000)
    assert found.uri.startswith("data:image/webp;base64,")
    assert len(found.uri) < 60_000
    assert (found.width, found.height) == (576, 384)


def test_short_graphics_have_the_same_corners_texts_and_styles_that_differ(rng):
    figure = new_figure(4, 3)
    axes = figure.subplots()
    axes.bar(range(4), rng.uniform(size=4), color="#0072B2")
    axes.plot(rng.uniform(size=30), marker="o")
    axes.set_title("it's < 1")
    stream = io.BytesIO()
    with rc_context({"svg.fonttype": "none"}):
        figure.savefig(stream, format="svg")
    whole = ElementTree.fromstring(stream.getvalue())
    short = ElementTree.fromstring(compact(stream.getvalue()))
    for mine, theirs in zip(_of(short, "path"), _of(whole, "path"), strict=True):
        assert _corners(mine.attrib["d"]) == pytest.approx(_corners(theirs.attrib["d"]), abs=0.006)
        assert _style(mine) == _style(theirs)
    texts = [[each.text for each in _of(root, "text")] for root in (short, whole)]
    assert texts[0] == texts[1]
    assert all("font-family" not in each.attrib["style"] for each in _of(short, "text"))
    assert short.attrib["font-family"].startswith("DejaVu Sans")
    for mine, theirs in zip(_of(short, "use"), _of(whole, "use"), strict=True):
        assert _style(mine).items() <= _style(theirs).items()
    assert len(compact(stream.getvalue())) < len(stream.getvalue()) / 2


def test_one_plot_is_laid_out_in_one_pass_with_all_its_labels_inside(monkeypatch):
    import matplotlib._constrained_layout as general

    monkeypatch.setattr(general, "do_constrained_layout", None)  # which would measure all twice
    figure = new_figure(5, 3)
    axes = figure.subplots()
    axes.plot([0, 1e5], [0, 12345.678])
    axes.set(title="a title", xlabel="across", ylabel="up")
    picture_of(figure, 60_000)
    whole = axes.get_tightbbox()
    width, height = figure.bbox.size
    for margin in (whole.x0, whole.y0, width - whole.x1, height - whole.y1):
        assert 0 <= margin < 0.1 * figure.dpi


def test_what_stands_beside_a_plot_has_the_general_layout():
    figure = new_figure(5, 3)
    figure.suptitle("above")
    axes = figure.subplots()
    axes.set_title("a title")
    picture_of(figure, 60_000)
    [title] = figure.texts
    assert axes.get_tightbbox().y1 <= title.get_window_extent().y0


def _of(root, kind):
    return list(root.iter(f"{{http://www.w3.org/2000/svg}}{kind}"))


def _style(element):
    return dict(part.split(":") for part in element.get("style", "").replace(" ", "").split(";") if part)


def _corners(path):
    """Return the coordinates of a path of lines, with those that level and upright lines leave out."""
    found, x, y = [], 0.0, 0.0
    for command, rest in re.findall(r"([MLHVCz])([^MLHVCz]*)", path):
        numbers = [float(each) for each in rest.split()]
        if command == "H":
            numbers = [numbers[0], y]
        elif command == "V":
            numbers = [x, numbers[0]]
        found += numbers
        if numbers:
            x, y = numbers[-2:]
    return found
