"""What campaigns count, and what they ask of a command and of a store."""

import fcntl
import hashlib
import os
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np

from vaehub.store.store import Store

EXIT_CODES = (0, 1, 2, 130)


@dataclass
class Findings:
    """How often what happened, and what should not have."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def expect(self, holds: bool, fault: str) -> None:
        if not holds:
            self.faults.append(fault)
            sys.stderr.write(f"fault: {fault}\n")  # at once, since a campaign is long

    def expect_answer(self, done: CompletedProcess[str], what: str) -> None:
        """Expect an exit code that there is, no traceback, and of what is refused one sentence."""
        code, said = done.returncode, done.stderr
        self.expect(code in EXIT_CODES, f"{what}: exit code {code}: {said[-2000:]}")
        self.expect("Traceback" not in said, f"{what}: {said[-2000:]}")
        errors = [line for line in said.splitlines() if line.lower().startswith("error: ")]
        # A group of commands that is asked for nothing shows its help.
        is_answered = len(errors) == 1 or "\nCommands:\n" in said
        self.expect(code != 2 or is_answered, f"{what}: exit code 2, and not one sentence: {said}")

    def expect_whole(self, path: Path, what: str) -> None:
        for problem in Store.open(path).verify().problems:
            self.expect(False, f"{what}: {problem}")

    def expect_kept(self, before: Mapping[str, str], after: Mapping[str, str], what: str) -> None:
        """Expect that all that was recorded is there, as it was."""
        lost = [each for each, digest in before.items() if after.get(each) != digest]
        self.expect(not lost, f"{what}: {len(lost)} of {len(before)} records are lost or altered: {lost[:3]}")


def recorded(path: Path) -> dict[str, str]:
    """Return a digest of the values, or of the losses and the weights, of each finished record of a store."""
    store = Store.open(path)
    if not store.exists:
        return {}
    # A table that has no order is read in one: what is measured is the same bits, wherever its rows lie.
    values = store.query(
        "select v.* from measured_values v join measurements m on v.measurement = m.id where m.status = 'done' "
        "order by all"
    )
    digests: dict[str, hashlib._Hash] = {}
    for row in values.to_pylist():
        digest = digests.setdefault(row["measurement"], hashlib.sha256())
        digest.update(repr([value.hex() if isinstance(value, float) else value for value in row.values()]).encode())
    for row in store.query("select id from trainings where status = 'done'").to_pylist():
        digest = digests.setdefault(row["id"], hashlib.sha256())
        digest.update(repr(store.epochs(row["id"])).encode())
        for name, array in sorted(store.weights(row["id"]).items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return {name: digest.hexdigest() for name, digest in digests.items()}


def locked(path: Path) -> list[str]:
    """Return the locks and tickets of a store that a process holds."""
    held = []
    for each in (*path.glob("*.lock"), *path.glob("locks/*.lock"), *path.glob("turns/*.ticket")):
        file = os.open(each, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.append(str(each.relative_to(path)))
        finally:
            os.close(file)
    return held


def descendants(pid: int) -> set[tuple[int, str]]:
    """Return the processes that a process has started, and those that these have, each with its moment of birth."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            parents[int(entry.name), fields[19]] = int(fields[1])
    found: set[tuple[int, str]] = set()
    wanted = {pid}
    while new := {each for each, parent in parents.items() if parent in wanted} - found:
        found |= new
        wanted = {each for each, _ in new}
    return found


def is_alive(process: tuple[int, str]) -> bool:
    fields = _stat(process[0])
    return bool(fields) and fields[19] == process[1] and fields[0] != "Z"


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
