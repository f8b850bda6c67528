"""Where the process begins and ends: errors become one sentence and an exit code."""

import logging
import sys

DONE, FAILED, WRONG = 0, 1, 2
"""Exit codes: done; the work failed; the request was wrong."""


def main() -> None:
    """Run the command line and exit."""
    from vaehub.cli.app import app
    from vaehub.core.errors import VaehubError, WorkFailed

    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.addLevelName(logging.WARNING, "warning")
    try:
        app()
    except VaehubError as error:
        if "--debug" in sys.argv:
            raise
        sys.stderr.write(f"error: {error}\n")
        sys.exit(FAILED if isinstance(error, WorkFailed) else WRONG)
    except BrokenPipeError:
        # Whoever read our output has read enough, as in 'vaehub sql … | head'.
        sys.stderr.close()
        sys.exit(DONE)
