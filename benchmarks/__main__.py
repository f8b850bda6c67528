"""Run all or the named comparisons, and print one table: ``python -m benchmarks [NAME ...]``."""

import argparse
import os
import sys
from contextlib import nullcontext
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.against import checked_out
from benchmarks.measure import Options, Row

NAMES = (
    "main_job",
    "busy",
    "answers",
    "startup",
    "relevance",
    "training",
    "seeds",
    "ard",
    "store",
    "turns",
    "executors",
    "million",
    "merge",
    "data",
    "diversity",
    "intrinsic_dimension",
    "similarity",
    "generation",
    "clusters",
    "disentanglement",
    "latent_response",
)
BUSY = 0.5
"""Load of other processes above which results reflect them more than us."""


def main() -> None:
    """Print each row as soon as it is measured, and all rows at the end."""
    names, options, against = _asked()
    if (load := os.getloadavg()[0]) > BUSY:
        sys.stderr.write(f"warning: the machine is busy (load {load:.1f}), so that even ratios are unreliable\n")
    rows = []
    with checked_out(against) if against is not None else nullcontext(options.before) as before:
        for name in names:
            for row in import_module(f"benchmarks.{name}").rows(replace(options, before=before)):
                sys.stderr.write(f"{row}\n")
                rows.append(row)
    _print(rows)


def _asked() -> tuple[list[str], Options, str | None]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare vaehub with its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to compare: {', '.join(NAMES)}; else all")
    parser.add_argument(
        "--environments", type=Path, default=Options.environments, help="folder of the peers' environments"
    )
    parser.add_argument("--full", action="store_true", help="run the slow side of comparisons on all of the work")
    parser.add_argument(
        "--before",
        type=Path,
        help="checkout of an earlier build, which 'answers' stands beside; VAEHUB_BEFORE if not given",
    )
    parser.add_argument(
        "--device", help="measure what this device computes, such as cuda:0, beside peers and the CPU, and nothing else"
    )
    parser.add_argument(
        "--against", metavar="REVISION", help="compare this checkout with an earlier revision, and nothing else"
    )
    given = parser.parse_args()
    if given.against is not None:
        if given.names or given.device or given.before:
            parser.error("--against measures its own jobs, and takes no names, device or checkout")
        return ["against"], Options(given.environments, given.full), given.against
    if given.device is not None:
        return *_on_device(parser, given), None
    if unknown := [name for name in given.names if name not in NAMES]:
        parser.error(f"unknown comparison {unknown[0]!r}; there are {', '.join(NAMES)}")
    return given.names or list(NAMES), Options(given.environments, given.full, given.before or _before()), None


def _on_device(parser: argparse.ArgumentParser, given: argparse.Namespace) -> tuple[list[str], Options]:
    from vaehub import VaehubError
    from vaehub.training.devices import find_devices

    if given.names:
        parser.error("--device measures what depends on it, and takes no names")
    try:
        [device] = find_devices(given.device)
    except (VaehubError, ValueError) as error:
        sys.stderr.write(f"{error}\n" if isinstance(error, VaehubError) else "one device is measured at a time\n")
        sys.exit(2)
    return ["device"], Options(given.environments, given.full, None, str(device))


def _before() -> Path | None:
    path = os.environ.get("VAEHUB_BEFORE")
    return Path(path) if path else None


def _print(rows: list[Row]) -> None:
    table = Table("what", "ours", "theirs", "unit", "ratio", "target")
    for row in rows:
        theirs = "" if row.theirs is None else f"{row.theirs:,.4g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.1f}"
        table.add_row(row.what, f"{row.ours:,.4g}", theirs, row.unit, ratio, row.target)
    Console(width=140).print(table)


main()
