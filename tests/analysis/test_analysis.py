"""The room itself."""

import subprocess
import sys

import pytest

import vaehub.analysis


def test_every_name_is_there():
    for name in vaehub.analysis.__all__:
        assert getattr(vaehub.analysis, name) is not None
    assert set(vaehub.analysis.__all__) <= set(dir(vaehub.analysis))
    with pytest.raises(AttributeError, match="vaehub.analysis attribute .*nothing"):
        _ = vaehub.analysis.nothing


def test_importing_it_loads_nothing_heavy():
    code = (
        "import sys, vaehub.analysis; print([name for name in ('torch', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    code = "import sys; from vaehub.analysis import heat_map; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
