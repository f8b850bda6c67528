"""Parameters: checked once, at the border, and documented."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import model_validator

from vaehub import AddedLater, Field, Incidental, Params, VaehubError
from vaehub.core.params import parse


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


def test_a_parameter_added_later_is_of_the_identity_only_where_it_is_set():
    class Older(Params):
        width: int = 4

    class Newer(Older):
        scale: Annotated[Literal["standard"] | None, AddedLater()] = Field(None, description="scaling")

    assert Newer().identity() == Newer(scale=None).identity() == Older().identity()
    assert Newer(scale="standard").identity() == {"width": 4, "scale": "standard"}
    assert Newer(width=5).identity() == Older(width=5).identity()


def test_where_something_is_stays_out_of_the_identity():
    here, there = Sample(root=Path("a")), Sample(root=Path("b"))
    assert here.identity() == there.identity() == {"width": 4, "rate": 0.5, "mode": "fast", "sizes": [1, 2]}


@given(
    st.integers(min_value=1, max_value=10**12),
    st.floats(0, 1, allow_subnormal=False),
    st.lists(st.integers(-9, 9), max_size=3),
)
def test_what_is_said_as_text_is_the_same_parameters(width, rate, sizes):
    spoken = parse(Sample, {"width": str(width), "rate": repr(rate), "sizes": [str(size) for size in sizes]}, owner="x")
    assert spoken == Sample(width=width, rate=rate, sizes=tuple(sizes))


@given(st.integers(max_value=0))
def test_whatever_lies_beyond_a_limit_is_refused(width):
    with pytest.raises(VaehubError, match=f"'width' is {width} and should be greater than 0"):
        parse(Sample, {"width": width}, owner="x")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_text_cannot_smuggle_in_what_is_no_number(text):
    with pytest.raises(VaehubError, match=f"'rate' is '{text}' and should be a finite number"):
        parse(Sample, {"rate": text}, owner="x")


def test_text_that_is_no_number_is_refused():
    with pytest.raises(VaehubError, match="'width' is 'wide' and should be a valid integer"):
        parse(Sample, {"width": "wide"}, owner="x")


def test_a_broken_number_of_pixels_is_not_rounded():
    with pytest.raises(VaehubError, match=r"'width' is 2\.5 and should be a valid integer"):
        parse(Sample, {"width": 2.5}, owner="x")


def test_what_has_no_parameters_says_so():
    with pytest.raises(VaehubError, match="'width' is not one of its parameters, it has none$"):
        parse(Params, {"width": 1}, owner="x")


class Ordered(Params):
    low: int = 0
    high: int = 1

    @model_validator(mode="after")
    def _in_order(self):
        if self.low > self.high:
            raise ValueError("'low' lies above 'high'")
        return self


def test_a_rule_between_parameters_is_told_in_its_own_words():
    with pytest.raises(VaehubError, match="^x was given parameters that do not fit: 'low' lies above 'high'$"):
        parse(Ordered, {"low": 2}, owner="x")


class Careless(Params):
    width: int = Field(-1, gt=0)


def test_a_default_out_of_range_is_found_too():
    with pytest.raises(VaehubError, match="'width' is -1 and should be greater than 0"):
        parse(Careless, {}, owner="x")


def test_whole_numbers_for_a_real_parameter_change_no_identity():
    assert repr(parse(Sample, {"rate": 1}, owner="x").identity()) == repr(Sample(rate=1.0).identity())
