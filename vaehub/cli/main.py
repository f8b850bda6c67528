"""Where the process begins and ends: errors become one sentence and an exit code."""

import logging
import sys

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: done; the work failed; the request was wrong; Ctrl-C."""


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
        sys.stderr.write(f"error: {error}\n")
        sys.exit(FAILED if isinstance(error, WorkFailed) else WRONG)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            sys.stderr.write("interrupted; what is recorded stays, and the same command goes on from there\n")
        raise
    except ReaderLeft:
        sys.exit(DONE)
