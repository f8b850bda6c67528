"""Standard output holds the answer alone: what plugins and libraries print goes to standard error."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO

from typer.core import TyperCommand

from vaehub.cli.unset_options import leave_unset
from vaehub.core.errors import VaehubError, WorkFailed

_STDOUT, _STDERR = 1, 2
_answer: TextIO | None = None


class Command(TyperCommand):
    """A command whose body has standard output to itself. Help is printed before, and needs none of this."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options."""
        leave_unset(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Carry the command out."""
        reserve()
        return super().invoke(ctx)


class ReaderLeft(Exception):  # noqa: N818 no error
    """Whoever reads our output has read enough, as in ``vaehub sql … | head``.

    It is no ``BrokenPipeError``, since libraries make failures of those.
    """


class _Output(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError as error:
            raise ReaderLeft from error
        except OSError as error:
            raise WorkFailed(f"standard output cannot be written: {error.strerror}") from error


def reserve() -> None:
    """Keep standard output for :func:`answer` until the process ends.

    The descriptor itself is redirected, so that this holds for code in C, and for processes that are started. It stays
    so, since buffers of C are written when the process ends.

    Raises:
        VaehubError: If standard output is closed.
    """
    global _answer
    if _answer is not None:
        return
    if sys.stdout is None:
        raise VaehubError("standard output is closed, so there is nowhere to write the answer; redirect it to a file")
    sys.stdout.flush()
    stream = io.BufferedWriter(_Output(os.dup(_STDOUT), "w"))
    _answer = io.TextIOWrapper(stream, encoding=sys.stdout.encoding, errors=sys.stdout.errors)
    # Without a standard error, nobody wants to see what is printed beside the answer.
    os.dup2(_STDERR if sys.stderr is not None else os.open(os.devnull, os.O_WRONLY), _STDOUT)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


def answer() -> TextIO:
    """Return the stream of the answer."""
    return sys.stdout if _answer is None else _answer


def finish() -> None:
    """Write what is left of the answer.

    Raises:
        ReaderLeft: If nobody reads it any more.
        WorkFailed: If it cannot be written for another reason.
    """
    if _answer is not None:
        _answer.flush()
