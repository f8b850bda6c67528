"""Run all comparisons, or those named, and print one table: ``python -m benchmarks [NAME ...]``."""

import sys
from importlib import import_module

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Row

NAMES = ("main_job", "startup", "relevance", "training", "store")


def main() -> None:
    """Print a row as soon as it is known."""
    names = sys.argv[1:] or list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        sys.exit(f"unknown comparison {unknown[0]!r}; there are {', '.join(NAMES)}")
    rows = []
    for name in names:
        for row in import_module(f"benchmarks.{name}").rows():
            sys.stderr.write(f"{row}\n")
            rows.append(row)
    _print(rows)


def _print(rows: list[Row]) -> None:
    table = Table("what", "ours", "theirs", "unit", "ratio", "target")
    for row in rows:
        theirs = "" if row.theirs is None else f"{row.theirs:,.4g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.1f}"
        table.add_row(row.what, f"{row.ours:,.4g}", theirs, row.unit, ratio, row.target)
    Console(width=140).print(table)


main()
