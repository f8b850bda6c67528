"""Stores whose database or arrays are damaged at random: every command answers, and the rest can be rescued."""

import random
import shutil
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired

from processes import command

from .findings import Findings, recorded

RUN = (
    "run",
    "--model",
    "ard",
    "--metric",
    "relevance",
    "--metric",
    "representation_signature",
    "--seed",
    "0",
    "--seed",
    "1",
)
SMALL = ("--set", "train.epochs=2", "--set", "model.latent_dim=3")
LOOKS = (
    ("sql", "select count(*), avg(value) from results"),
    ("sql", "from signatures", "--json"),
    ("show",),
    ("show", "--json"),
    ("study", "list"),
    (*RUN, *SMALL),
    (*RUN, *SMALL, "--seed", "2"),
)
"""What is asked of a damaged store, beside ``verify`` and ``store rescue``."""
TIMEOUT = 600.0
"""Seconds after which a command hangs."""


def campaign(n: int, seed: int, folder: Path, found: Findings | None = None) -> Findings:
    """Ask so many commands of damaged stores, five of each; goes on where earlier findings end."""
    found = Findings() if found is None else found
    store = folder / "whole"
    command(*RUN, *SMALL, "--store", str(store)).check_returncode()
    whole = recorded(store)
    while found.counts["commands"] < n:
        at = found.counts["damaged stores"]
        dice, damaged = random.Random(f"damage {seed} {at}"), folder / f"damaged {at}"
        shutil.copytree(store, damaged)
        what = _damage(damaged, dice)
        _ask(damaged, what, whole, (found, dice))
        found.counts["damaged stores"] += 1
        shutil.rmtree(damaged)
        found.round_ends()
    return found


def _damage(store: Path, dice: random.Random) -> str:
    """Alter a file of a store, and say how."""
    arrays = sorted((store / "arrays").iterdir())
    path = store / "results.duckdb" if dice.random() < 0.6 else dice.choice(arrays)
    content = bytearray(path.read_bytes())
    # A fifth of the places are in the first part: it is small, and all else depends on it.
    at = dice.randrange(min(len(content), 20_000) if dice.random() < 0.2 else len(content))
    kind = dice.choice(("flipped", "zeroed", "cut short", "missing"))
    match kind:
        case "flipped":
            for _ in range(dice.choice((1, 10, 100))):
                content[(at + dice.randrange(4096)) % len(content)] ^= 1 << dice.randrange(8)
        case "zeroed":
            end = min(len(content), at + dice.choice((1, 512, 4096, 65536)))
            content[at:end] = bytes(end - at)
        case "cut short":
            del content[at:]
        case "missing":
            path.unlink()
            return f"{path.name} missing"
    path.write_bytes(content)
    return f"{path.name} {kind} at {at}"


def _ask(damaged: Path, what: str, whole: dict[str, str], tools: tuple[Findings, random.Random]) -> None:
    found, dice = tools
    place, rescued = ("--store", str(damaged)), damaged.with_name("rescued")
    verified = _answer(("verify", *place), what, found)
    rescue = _answer(("store", "rescue", str(damaged), str(rescued)), what, found)
    if verified.returncode == 0:
        found.counts["the damage touches nothing recorded"] += 1
        found.expect(recorded(damaged) == whole, f"{what}: verify finds nothing, and records are altered or lost")
        found.expect(rescue.returncode == 0, f"{what}: verify finds nothing, and a rescue loses: {rescue.stdout}")
    elif rescued.exists():
        found.counts["rescued in part"] += 1
        kept = recorded(rescued)
        found.expect(kept.items() <= whole.items(), f"{what}: what is rescued is not what was recorded")
        found.expect(
            command("verify", "--store", str(rescued)).returncode == 0, f"{what}: what is rescued is not whole"
        )
    else:
        found.counts["nothing can be read"] += 1
    for asked in dice.sample(LOOKS, 3):
        _answer((*asked, *place), what, found)
    if rescued.exists():
        shutil.rmtree(rescued)


def _answer(asked: tuple[str, ...], what: str, found: Findings) -> CompletedProcess[str]:
    try:
        done = command(*asked, timeout=TIMEOUT)
    except TimeoutExpired as late:
        done = CompletedProcess(asked, 124, "", f"it took longer than {late.timeout:.0f} s")  # the code of timeout(1)
    found.counts["commands"] += 1
    found.counts[f"exit code {done.returncode}"] += 1
    found.expect_answer(done, f"{what}: {' '.join(asked[:2])}")
    return done
