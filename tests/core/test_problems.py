"""What is wrong with values that a user gives, said once and in words."""

import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, ValidationError

from vaehub import Field, Params, VaehubError
from vaehub.core.params import parse
from vaehub.core.problems import problems_of
from vaehub.registry.catalog import Catalog

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


def even(value: int) -> int:
    if value % 2:
        raise ValueError("an even number is needed")
    return value


class Inner(Params):
    title: str = ""
    n: Count | Literal["all"] = 3


class Choice(Params):
    n: Count | Literal["all", "some"] = 3
    share: Share | bool = 0.5
    latents: Literal["all"] | Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = "all"
    sizes: tuple[Count | Literal["full"], ...] = ()
    maybe: Count | Literal["all"] | None = None
    pairs: tuple[int, ...] | Annotated[list[str], Field(max_length=2)] = ()
    place: Path | tuple[float, Literal["deg", "rad"]] = Path()
    word: Annotated[str, Field(min_length=2, max_length=4)] | int = "ab"
    half: Annotated[int, AfterValidator(even)] | Literal["none"] = 2
    inner: Inner = Inner()
    several: list[Inner] = Field([])
    named: dict[str, Count | Literal["all"]] = Field({})


def problems(**values: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Choice.model_validate(values)
    return problems_of(caught.value, Choice)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"n": 0}, "'n' is 0 and should be a whole number above 0, 'all' or 'some'"),
        ({"n": "any"}, "'n' is 'any' and should be a whole number above 0, 'all' or 'some'"),
        ({"share": 7}, "'share' is 7 and should be a number of at least 0 and below 1, true or false"),
        ({"latents": []}, "'latents' is [] and should be 'all' or a list of 1 or more whole numbers of at least 0"),
        ({"latents": [0, -1, "x"]}, "'latents' is [0, -1, 'x'] and should be 'all' or a list of 1 or more whole"),
        ({"sizes": [4, 0]}, "'sizes.1' is 0 and should be a whole number above 0 or 'full'"),
        ({"maybe": -3}, "'maybe' is -3 and should be a whole number above 0 or 'all'"),
        ({"pairs": 3}, "'pairs' is 3 and should be a list of whole numbers or a list of at most 2 texts"),
        ({"pairs": [1, "a", "b"]}, "'pairs' is [1, 'a', 'b'] and should be a list of whole numbers or a list of"),
        ({"pairs": [1, "a"]}, "'pairs' should be a list of whole numbers or a list of at most 2 texts"),
        (
            {"place": (1, "grad")},
            "'place' is (1, 'grad') and should be a path or a list of a number and 'deg' or",
        ),
        ({"word": "abcde"}, "'word' is 'abcde' and should be a text of 2 to 4 characters or a whole number"),
        ({"half": 3}, "'half' is 3 and should be a whole number or 'none'; an even number is needed"),
        ({"inner": {"n": 0}}, "'inner.n' is 0 and should be a whole number above 0 or 'all'"),
        ({"several": [{}, {"n": 0}]}, "'several.1.n' is 0 and should be a whole number above 0 or 'all'"),
        ({"named": {"a": 0}}, "'named.a' is 0 and should be a whole number above 0 or 'all'"),
    ],
)
def test_a_value_that_may_be_of_several_types_is_one_problem(values, says):
    [found] = problems(**values)
    assert found.startswith(says)


def test_problems_of_one_value_are_told_in_order_and_those_of_others_too():
    assert problems(share="much", n=None, m=2, sizes=[0, "x"]) == [
        "'n' is None and should be a whole number above 0, 'all' or 'some'",
        "'share' is 'much' and should be a number of at least 0 and below 1, true or false",
        "'sizes.0' is 0 and should be a whole number above 0 or 'full'",
        "'sizes.1' is 'x' and should be a whole number above 0 or 'full'",
        "'m' is not one of its parameters, it has " + ", ".join(Choice.model_fields),
    ]


def test_an_unknown_name_is_compared_with_those_of_its_own_holder():
    assert problems(several=[{"titel": "x"}]) == [
        "'several.0.titel' is not one of its parameters, did you mean 'title'?"
    ]


def test_arrays_can_be_wrong_values_too():
    [found] = problems(n=np.zeros(2))
    assert found == "'n' is array([0., 0.]) and should be a whole number above 0, 'all' or 'some'"


def test_a_limit_of_all_types_together_is_told_in_its_own_words():
    class Limited(Params):
        n: int | float = Field(1, gt=0)

    with pytest.raises(ValidationError) as caught:
        Limited(n=-1)
    assert problems_of(caught.value, Limited) == ["'n' is -1 and should be greater than 0"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"root": 3}, "'root' is 3 and should be a path"),
        ({"sides": 3}, "'sides' is 3 and should be a list"),
        ({"sides": []}, "'sides' is [] and should have at least 1 item after validation, not 0"),
    ],
)
def test_what_is_wrong_is_said_without_words_of_python(values, says):
    class Plain(Params):
        root: Path | None = None
        sides: tuple[int, ...] = Field((1,), min_length=1)

    with pytest.raises(VaehubError, match=re.escape(f"x was given parameters that do not fit: {says}") + "$"):
        parse(Plain, values, owner="x")


def unions() -> list[Any]:
    """Return every parameter of the built-in catalog that may be of several types, and what each is called."""
    found = []
    for each in Catalog().entries():
        if each.distribution != "vaehub" or not each.entry.has_params:
            continue
        params = each.load_params()
        for name, field in params.model_fields.items():
            types = [some for some in get_args(field.annotation) if some is not type(None)]
            if get_origin(field.annotation) in (Union, UnionType) and len(types) > 1:
                words = [word for some in types for word in called(some)]
                found.append(pytest.param(params, name, words, id=f"{each.title} {name}"))
    return found


def called(kind: Any) -> list[str]:
    inner = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(inner) is Literal:
        return [repr(each) for each in get_args(inner)]
    return [{int: "a whole number", float: "a number", tuple: "a list of"}[get_origin(inner) or inner]]


def refusal(params: type[Params], values: dict[str, Any]) -> str | None:
    try:
        parse(params, values, owner="x")
    except VaehubError as error:
        return str(error)
    return None


ANYTHING = st.one_of(
    st.integers(-3, 3), st.floats(-2, 2), st.text(max_size=5), st.none(), st.lists(st.integers(-2, 2) | st.text())
)


@pytest.mark.parametrize(("params", "name", "words"), unions())
@given(value=ANYTHING)
@example(value={"no": "type"})
@settings(max_examples=30, deadline=None)
def test_every_such_parameter_of_the_catalog_names_itself_the_value_and_all_it_may_be(params, name, words, value):
    said = refusal(params, {name: value})
    if said is None:
        return
    begins = f"x was given parameters that do not fit: {name!r} is {value!r} and should be "
    assert said.startswith(begins)
    may_be = said.removeprefix(begins)
    assert all(word in may_be for word in words)
    # Nothing follows: no second problem, and no names of types as pydantic has them.
    assert not re.search(r"; |should be|constrained|\[", may_be)


def test_the_catalog_has_such_parameters():
    assert len(unions()) > 10
