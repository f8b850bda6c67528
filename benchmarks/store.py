"""Recording measurements, one commit each, against runs and metrics in MLflow's SQLite store; and a million values.

Each side keeps its database open and commits every record before the next; start-up is not timed. In MLflow a finished
run with parameters and metrics takes three calls, the minimum for the same content. The peer is ``mlflow-skinny``,
MLflow's own distribution of the same client and store without servers and plots.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.measure import HERE, Options, Row, environment, in_turn, measured

REPEATS = 3


def rows(options: Options) -> Iterator[Row]:
    """Measure both sides."""
    peer = environment(options.environments, "mlflow", "mlflow-skinny==3.17.2", "sqlalchemy", "alembic")
    ours, theirs = in_turn(
        REPEATS,
        lambda: measured(sys.executable, HERE / "peers" / "vaehub_store.py"),
        lambda: measured(peer, HERE / "peers" / "mlflow_store.py"),
    )
    ratio = theirs["records"] / ours["records"]
    yield Row("1,000 records of 20 values", ours["records"], theirs["records"], "s", ratio, "at least 5 times")
    yield Row("a million values at once", ours["million"], None, "s", None, "under 1 s")
