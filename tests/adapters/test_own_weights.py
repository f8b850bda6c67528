"""Weights as usual tools write them, read into a user's own module."""

import argparse
import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vaehub import VaehubError
from vaehub.adapters import check_finite, load_weights


def made(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.ModuleDict({"encoder": nn.Linear(4, 2), "decoder": nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))})


@pytest.fixture
def state():
    return made(1).state_dict()


def behind(prefix, state):
    return {f"{prefix}{name}": value for name, value in state.items()}


class Settings:
    """Of the program that wrote a checkpoint."""


WRITERS = {
    "plain": lambda state: state,
    "parallel": lambda state: behind("module.", state),
    "compiled": lambda state: behind("_orig_mod.", state),
    "parallel and compiled": lambda state: behind("module._orig_mod.", state),
    "compiled and parallel": lambda state: behind("_orig_mod.module.", state),
    "a compiled part": lambda state: {name.replace("encoder.", "encoder._orig_mod."): v for name, v in state.items()},
    "a parallel part": lambda state: {name.replace("decoder.", "decoder.module."): v for name, v in state.items()},
    "lightning": lambda state: {"state_dict": behind("model.", state), "epoch": 3, "global_step": 7},
    "lightning, compiled": lambda state: {"state_dict": behind("net._orig_mod.", state)},
    "two prefixes": lambda state: behind("vae.model.", state),
    "a trainer": lambda state: {"model_state_dict": state, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}},
    "nested": lambda state: {"checkpoint": {"model": state}, "args": {"lr": 0.1}},
    "settings of unknown classes": lambda state: {
        "state_dict": behind("model.", state),
        "hyper_parameters": argparse.Namespace(width=3, kind=Settings),
        "more": [Settings()],
    },
    "half precision": lambda state: {name: v.half() if v.is_floating_point() else v for name, v in state.items()},
}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_usual_tools_write_is_read(tmp_path, state, writer):
    torch.save(WRITERS[writer](state), tmp_path / "weights.pt")
    module = made()
    load_weights(module, tmp_path / "weights.pt")
    for name, value in module.state_dict().items():
        torch.testing.assert_close(
            value,
            state[name],
            rtol=2e-3 if writer == "half precision" else 0,
            atol=2e-4 if writer == "half precision" else 0,
        )


@pytest.mark.parametrize("name", ["w.safetensors", "w.bin"])
def test_a_file_is_known_by_what_it_holds_and_not_by_its_ending(tmp_path, state, name):
    save_file(behind("module.", state), tmp_path / name)
    module = made()
    load_weights(module, tmp_path / name)
    assert torch.equal(module["encoder"].weight, state["encoder.weight"])
    torch.save(state, tmp_path / name)
    load_weights(module, tmp_path / name)


def test_weights_go_into_a_module_that_is_compiled(tmp_path, state):
    torch.save(state, tmp_path / "weights.pt")
    whole, module = torch.compile(made()), made()
    module["encoder"] = torch.compile(module["encoder"])
    for each in (whole, module):
        load_weights(each, tmp_path / "weights.pt")
    assert torch.equal(whole.state_dict()["_orig_mod.encoder.weight"], state["encoder.weight"])
    assert torch.equal(module.state_dict()["encoder._orig_mod.weight"], state["encoder.weight"])


REFUSED = {
    "a prefix before some": (
        lambda state: {**behind("model.", state), "loss.weight": torch.ones(1)},
        r"behind the prefix 'model.' all of them are there, beside loss.weight; write a file with those alone",
    ),
    "another module": (
        lambda state: {"other.weight": torch.ones(2)},
        r"not those of the object: missing encoder.weight, encoder.bias, decoder.0.weight and 6 more; unexpected other",
    ),
    "another width, behind a prefix": (
        lambda state: behind("module.", {**state, "encoder.bias": torch.ones(3)}),
        r"misshapen: encoder.bias is \(3,\) and should be \(2,\)",
    ),
    "two sets": (
        lambda state: {"model": state, "ema": {name: value + 1 for name, value in state.items()}},
        "holds several sets of weights that fit, 'model' and 'ema'; write the one that is meant into a file of its own",
    ),
    "no tensors": (
        lambda state: {"epoch": 3},
        "holds no dictionary of tensors, but 'epoch'; write one with torch.save",
    ),
    "a list": (
        lambda state: [1, 2],
        r"holds no dictionary of tensors; write one with torch.save\(model.state_dict\(\)",
    ),
    "a module": (
        lambda state: made(),
        r"holds pickled objects \(ModuleDict\), perhaps a whole module, and such are never read; write its weights "
        r"alone with torch.save\(model.state_dict\(\), 'weights.pt'\)",
    ),
    "NaN": (
        lambda state: {**state, "decoder.0.weight": state["decoder.0.weight"] / torch.tensor([[0.0, 1.0]]) * 0},
        "weight 'decoder.0.weight' is NaN in 4 of its 8 values",
    ),
    "an infinite buffer": (
        lambda state: behind("module.", {**state, "decoder.1.running_var": torch.tensor([1.0, torch.inf, 1, 1])}),
        "buffer 'decoder.1.running_var' is infinite in 1 of its 4 values",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_fit_is_refused_with_what_was_found(tmp_path, state, kind):
    write, words = REFUSED[kind]
    torch.save(write(state), tmp_path / "weights.pt")
    with pytest.raises(VaehubError, match=words) as caught:
        load_weights(made(), tmp_path / "weights.pt")
    assert "\n" not in str(caught.value)
    assert re.search("weights.pt'", str(caught.value))


def test_two_sets_that_are_equal_are_one(tmp_path, state):
    torch.save({"model": state, "best": dict(state)}, tmp_path / "weights.pt")
    load_weights(made(), tmp_path / "weights.pt")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 no archive", bytes(range(64))])
def test_any_other_file_is_refused_in_words_of_our_own(tmp_path, content):
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(VaehubError, match="weights.pt' cannot be read as weights") as caught:
        load_weights(made(), tmp_path / "weights.pt")
    assert "trust" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_is_no_file_of_weights(tmp_path):
    torch.jit.script(nn.Linear(2, 2)).save(str(tmp_path / "program.pt"))
    with pytest.raises(VaehubError, match="holds a program of TorchScript and not weights alone; name programs as enc"):
        load_weights(made(), tmp_path / "program.pt")


def test_masks_of_attention_are_no_broken_weights():
    module = nn.Linear(2, 2)
    module.register_buffer("mask", torch.full((3, 3), -torch.inf).triu(1), persistent=False)
    check_finite(module)
    module.mask[0, 0] = torch.nan
    with pytest.raises(VaehubError, match="the weights cannot be measured: buffer 'mask' is NaN in 1 of its 9 values"):
        check_finite(module)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.complex64, torch.float8_e5m2])
def test_weights_of_every_type_are_looked_at(dtype):
    module = nn.Module()
    module.weight = nn.Parameter(torch.tensor([1.0, torch.inf]).to(dtype), requires_grad=False)
    with pytest.raises(VaehubError, match="weight 'weight' is infinite in 1 of its 2 values"):
        check_finite(module)
