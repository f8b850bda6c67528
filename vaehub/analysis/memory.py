"""What several metrics ask of one model, computed once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from torch import Tensor

from vaehub.analysis.model_state import digest_of, state_of
from vaehub.core.model import LatentModel

MOST = 16
"""Answers kept of each model, the last used: metrics of one training agree on more than one only where they differ."""
LARGEST = 2**20
"""Bytes of an answer above which it is computed again rather than kept."""

T = TypeVar("T")

_answers: WeakKeyDictionary[LatentModel, OrderedDict[Hashable, Any]] = WeakKeyDictionary()


def remembered(model: LatentModel, what: str, given: tuple[Tensor | str, ...], compute: Callable[[], T]) -> T:
    """Return what a computation gives for a model, from memory if it was made for the same model and arguments.

    Metrics of one training are given the same model one after the other, so that what one has computed is there for the
    next. A model is the same as long as its weights, buffers, modes and hooks are, and its way to decode; answers go
    with it when nobody holds it any more.

    Args:
        model: Whose answer it is.
        what: Name of the computation, with every parameter that decides it.
        given: Its arguments; tensors count by their values.
        compute: Makes the answer, tensors or numbers or a tuple of these, which callers do not change.
    """
    decode = getattr(model.decode, "__func__", model.decode)
    arguments = digest_of((each for each in given if isinstance(each, Tensor)), repr([*map(_text, given)]))
    key = (what, arguments, state_of(model), decode)
    kept = _answers.setdefault(model, OrderedDict())
    if key in kept:
        kept.move_to_end(key)
        found: T = kept[key]
        return found
    made = compute()
    if _n_bytes(made) <= LARGEST:
        kept[key] = made
        while len(kept) > MOST:
            kept.popitem(last=False)
    return made


def forget() -> None:
    """Forget all answers, of every model."""
    _answers.clear()


def _text(given: Tensor | str) -> str:
    return "" if isinstance(given, Tensor) else given


def _n_bytes(answer: object) -> int:
    if isinstance(answer, tuple):
        return sum(map(_n_bytes, answer))
    return answer.nbytes if isinstance(answer, Tensor) else 0
