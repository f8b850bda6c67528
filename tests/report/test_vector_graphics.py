"""Pictures of a page are bounded and show the same as before."""

from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from vaehub.analysis import new_figure
from vaehub.report.vector_graphics import picture_of

pytest.importorskip("matplotlib")


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
