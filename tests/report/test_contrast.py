"""Colours of a page can be read: WCAG 2.1, success criteria 1.4.3 and 1.4.11, computed of the page's own colours."""

import re
from importlib.resources import files

import pytest

STYLE = files("vaehub.report").joinpath("template", "page.css").read_text()
LIGHT, DARK, PRINT = (
    dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})", each)) for each in re.findall(r":root\{([^}]*)\}", STYLE)
)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_definition():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.478, abs=1e-3)


@pytest.mark.parametrize("colours", [LIGHT, DARK, PRINT], ids=["light", "dark", "print"])
def test_texts_have_a_contrast_of_4_5_and_lines_of_3(colours):
    for ink in ("ink", "dim", "link", "good", "bad"):
        for paper in ("paper", "soft"):
            assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
    # Borders of what is filled in, and curves.
    for line in ("dim", "a", "b"):
        assert contrast(colours[line], colours["paper"]) >= 3, line
