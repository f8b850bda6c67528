"""What campaigns count, and what they ask of a command and of a store."""

import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np

from vaehub.store.store import Store

EXIT_CODES = (0, 1, 2, 130)
SECONDS_BETWEEN_LINES = 30.0


@dataclass
class Findings:
    """How often what happened, and what should not have."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    file: Path | None = None
    """Where figures are kept, so that a campaign that was interrupted goes on where it was."""
    _said: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, file: Path) -> "Findings":
        """Return those of the rounds so far, which are kept in a file."""
        kept = json.loads(file.read_text()) if file.exists() else {"counts": {}, "faults": []}
        return cls(Counter(kept["counts"]), kept["faults"], file)

    def round_ends(self) -> None:
        """Keep what was found, and say now and then how far it is."""
        if self.file is None:
            return
        kept = json.dumps({"counts": self.counts, "faults": self.faults}, indent=1)
        self.file.with_suffix(".new").write_text(kept)
        self.file.with_suffix(".new").rename(self.file)
        if time.monotonic() - self._said >= SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            counts = ", ".join(f"{kind} {count}" for kind, count in sorted(self.counts.items()))
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {counts}; faults {len(self.faults)}\n")

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
