"""Pictures small enough for a page: SVG without what nobody sees, or pixels where there is too much of it."""

from __future__ import annotations

import io
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from vaehub.analysis import plot_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
RESOLUTIONS = (110, 80, 60, 45)
"""Dots per inch of pictures in pixels, tried in turn."""
FONTS = "DejaVu Sans,Verdana,sans-serif"
"""The second is as wide as the first, which labels were laid out for."""
POINTS = {"C": 6, "Q": 4}
"""Numbers that follow the commands of curves."""

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
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    from vaehub.report.one_pass import lay_out_in_one_pass

    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    lay_out_in_one_pass(figure)
    stream = io.BytesIO()
    with plot_style(), rc_context({"svg.fonttype": "none", "svg.hashsalt": "vaehub", "path.simplify_threshold": 0.5}):
        # What ``savefig`` writes, which draws all twice where there is a layout to find.
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(stream, metadata={"Date": None, "Creator": None})
    uri = _svg_uri(compact(stream.getvalue()))
    if len(uri) > most:
        figure.set_layout_engine("none")
        uri = _pixels(figure, most)
    return Picture(uri, width, height)


def compact(svg: bytes) -> str:
    """Return SVG without what nobody sees, and with coordinates to a hundredth of a point."""
    root = ElementTree.fromstring(svg)  # noqa: S314 matplotlib wrote it
    for metadata in root.findall(f"{{{SVG}}}metadata"):
        root.remove(metadata)
    root.set("font-family", FONTS)
    wanted = set(re.findall(rb"(?:url\(|href=\")#([^)\"]+)", svg))
    for element in root.iter():
        if "id" in element.attrib and element.attrib["id"].encode() not in wanted:
            del element.attrib["id"]
        for name, value in element.attrib.items():
            if name == "d":
                element.attrib[name] = _short_path(value)
            elif name in ("x", "y", "width", "height", "points", "transform") and element is not root:
                element.attrib[name] = _rounded(value, 5 if "matrix" in value else 2)
            elif name == "style":
                element.attrib[name] = _short_style(value)
            elif name.endswith("href") and value.startswith("data:"):
                element.attrib[name] = value.replace("\n", "")
        # Space around elements; but a text is as it is.
        element.tail = None
        if element.tag != f"{{{SVG}}}text" and element.tag != f"{{{SVG}}}tspan":
            element.text = None
    _unwrap(root)
    _leave_styles_to_shapes(root)
    # Apostrophes are as good as quotes, and need no code in an address.
    text = ElementTree.tostring(root, encoding="unicode")
    text = text.replace(" />", "/>")
    return re.sub(r"<[^>]*>", lambda tag: tag[0] if "'" in tag[0] else tag[0].replace('"', "'"), text)


def _unwrap(parent: ElementTree.Element) -> None:
    """Put what is in groups that say nothing in their place, and leave out what is empty."""
    kept: list[ElementTree.Element] = []
    for child in parent:
        _unwrap(child)
        kind = child.tag.rpartition("}")[2]
        if kind == "g" and not child.attrib:
            kept += child
        elif len(child) or kind not in ("g", "defs", "style") or child.text:
            kept.append(child)
    parent[:] = kept


def _leave_styles_to_shapes(root: ElementTree.Element) -> None:
    """Take from each use of a shape what the shape says itself."""
    own = {f"#{each.attrib['id']}": each.get("style", "").split(";") for each in root.iter() if "id" in each.attrib}
    for element in root.iter(f"{{{SVG}}}use"):
        style, shape = element.attrib.pop("style", ""), own.get(element.get(f"{{{XLINK}}}href", ""), [])
        if left := ";".join(each for each in style.split(";") if each not in shape):
            element.set("style", left)


def _rounded(value: str, digits: int) -> str:
    short = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):z.{digits}f}".rstrip("0").rstrip("."), value)
    return " ".join(short.split())


def _short_path(value: str) -> str:
    """Return a path whose level and upright lines name one coordinate."""
    words = _rounded(value, 2).split(" ")
    found, x, y = "", "", ""
    while words:
        command = words.pop(0)
        if command in ("M", "L"):
            to_x, to_y = words.pop(0), words.pop(0)
            if command == "L" and to_y == y:
                found += f"H{to_x}"
            elif command == "L" and to_x == x:
                found += f"V{to_y}"
            else:
                found += f"{command}{to_x} {to_y}"
            x, y = to_x, to_y
        elif command in ("z", "Z"):
            found, x, y = found + command, "", ""
        elif command in ("C", "Q"):
            points, words = words[: POINTS[command]], words[POINTS[command] :]
            found += command + " ".join(points)
            x, y = points[-2:]
        else:
            return " ".join([found, command, *words])
    return found


def _short_style(value: str) -> str:
    """Return a style without the font that the whole picture has."""
    short = re.sub(r"font: ([^;']*?px) '?DejaVu Sans'?,[^;]*", r"font:\1 inherit", value)
    short = re.sub(r"font-family: ?'DejaVu Sans',[^;]*;?", "", short)
    return re.sub(r"\s*([:;])\s*", r"\1", short).strip(";")


def _svg_uri(text: str) -> str:
    """Return an address in which no letter means anything to HTML or to addresses."""
    for letter, code in (("%", "%25"), ("&", "%26"), ("#", "%23"), ("<", "%3C"), (">", "%3E"), ('"', "%22")):
        text = text.replace(letter, code)
    return "data:image/svg+xml," + text.replace("\n", " ")


def _pixels(figure: Figure, most: int) -> str:
    from PIL import Image

    stream, best = io.BytesIO(), b""
    with plot_style():
        figure.savefig(stream, format="png", dpi=RESOLUTIONS[0])
    with Image.open(stream) as drawn:
        image = drawn.convert("RGB")
    for resolution in RESOLUTIONS:
        small, scale = io.BytesIO(), resolution / RESOLUTIONS[0]
        size = round(scale * image.width), round(scale * image.height)
        image.resize(size, Image.Resampling.LANCZOS).save(small, "webp", quality=75, method=4)
        best = small.getvalue()
        if len(best) * 4 / 3 <= most:
            break
    return f"data:image/webp;base64,{b64encode(best).decode()}"
