"""Optimisers and derivatives without PyTorch's compiler are PyTorch's own, to the bit."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer, RMSprop

from vaehub.analysis import without_compiler
from vaehub.analysis.without_compiler import _called, spare_compiler_of_optimisers, step_of


@pytest.fixture
def nobody_compiles(monkeypatch):
    """Nobody has imported the compiler, whatever other tests have."""
    monkeypatch.setattr(without_compiler, "_COMPILER", "a module that is not there")


def learned(make, step):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))
    optimiser = make(model.parameters())
    take_step = step(optimiser)
    for x in torch.rand(6, 8, 5):
        optimiser.zero_grad(set_to_none=True)
        model(x).square().mean().backward()
        take_step()
    return [weight.detach().clone() for weight in model.parameters()], optimiser.state_dict()["state"]


@pytest.mark.usefixtures("nobody_compiles")
@pytest.mark.parametrize("make", [lambda w: Adam(w, fused=True), Adam, lambda w: SGD(w, lr=0.1, momentum=0.9), RMSprop])
def test_steps_are_the_optimisers_own(make):
    spare_compiler_of_optimisers()
    (ours, our_state), (theirs, their_state) = (learned(make, step) for step in (step_of, lambda each: each.step))
    assert all(map(torch.equal, ours, theirs))
    for key, entries in our_state.items():
        for name, value in entries.items():
            assert value is None or torch.equal(torch.as_tensor(value), torch.as_tensor(their_state[key][name]))


@pytest.mark.usefixtures("nobody_compiles")
def test_hooks_hear_of_steps():
    heard = []
    optimiser = SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    optimiser.register_step_pre_hook(lambda *_: heard.append("before"))
    optimiser.register_step_post_hook(lambda *_: heard.append("after"))
    step_of(optimiser)()
    assert heard == ["before", "after"]


class Own(Optimizer):
    def __init__(self, weights):
        super().__init__(weights, {})

    def step(self, closure=None):
        """Do nothing."""


@pytest.mark.usefixtures("nobody_compiles")
def test_what_is_not_pytorchs_own_is_left_as_it_is():
    weights = [nn.Parameter(torch.ones(1))]
    assert step_of(own := Own(weights)) == own.step
    wrapped = SGD(weights, lr=0.1)
    wrapped.step = replaced = lambda closure=None: None
    assert step_of(wrapped) is replaced


def test_once_the_compiler_is_there_all_is_as_pytorch_has_it(monkeypatch):
    def plain(number):
        return number + 1

    setattr(plain, without_compiler._DISABLED, lambda number: 0)
    monkeypatch.setattr(without_compiler, "_COMPILER", "torch")
    assert _called(plain, 1) == 2
    assert getattr(plain, without_compiler._DISABLED)(1) == 2
    optimiser = SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    assert step_of(optimiser) == optimiser.step


RUN = """
import sys
from vaehub import Hub
settings = {"data.subset": 100, "train.epochs": 1, "model.latent_dim": 2}
Hub.open("store", device="cpu").run("ard", ["relevance", "elbo"], settings=settings | {"metric.elbo.split": "train"})
print("torch._dynamo" in sys.modules)
"""


@pytest.mark.slow
def test_a_training_and_its_relevance_import_no_compiler():
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
