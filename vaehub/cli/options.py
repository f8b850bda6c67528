"""Options that several commands share, each with one spelling."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from vaehub.cli import completion
from vaehub.core.errors import VaehubError


def _track(trackers: list[str] | None) -> list[str] | None:
    if trackers:
        from vaehub.registry.trackers import ask

        ask(trackers)
    return trackers


StoreOption = Annotated[
    Path | None,
    typer.Option("--store", envvar="VAEHUB_STORE", help="Directory of the store.", show_default="./vaehub-store"),
]
DeviceOption = Annotated[
    str, typer.Option("--device", envvar="VAEHUB_DEVICE", help="auto, cpu, mps, cuda or, by its number, cuda:1.")
]
DevicesOption = Annotated[
    str,
    typer.Option(
        "--device", envvar="VAEHUB_DEVICE", help="auto, cpu, mps, cuda:1, or several: cuda:0,1, a worker each."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
BudgetOption = Annotated[
    str | None,
    typer.Option("--budget", metavar="TIME", help="Stop after this time, such as 90s, 5m or 1.5h; run again to go on."),
]
TrackerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tracker",
        metavar="NAME:PLACE",
        help="Send losses, values and plots there too, as tensorboard:runs; repeatable. Or VAEHUB_TRACKERS.",
        callback=_track,
    ),
]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Id, or the beginning of one.", autocompletion=completion.ids)
]
IdsArgument = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Ids, or their beginnings.", autocompletion=completion.ids)
]
TrainingArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="Id of a training, or the beginning of one.", autocompletion=completion.training_ids
    ),
]
ModelOption = Annotated[
    str, typer.Option("--model", "-m", help="Model to train.", autocompletion=completion.names_of("model"))
]
DatasetOption = Annotated[
    str,
    typer.Option(
        "--dataset",
        "-d",
        help="Data to train on, or a path to yours.",
        autocompletion=completion.names_of("dataset"),
    ),
]
NetworkOption = Annotated[
    str, typer.Option("--network", "-n", help="Encoder and decoder.", autocompletion=completion.names_of("network"))
]
AtEpochsOption = Annotated[
    str,
    typer.Option("--at-epochs", metavar="N,N…", help="Store, and measure, the model after these epochs too: 1,2,5."),
]
AtStepsOption = Annotated[
    str,
    typer.Option(
        "--at-steps",
        metavar="N,N…",
        help="The same after these steps of 'train.steps': 100,500 or FIRST:LAST:BY.",
    ),
]
SeedsOption = Annotated[list[int] | None, typer.Option("--seed", min=0, help="Seed; repeatable.", show_default="0")]
MOST_NUMBERS = 1_000_000
"""Most numbers of a range."""
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        help="Worker processes, among which the cores are divided.",
        show_default="one for each core",
    ),
]
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def parse_settings(assignments: list[str]) -> dict[str, object]:
    """Return ``scope.name=value`` assignments as settings; values are TOML, and anything else is text.

    Raises:
        VaehubError: If one is no assignment.
    """
    found: dict[str, object] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise VaehubError(f"{assignment!r} is no setting; write scope.name=value, such as model.beta=4")
        found[key.strip()] = _value(text.strip())
    return found


def parse_numbers(text: str, option: str) -> list[int]:
    """Return whole numbers that are separated by commas, and those of ranges ``FIRST:LAST:BY``, the last included.

    Raises:
        VaehubError: If anything else is among them, a range has no numbers, or there are more than a million.
    """
    try:
        return _all_numbers(text)
    except ValueError as error:
        raise VaehubError(
            f"{option} is {text!r} and should be whole numbers, such as 1,2,5, or a range of "
            "them, such as 1000:300000:1000, and at most a million in all"
        ) from error


def _all_numbers(text: str) -> list[int]:
    ranges = [_numbers(each) for each in text.split(",")] if text.strip() else []
    if sum(map(len, ranges)) > MOST_NUMBERS:
        raise ValueError(text)
    return [number for each in ranges for number in each]


def _numbers(text: str) -> Sequence[int]:
    if ":" not in text:
        return [int(text)]
    first, last, by = (int(each) for each in text.split(":"))
    # Python cannot say how long a range beyond 64 bits is.
    if by < 1 or not 0 <= (last - first) // by < MOST_NUMBERS:
        raise ValueError(text)
    return range(first, last + 1, by)


class TimeLeft:
    """Time that a command may take, from the moment at which this is made.

    Args:
        budget: As the user wrote it; any time, if ``None``.

    Raises:
        VaehubError: If it is no time.
    """

    def __init__(self, budget: str | None) -> None:
        self._until = None if budget is None else time.monotonic() + parse_duration(budget)

    @property
    def seconds(self) -> float | None:
        """What is left now; ``None`` for any time."""
        return None if self._until is None else max(0.0, self._until - time.monotonic())


def parse_duration(text: str) -> float:
    """Return seconds of a duration such as ``90s``, ``5m`` or ``1.5h``.

    Raises:
        VaehubError: If it is none.
    """
    number, unit = (text[:-1], text[-1]) if text[-1:] in _SECONDS else (text, "s")
    try:
        seconds = float(number) * _SECONDS[unit]
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise VaehubError(f"--budget is {text!r} and should be a time, such as 90s, 5m or 1.5h")
    return seconds


def _value(text: str) -> object:
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
