"""Commands in processes of their own, forked from one that has loaded PyTorch: a tenth of the time of a fresh start.

What a start itself loads and takes is the matter of ``tests/cli/test_startup.py``, which starts real ones.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing import get_context
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired

PRELOADED = [
    "torch",
    "torch._dynamo",
    "duckdb",
    "h5py",
    "pandas",
    "scipy.special",
    "vaehub.core.metric",
    "vaehub.cli.app",
]

_context = get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)


def command(*arguments: str, timeout: float = 120) -> CompletedProcess[str]:
    """Carry a command of vaehub out in the current folder and environment."""
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder) / "out", Path(folder) / "errors"
        process = _context.Process(target=_command, args=(arguments, Path.cwd(), dict(os.environ), out, errors))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutExpired(arguments, timeout, out.read_text(), errors.read_text())
        return CompletedProcess(arguments, process.exitcode, out.read_text(), errors.read_text())


def _command(arguments: tuple[str, ...], cwd: Path, environment: Mapping[str, str], out: Path, errors: Path) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for path, stream in ((out, sys.stdout), (errors, sys.stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream.fileno())
    sys.path[:0] = [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]
    sys.argv = ["vaehub", *arguments]
    from vaehub.cli.main import main

    main()
