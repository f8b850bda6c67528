"""Parameters as documentation shows them."""

from pathlib import Path
from typing import Annotated, Literal

import pytest

from vaehub import Field, Incidental, ModelParams, Params, TrainParams
from vaehub.registry.documentation import document


class Sample(Params):
    width: int = Field(4, gt=0, description="pixels")
    rate: float = Field(0.5, ge=0, le=1, description="share kept")
    mode: Literal["fast", "exact"] = "fast"
    sizes: tuple[int, ...] = (1, 2)
    root: Annotated[Path | None, Incidental()] = None


def test_documentation_says_what_must_be_given():
    class Own(Params):
        path: Path
        size: int = 3

    assert [(each.name, each.required) for each in document(Own)] == [("path", True), ("size", False)]


def test_documentation_has_type_default_limits_and_description():
    width, rate, mode, sizes, root = document(Sample)
    assert (width.type, width.default, width.limits, width.description) == ("int", 4, "> 0", "pixels")
    assert rate.limits == ">= 0, <= 1"
    assert mode.type == "fast | exact"
    assert (sizes.type, sizes.default) == ("list of int", [1, 2])
    assert (root.type, root.default) == ("path | none", None)


def test_documentation_has_the_limits_of_what_may_be_none():
    patience = next(info for info in document(TrainParams) if info.name == "lr_patience")
    assert (patience.type, patience.default, patience.limits) == ("int | none", None, ">= 0")


@pytest.mark.parametrize("params", [TrainParams, ModelParams])
def test_every_parameter_of_the_core_is_described(params):
    assert all(info.description for info in document(params))


class Sized(Params):
    kernel: tuple[int, int] = Field((3, 3), description="height and width")
    widths: tuple[int, ...] | None = Field(None, min_length=1, max_length=4, description="of each layer")
    side: int = Field(8, multiple_of=4, description="in pixels")


def test_documentation_tells_pairs_from_lists_and_gives_lengths():
    found = {info.name: (info.type, info.limits) for info in document(Sized)}
    assert found == {
        "kernel": ("(int, int)", ""),
        "widths": ("list of int | none", "length >= 1, length <= 4"),
        "side": ("int", "multiple of 4"),
    }


def test_documentation_names_the_type_of_bounded_items():
    class Sizes(Params):
        widths: tuple[Annotated[int, Field(gt=0)], ...] = (1,)

    assert document(Sizes)[0].type == "list of int"
