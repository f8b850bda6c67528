"""Pictures small enough for a page: SVG without what nobody sees, or pixels where there is too much of it."""

from __future__ import annotations

import io
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
RESOLUTIONS = (110, 80, 60, 45)
"""Dots per inch of pictures in pixels, tried in turn."""
FONTS = "DejaVu Sans,Verdana,sans-serif"
"""The second is as wide as the first, which labels were laid out for."""

ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)


@dataclass(frozen=True)
class Picture:
    """A picture inside a page.

    Attributes:
        uri: The picture itself, as a ``data:`` address.
        width: In pixels, as it is drawn.
        height: In pixels.
    """

    uri: str
    width: int
    height: int


def picture_of(figure: Figure, most: int) -> Picture:
    """Return a figure for a page.

    Args:
        figure: From matplotlib; its layout is fixed by this.
        most: Bytes that SVG may take; a figure that takes more comes as pixels.
    """
    from matplotlib import rc_context

    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    stream = io.BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "vaehub", "path.simplify_threshold": 0.5}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    uri = _svg_uri(compact(stream.getvalue()))
    if len(uri) > most:
        figure.set_layout_engine("none")
        uri = _pixels(figure, most)
    return Picture(uri, width, height)


def compact(svg: bytes) -> str:
    """Return SVG with coordinates to a hundredth of a point, without metadata, comments and needless names."""
    root = ElementTree.fromstring(svg)  # noqa: S314 matplotlib wrote it
    for metadata in root.findall(f"{{{SVG}}}metadata"):
        root.remove(metadata)
    wanted = set(re.findall(rb"(?:url\(|href=\")#([^)\"]+)", svg))
    for element in root.iter():
        if "id" in element.attrib and element.attrib["id"].encode() not in wanted:
            del element.attrib["id"]
        for name, value in element.attrib.items():
            if name in ("d", "x", "y", "width", "height", "points", "transform") and element is not root:
                element.attrib[name] = _rounded(value, "matrix" in value)
            elif name == "style":
                element.attrib[name] = _short_style(value)
            elif name.endswith("href") and value.startswith("data:"):
                element.attrib[name] = value.replace("\n", "")
        if element.tag != f"{{{SVG}}}text" and element.tag != f"{{{SVG}}}tspan":
            element.text = element.tail = None
    return ElementTree.tostring(root, encoding="unicode")


def _rounded(value: str, is_matrix: bool) -> str:
    digits = 5 if is_matrix else 2
    short = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.{digits}f}".rstrip("0").rstrip("."), value)
    return " ".join(short.split())


def _short_style(value: str) -> str:
    short = re.sub(r"(font: [^;']*?px) [^;]*", rf"\1 {FONTS}", value)
    return short.replace(": ", ":").replace("; ", ";")


def _svg_uri(text: str) -> str:
    """Return an address in which no letter means anything to HTML or to addresses."""
    for letter, code in (("%", "%25"), ("&", "%26"), ("#", "%23"), ("<", "%3C"), (">", "%3E"), ('"', "%22")):
        text = text.replace(letter, code)
    return "data:image/svg+xml," + text.replace("\n", " ")


def _pixels(figure: Figure, most: int) -> str:
    from PIL import Image

    best = b""
    for resolution in RESOLUTIONS:
        stream, small = io.BytesIO(), io.BytesIO()
        figure.savefig(stream, format="png", dpi=resolution)
        with Image.open(stream) as image:
            image.convert("RGB").save(small, "webp", quality=75, method=4)
        best = small.getvalue()
        if len(best) * 4 / 3 <= most:
            break
    return f"data:image/webp;base64,{b64encode(best).decode()}"
