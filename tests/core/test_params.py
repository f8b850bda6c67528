"""Parameters: checked once, at the border, and documented."""

from pathlib import Path
from typing import Annotated, Literal

import pytest

from vaehub import Field, Incidental, Params, VaehubError
from vaehub.core.params import document, parse


class Sample(Params):
    width: int = Field(4, gt=0, description="pixels")
    rate: float = Field(0.5, ge=0, le=1, description="share kept")
    mode: Literal["fast", "exact"] = "fast"
    sizes: tuple[int, ...] = (1, 2)
    root: Annotated[Path | None, Incidental()] = None


def test_text_becomes_what_the_type_asks_for():
    found = parse(Sample, {"width": "12", "rate": "0.25", "mode": "exact"}, owner="x")
    assert (found.width, found.rate, found.mode) == (12, 0.25, "exact")


def test_all_problems_are_told_in_one_sentence():
    with pytest.raises(VaehubError) as caught:
        parse(Sample, {"widht": 3, "rate": 2, "mode": "slow", "sizes": [1, "x"]}, owner="dataset 'sample'")
    message = str(caught.value)
    assert message.startswith("dataset 'sample' was given parameters that do not fit: ")
    assert "'widht' is not one of its parameters, did you mean 'width'" in message
    assert "'rate' is 2 and should be less than or equal to 1" in message
    assert "'mode' is 'slow' and should be 'fast' or 'exact'" in message
    assert "'sizes.1' is 'x'" in message
    assert "\n" not in message


def test_a_name_like_no_other_is_answered_with_all():
    with pytest.raises(VaehubError, match="it has width, rate, mode, sizes, root"):
        parse(Sample, {"qqq": 1}, owner="x")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_parameter_is_nan_or_infinite(value):
    with pytest.raises(VaehubError, match="finite"):
        parse(Sample, {"rate": value}, owner="x")


def test_parameters_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Sample().width = 5


def test_where_something_is_stays_out_of_the_identity():
    here, there = Sample(root=Path("a")), Sample(root=Path("b"))
    assert here.identity() == there.identity() == {"width": 4, "rate": 0.5, "mode": "fast", "sizes": [1, 2]}


def test_documentation_has_type_default_limits_and_description():
    width, rate, mode, sizes, root = document(Sample)
    assert (width.type, width.default, width.limits, width.description) == ("int", 4, "> 0", "pixels")
    assert rate.limits == ">= 0, <= 1"
    assert mode.type == "fast | exact"
    assert (sizes.type, sizes.default) == ("list of int", [1, 2])
    assert (root.type, root.default) == ("path | none", None)
