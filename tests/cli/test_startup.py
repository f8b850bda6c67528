"""Commands answer at once: what they must not import."""

import json
import subprocess
import sys

import pytest

HEAVY = ["torch", "scipy", "duckdb", "h5py", "sklearn", "pyarrow", "pandas", "matplotlib", "requests", "pooch", "PIL"]

PROBE = """
import json, sys
from vaehub.cli.main import main
sys.argv = ["vaehub", *{arguments!r}]
try:
    main()
except SystemExit as end:
    code = end.code
sys.stderr.write("\\n" + json.dumps([code, [name for name in {heavy!r} if name in sys.modules]]))
"""


def loaded(*arguments, heavy=HEAVY):
    script = PROBE.format(arguments=list(arguments), heavy=heavy)
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stderr
    code, modules = json.loads(output.splitlines()[-1])
    assert code in (0, None), output
    return modules


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["list"], ["list", "metric"], ["plugin", "list"], ["data", "list"]]
)
def test_looking_around_loads_nothing_heavy(arguments):
    assert loaded(*arguments) == []


def test_the_list_loads_neither_pydantic_nor_what_draws_for_terminals():
    assert loaded("list", heavy=["pydantic", "rich.console", "rich.table"]) == []


def test_describing_what_is_built_in_does_not_load_torch():
    assert "torch" not in loaded("describe", "ard")


def test_an_answer_from_the_store_does_not_load_torch(quick_store):
    arguments = ["run", "--model", "ard", "--metric", "relevance", "--store", quick_store]
    arguments += ["--set", "train.epochs=2", "--set", "model.latent_dim=4"]
    assert "torch" not in loaded(*arguments)
