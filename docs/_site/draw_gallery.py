"""Draw the pictures of the gallery by the commands that stand beside them.

``python docs/_site/draw_gallery.py [NAME...]`` draws all, or those named, such as ``relevance``; what a store that
``VAEHUB_STORE`` names has already is not made again. The ids on the page are those that ``vaehub run`` prints: where a
revision changes one, the command says that there is no such id, and the page is to be corrected.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent.parent
WIDTH = 900  # pixels, twice what a phone shows
COLOURS = 64
FRONT = ("traversal", "relevance")
VAEHUB = [sys.executable, "-c", "from vaehub.cli.main import main; main()"]


def commands_by_picture() -> dict[str, list[str]]:
    """Return the commands of each picture of the page, in their order."""
    sections = re.findall(r"\(gallery/(\w+)\.png\).*?^```sh\n(.*?)^```", (DOCS / "gallery.md").read_text(), re.S | re.M)
    return {name: block.splitlines() for name, block in sections}


def draw(name: str, commands: list[str], folder: Path) -> Image.Image:
    """Carry the commands out in a folder, and return the picture that the last one wrote."""
    environment = {"VAEHUB_STORE": str(folder / "vaehub-store"), "VAEHUB_DEVICE": "cpu"} | os.environ
    for command in commands:
        subprocess.run([*VAEHUB, *shlex.split(command)[1:]], cwd=folder, env=environment, check=True, stdout=sys.stderr)  # noqa: S603
    return Image.open(folder / f"{name}.png").convert("RGB")


def save(picture: Image.Image, name: str, into: Path) -> None:
    """Write a picture as small as it can be without a loss that shows."""
    height = round(picture.height * WIDTH / picture.width)
    smaller = picture.resize((WIDTH, height), Image.Resampling.LANCZOS) if picture.width > WIDTH else picture
    smaller.quantize(COLOURS, dither=Image.Dither.NONE).save(into / f"{name}.png", optimize=True)


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures in a row, of the height of the lowest."""
    height = min(each.height for each in pictures)
    scaled = [
        each.resize((round(each.width * height / each.height), height), Image.Resampling.LANCZOS) for each in pictures
    ]
    row = Image.new("RGB", (sum(each.width for each in scaled), height), "white")
    at = 0
    for each in scaled:
        row.paste(each, (at, 0))
        at += each.width
    return row


def main(names: list[str], into: Path) -> None:
    """Draw pictures into a folder, the front page's among them if its parts are."""
    chosen = {name: commands for name, commands in commands_by_picture().items() if not names or name in names}
    into.mkdir(exist_ok=True)
    drawn = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, commands in chosen.items():
            drawn[name] = draw(name, commands, Path(folder))
            save(drawn[name], name, into)
    if set(FRONT) <= set(drawn):
        save(side_by_side([drawn[name] for name in FRONT]), "front", into)


if __name__ == "__main__":
    main(sys.argv[1:], DOCS / "gallery")
