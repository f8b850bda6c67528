#!/usr/bin/env bash
# Version: torch 2.13.0.
# Expected: forward and reverse mode give one Jacobian. Where a decoder normalises by a value computed under torch.no_grad(), both
#     leave that value out, as both do for detach().
# Seen: no_grad() stops reverse mode only. Forward mode goes through it and gives the derivative of the function (equal to finite
#     differences), reverse mode another one. With detach() both modes agree with each other, and neither with finite differences.
# Matters: the relevance of latents from a Jacobian depends on the mode that a tool happens to use, for one and the same decoder;
#     and a check of derivatives against finite differences fails for detach() although no derivative is broken.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch


def under_no_grad(z):
    with torch.no_grad():
        scale = z.norm(dim=-1, keepdim=True)
    return (z / scale).sin()


def detached(z):
    return (z / z.norm(dim=-1, keepdim=True).detach()).sin()


z = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
step = 1e-6
print("torch", torch.__version__)
found = {}
for function in (under_no_grad, detached):
    forward, reverse = torch.func.jacfwd(function)(z), torch.func.jacrev(function)(z)
    moved = torch.eye(5, dtype=torch.float64) * step
    difference = torch.stack([(function(z + each) - function(z - each)) / (2 * step) for each in moved], dim=1)
    found[function.__name__] = (
        torch.allclose(forward, reverse), torch.allclose(forward, difference, atol=1e-6), float((reverse - difference).abs().max())
    )
print("(modes agree, forward agrees with finite differences, error of reverse)", found)
assert found["under_no_grad"][:2] == (False, True) and found["under_no_grad"][2] > 0.01
assert found["detached"][:2] == (True, False) and found["detached"][2] > 0.01
PYTHON
