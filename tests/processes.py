"""Commands in processes of their own, forked from one that has loaded PyTorch: a tenth of the time of a fresh start.

What a start itself loads and takes is the matter of ``tests/cli/test_startup.py``, which starts real ones.
"""

import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from typing import TypeVar

T = TypeVar("T")

PRELOADED = [
    "torch",
    "torch._dynamo",
    "duckdb",
    "h5py",
    "pandas",
    "scipy.special",
    "vaehub.core.metric",
    "vaehub.cli.app",
    "vaehub.hub",
    "vaehub.hub.builder",
    "vaehub.hub.study.study",
    "vaehub.store.store",
    "vaehub.training.fit",
    "rich.table",
    "pyarrow",
]

_context = get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)


class Started:
    """A command of vaehub that runs, in the current folder and environment."""

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments
        self._folder = tempfile.TemporaryDirectory()
        self._out, self._errors = (Path(self._folder.name) / name for name in ("out", "errors"))
        for path in (self._out, self._errors):
            path.touch()
        self._process = _context.Process(
            target=_command, args=(arguments, Path.cwd(), dict(os.environ), self._out, self._errors)
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it has."""
        return self._process.exitcode is not None

    def errors(self) -> str:
        """Return what it has written to standard error by now."""
        return self._errors.read_text(errors="replace")

    def kill(self) -> None:
        """Kill it, with no chance to tidy up."""
        self._process.kill()

    def end(self, timeout: float = 120) -> CompletedProcess[str]:
        """Wait until it has ended; returns exit code, output and errors."""
        with self._folder:
            self._process.join(timeout)
            ended = self.has_ended
            if not ended:
                self.kill()
                self._process.join()
            out, errors = (path.read_text(errors="replace") for path in (self._out, self._errors))
            if not ended:
                raise TimeoutExpired(self.arguments, timeout, out, errors)
            return CompletedProcess(self.arguments, self._process.exitcode, out, errors)


def command(*arguments: str, timeout: float = 120) -> CompletedProcess[str]:
    """Carry a command of vaehub out in the current folder and environment."""
    return Started(*arguments).end(timeout)


def commands(batch: Sequence[Sequence[str]], timeout: float = 600) -> list[CompletedProcess[str]]:
    """Carry commands out one after the other in one process, each through the door of the command line.

    A command that ends the process is the last that is answered, with the exit code of the process.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = _context.Process(target=_commands, args=(batch, Path.cwd(), dict(os.environ), folder))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
        answers = []
        for at, arguments in enumerate(batch):
            out, errors, code = (folder / f"{at} {kind}" for kind in ("out", "errors", "code"))
            if not out.exists():
                break
            said = (path.read_text(errors="replace") if path.exists() else "" for path in (out, errors))
            ended = int(code.read_text()) if code.exists() else process.exitcode
            answers.append(CompletedProcess(arguments, ended, *said))
        return answers


def apart(function: Callable[..., T], *arguments: object, timeout: float = 600) -> tuple[T | None, int, str]:
    """Call a function in a process of its own; returns what it returns, its exit code, and its errors."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = _context.Process(target=_apart, args=(function, arguments, folder))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
        errors = (folder / "errors").read_text(errors="replace") if (folder / "errors").exists() else ""
        answer = folder / "answer"
        return pickle.loads(answer.read_bytes()) if answer.exists() else None, process.exitcode or 0, errors


def _apart(function: Callable[..., object], arguments: Sequence[object], folder: Path) -> None:
    _say_into(folder / "out", folder / "errors")
    answer = pickle.dumps(function(*arguments))
    (folder / "answer").write_bytes(answer)


def _commands(batch: Sequence[Sequence[str]], cwd: Path, environment: Mapping[str, str], folder: Path) -> None:
    import traceback

    _enter(cwd, environment)
    from vaehub.cli.main import main

    for at, arguments in enumerate(batch):
        _say_into(folder / f"{at} out", folder / f"{at} errors")
        sys.argv = ["vaehub", *arguments]
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 as Python does at the end of a process
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        (folder / f"{at} code").write_text(str(code))


def _enter(cwd: Path, environment: Mapping[str, str]) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]


def _say_into(out: Path, errors: Path) -> None:
    for path, stream in ((out, sys.stdout), (errors, sys.stderr)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, stream.fileno())
        os.close(file)


def _command(arguments: tuple[str, ...], cwd: Path, environment: Mapping[str, str], out: Path, errors: Path) -> None:
    _enter(cwd, environment)
    _say_into(out, errors)
    sys.argv = ["vaehub", *arguments]
    from vaehub.cli.main import main

    main()
