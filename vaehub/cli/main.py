"""Where the process begins and ends: errors become one sentence and an exit code."""

import logging
import re
import sys
from collections.abc import Sequence

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: done; the work failed; the request was wrong; Ctrl-C."""


LETTERS = 80
"""Letters that a message quotes of what was typed."""


def shortened(message: str, typed: Sequence[str]) -> str:
    """Return a message with at most 80 letters of each thing that was typed, and of each long word in it."""
    for argument in typed:
        for each in (argument, repr(argument)[1:-1]):
            if len(each) > LETTERS:
                message = message.replace(each, f"{each[:LETTERS]}…")

    def short(word: re.Match[str]) -> str:
        start = word[0][:LETTERS]
        return f"{start}…" if any(start in argument for argument in typed) else word[0]

    # Of a query or a setting, only a part may be quoted.
    return re.sub(rf"[^\s'\"]{{{LETTERS + 1},}}", short, message)


def main() -> None:
    """Run the command line and exit."""
    from vaehub.cli.app import app
    from vaehub.cli.standard_output import ReaderLeft, finish
    from vaehub.core.errors import VaehubError, WorkFailed

    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.addLevelName(logging.WARNING, "warning")
    try:
        try:
            app()
        finally:
            finish()
    except VaehubError as error:
        if "--debug" in sys.argv:
            raise
        sys.stderr.write(f"error: {shortened(str(error), sys.argv[1:])}\n")
        sys.exit(FAILED if isinstance(error, WorkFailed) else WRONG)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            sys.stderr.write("interrupted; what is recorded stays, and the same command goes on from there\n")
        raise
    except ReaderLeft:
        sys.exit(DONE)
