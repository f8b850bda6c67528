"""Exception hierarchy, by who can fix the problem."""

import re
from functools import partial

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type if there is no message, for use in a sentence."""
    text = _COLOURS.sub("", str(error)).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__


def described(value: object) -> str:
    """Return what a value is, for use in a sentence: its type, and shape and number type where it has them."""
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    name = kind.__name__ if package in ("builtins", "numpy", "torch") else f"{package}.{kind.__name__}"
    name = {"ndarray": "array", "Tensor": "tensor"}.get(name, name)
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    text = f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
    if isinstance(shape, tuple):
        text += f" of shape {tuple(shape)}"
    return text if dtype is None else f"{text} and type {str(dtype).removeprefix('torch.')}"


class VaehubError(Exception):
    """The request cannot be carried out as it stands, and the user can fix it.

    The message is one sentence: what was asked, what is wrong, what would work. The command line exits with 2.
    """

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook prints in the place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class UnknownName(VaehubError):  # noqa: N818 it is the name that is wrong
    """No installed plugin contributes anything under this name."""


class DataError(VaehubError):
    """A dataset is not available, or its files are not the expected ones."""


class StoreError(VaehubError):
    """A store cannot be opened, read or written."""


class ContractBroken(VaehubError):  # noqa: N818 it is the plugin's contract
    """A plugin gave something else than its contract says, which is a fault of the plugin and no refusal."""


class WorkFailed(VaehubError):  # noqa: N818 the word is the exit code's meaning
    """The request was valid, and the work failed after it began. The command line exits with 1."""


class NotRecorded(WorkFailed, StoreError):  # noqa: N818 as above
    """Work was done, and the store could not take its result."""


class TrainingDiverged(WorkFailed):
    """A loss became NaN or infinite."""

    def __init__(self, message: str, *, epoch: int) -> None:
        super().__init__(message)
        self.epoch = epoch

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickling, because workers send errors to other processes."""
        return partial(TrainingDiverged, epoch=self.epoch), (str(self),)
