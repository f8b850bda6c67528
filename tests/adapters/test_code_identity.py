"""What tells two modules of a user's own apart, and what does not."""

import copy
import ctypes
import functools
import importlib
import itertools
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from vaehub import VaehubError
from vaehub.adapters import NotIdentified, module_identity, weights_identity

HELPERS = """
GAIN = 2.0


def gained(x):
    return x * GAIN


class Table:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return x * self.factor
"""

CODE = '''
"""What a user has."""

import functools

import torch
from torch import nn

import {helpers} as helpers
from {helpers} import gained

SCALE = 1.5
TABLE = helpers.Table(3.0)


def twice(function):
    @functools.wraps(function)
    def wrapped(*values):
        return function(*values) * 2

    return wrapped


class Base(nn.Module):
    kind = "plain"

    def finish(self, x):
        return TABLE(x) - 1


class Net(Base):
    def __init__(self, slope=0.2):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.slope = slope
        self.register_buffer("shift", torch.ones(3), persistent=False)

    @twice
    def body(self, x, power=1):
        # The slope is that of the paper.
        return nn.functional.leaky_relu(self.layer(x), self.slope) ** power * SCALE

    def forward(self, x):
        from {helpers} import GAIN

        self.seen = x.mean()
        later = lambda h: h + GAIN
        return self.finish(later(gained(self.body(x)))) + self.shift
'''
SEEDS = itertools.count()


class Code:
    """A module of a user's own, with a helper, under names that no other test has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name, self.helpers = (f"{word}_{next(SEEDS)}" for word in ("identity_code", "identity_helpers"))
        self.write(CODE, HELPERS)

    def write(self, code: str, helpers: str) -> None:
        (self.folder / f"{self.name}.py").write_text(code.format(helpers=self.helpers))
        (self.folder / f"{self.helpers}.py").write_text(helpers)

    def forget(self) -> None:
        for name in (self.name, self.helpers):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()

    def net(self, **settings):
        module = importlib.import_module(self.name)
        torch.manual_seed(0)
        return module.Net(**settings)


@pytest.fixture
def code(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with torch.random.fork_rng():
        found = Code(tmp_path)
        yield found
    found.forget()


EDITS = {
    "an operation": (".leaky_relu(", ".elu("),
    "a constant of the module": ("SCALE = 1.5", "SCALE = 1.6"),
    "a default": ("power=1", "power=2"),
    "what a decorator does": ("* 2", "* 3"),
    "a method of a base class": ("- 1", "- 2"),
    "an attribute of a class": ('"plain"', '"fancy"'),
    "an object among the globals": ("Table(3.0)", "Table(4.0)"),
    "a function inside a function": ("h + GAIN", "h - GAIN"),
    "a setting": ("slope=0.2", "slope=0.3"),
    "a buffer that is not stored": ("torch.ones(3)", "torch.zeros(3)"),
}
EDITS_OF_HELPERS = {
    "a helper": ("x * GAIN", "x / GAIN"),
    "a constant that a helper names": ("GAIN = 2.0", "GAIN = 2.5"),
    "a method of a class that was imported": ("x * self.factor", "x - self.factor"),
}
LAYOUT = {
    "a comment": ("# The slope is that of the paper.", "# Nothing is said here."),
    "documentation": ('"""What a user has."""', '"""Other words."""'),
    "layout": ("(self.layer(x), self.slope)", "(\n            self.layer(x),\n            self.slope,\n        )"),
    "a function that nobody names": ("class Base", "def unused(x):\n    return x\n\n\nclass Base"),
}


@pytest.mark.parametrize("edit", [*EDITS, *EDITS_OF_HELPERS])
def test_an_edit_of_anything_that_runs_is_another_module(code, edit):
    before = module_identity(code.net())
    old, new = (EDITS | EDITS_OF_HELPERS)[edit]
    files = [CODE, HELPERS.replace(old, new)] if edit in EDITS_OF_HELPERS else [CODE.replace(old, new), HELPERS]
    assert files != [CODE, HELPERS]
    code.write(*files)
    # What runs is what was loaded before, until it is loaded again.
    assert module_identity(code.net()) == before
    code.forget()
    assert module_identity(code.net()) != before


@pytest.mark.parametrize("edit", LAYOUT)
def test_comments_documentation_and_layout_do_not_count(code, edit):
    before = module_identity(code.net())
    old, new = LAYOUT[edit]
    assert old in CODE
    code.write(CODE.replace(old, new), HELPERS)
    code.forget()
    assert module_identity(code.net()) == before


def test_a_function_without_a_source_counts_by_its_instructions():
    def made(text):
        names = {"nn": nn, "torch": torch}
        exec(f"class Net(nn.Module):\n    def forward(self, x):\n        return {text}", names)
        return module_identity(names["Net"]())

    assert made("x + 1") == made("(x   + 1)")
    assert len({made("x + 1"), made("x + 2"), made("x - 1"), made("torch.relu(x)"), made("x[1:2]")}) == 5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_identity_is_the_same_in_every_process(code):
    here = module_identity(nn.ModuleList([code.net(), torch.jit.script(nn.Linear(2, 3))]))
    program = (
        f"import sys; sys.path.insert(0, {str(code.folder)!r}); import torch, {code.name}; "
        "from vaehub.adapters import module_identity; torch.manual_seed(0); "
        f"net = {code.name}.Net(); program = torch.jit.script(torch.nn.Linear(2, 3)); "
        "print(module_identity(torch.nn.ModuleList([net, program])))"
    )
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PATH": ""}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True, env=environment
        )
        assert done.stdout.strip() == here


class Held(nn.Module):
    """Holds anything."""

    def __init__(self, held):
        super().__init__()
        self.held = held

    def forward(self, x):
        return self.held(x)


def decorated(x):
    return x + 1


SETTINGS = {"b": 1, "a": {2, 3}}
DIFFERENT = [
    functional.relu,
    functional.elu,
    torch.relu,
    torch.Tensor.tanh,
    functools.partial(functional.elu, alpha=1.0),
    functools.partial(functional.elu, alpha=2.0),
    lambda x: x + 1,
    lambda x: x + 2,
    nn.ReLU(),
    nn.LeakyReLU(0.1),
    nn.LeakyReLU(0.2),
    functional.max_pool1d,
    functional.max_pool2d,
    decorated,
    torch.no_grad()(decorated),
    torch.fx.symbolic_trace(nn.ReLU()),
    torch.fx.symbolic_trace(nn.Tanh()),
    torch.tensor([1.0]),
    torch.tensor([2.0]),
    torch.tensor([1.0, 2.0]),
    SETTINGS,
    {**SETTINGS, "b": 2},
    np.tanh,
    np.sinh,
    np.random.default_rng(0),
    np.random.default_rng(1),
    np.array([1.0]),
    np.array([2.0]),
    re.compile("a"),
    re.compile("b"),
    torch.Generator().manual_seed(1),
    torch.Generator().manual_seed(2),
    torch.distributions.Normal(0.0, 1.0),
    torch.distributions.Normal(0.0, 2.0),
    torch.nn.utils.parametrizations.weight_norm(nn.Linear(1, 1)),
    torch.ops.aten.relu,
    torch.ops.aten.tanh,
    torch.vmap(decorated),
    functools.lru_cache(decorated),
    nn.LazyLinear(3),
    nn.LazyLinear(4),
    threading.Lock(),
    None,
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_whatever_a_module_holds_counts():
    different = [*DIFFERENT, *(torch.jit.script(each()) for each in (nn.ReLU, nn.Tanh))]
    found = [module_identity(Held(each)) for each in different]
    assert len(set(found)) == len(different)
    assert found == [module_identity(Held(each)) for each in different]


def test_a_method_that_takes_the_place_of_a_librarys_counts(monkeypatch):
    before = module_identity(nn.ReLU())
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: x)
    assert module_identity(nn.ReLU()) != before


def test_weights_buffers_hooks_and_kinds_count(code):
    first = code.net()
    before = module_identity(first)
    changed = [copy.deepcopy(first) for _ in range(4)]
    with torch.no_grad():
        changed[0].layer.bias[0] += 1
        changed[1].shift[0] += 1
    changed[2].layer.register_forward_hook(lambda module, given, output: output * 2)
    changed[3].double()
    assert len({before, *map(module_identity, changed)}) == 5


def test_mode_gradients_device_and_compiling_do_not_count(code):
    net = code.net()
    before = module_identity(net)
    net.eval().requires_grad_(False)
    assert module_identity(net) == before
    assert module_identity(torch.compile(net)) == before
    assert module_identity(Held(torch.compile(decorated))) == module_identity(Held(decorated))
    assert module_identity(copy.deepcopy(net)) == before


def test_what_a_module_notes_while_it_runs_and_never_reads_does_not_count(code):
    net = code.net()
    before = module_identity(net)
    net(torch.ones(2, 4))
    assert net.seen is not None
    assert module_identity(net) == before


class Remembering(nn.Module):
    """Has a state of its own that is no buffer."""

    def forward(self, x):
        self.last = x + (self.last if hasattr(self, "last") else 0)
        return self.last


def test_what_a_module_reads_again_counts():
    module = Remembering()
    before = module_identity(module)
    module(torch.ones(2))
    assert module_identity(module) != before


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_has_one_identity_before_and_after_it_is_saved(tmp_path):
    program = torch.jit.script(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    program.save(str(tmp_path / "program.pt"))
    loaded = [torch.jit.load(str(tmp_path / "program.pt")) for _ in range(2)]
    assert {module_identity(each) for each in (program, *loaded)} == {module_identity(program)}
    with torch.no_grad():
        next(loaded[0].parameters())[0] += 1
    assert module_identity(loaded[0]) != module_identity(program)


@torch.library.custom_op("vaehub_tests::shifted", mutates_args=())
def shifted(x: torch.Tensor) -> torch.Tensor:
    return x + 1


class Operates(nn.Module):
    def forward(self, x):
        return torch.ops.vaehub_tests.shifted(x)


def test_the_code_of_an_operation_of_ones_own_counts(monkeypatch):
    before = module_identity(Operates())
    monkeypatch.setattr(shifted, "_init_fn", decorated)
    changed = module_identity(Operates())
    monkeypatch.setattr(shifted, "_init_fn", lambda x: x + 3)
    assert len({before, changed, module_identity(Operates())}) == 3


def test_a_long_chain_of_functions_is_followed():
    lines = [
        "import torch",
        "def step_0(x): return x",
        *(f"def step_{n}(x): return step_{n - 1}(x)" for n in range(1, 2000)),
    ]
    names = {}
    exec("\n".join(lines), names)
    before = module_identity(Held(names["step_1999"]))
    exec("def step_0(x): return -x", names)
    assert module_identity(Held(names["step_1999"])) != before


def test_what_cannot_be_looked_at_is_said():
    held = ctypes.CDLL(None).printf
    held.__qualname__ = "printf"
    with pytest.raises(NotIdentified, match="'printf', of type .*, is compiled or cannot be read"):
        module_identity(Held(held))
    with pytest.raises(VaehubError, match=r"a tensor of shape \(2,\) is on the 'meta' device, where it has no values"):
        module_identity(nn.Linear(2, 2, device="meta"))


def test_weights_are_known_by_names_and_values():
    torch.manual_seed(0)
    one = nn.Sequential(nn.Linear(2, 2))
    assert weights_identity(torch.compile(one)) == weights_identity(one)
    other = copy.deepcopy(one)
    with torch.no_grad():
        other[0].bias[0] += 1
    assert weights_identity(other) != weights_identity(one)
    assert weights_identity(nn.Sequential(nn.Identity(), one[0])) != weights_identity(one)
    # A file has no code; and a module whose weights are in a file is known by the rest.
    assert module_identity(other, weights=False) == module_identity(one, weights=False)
