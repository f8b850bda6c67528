#!/usr/bin/env bash
# Versions: torch-cka 0.21, torch 2.13.0.
# Expected: a constant added to a layer's output leaves its CKA with other layers as it was, to the precision of float32: the kernel
#     is centred.
# Seen: the unbiased HSIC is computed in float32 as a difference of large sums. With a bias of 10 the similarity of two layers is no
#     longer symmetric (0.75 and 0.72, where 0.74 is right), and with a bias of 100 it is NaN, which ends in an AssertionError.
# Matters: layers with a mean far from 0 (a decoder's last layers, means of latents that an encoder shifts) are compared wrongly and
#     without a word, until the shift is large enough for NaN. Compute in double, and centre first.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 torch-cka==0.21 tqdm==4.70.1 matplotlib==3.11.2 numpy
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import contextlib
import io

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch_cka import CKA

x = torch.randn(256, 20, generator=torch.Generator().manual_seed(1))
data = DataLoader(TensorDataset(x, torch.zeros(256)), batch_size=64)


def similarity(bias: float) -> torch.Tensor:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 10), nn.Linear(10, 5))
    model[0].bias.data += bias
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        cka = CKA(model, model, model1_layers=["0", "1"], model2_layers=["0", "1"])
        cka.compare(data)
    return cka.export()["CKA"]


def unbiased(bias: float) -> float:
    """The same mean over batches, in double."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 10), nn.Linear(10, 5))
    model[0].bias.data += bias
    model.double()

    def hsic(k: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        n = len(k)
        total = (k * m).sum() + k.sum() * m.sum() / (n - 1) / (n - 2) - 2 * (k @ m).sum() / (n - 2)
        return total / (n * (n - 3))

    sums = torch.zeros(3, dtype=torch.float64)
    for batch in x.double().split(64):
        first = model[0](batch)
        k, m = (r @ r.T for r in (first, model[1](first)))
        k.fill_diagonal_(0)
        m.fill_diagonal_(0)
        sums += torch.stack([hsic(k, m), hsic(k, k), hsic(m, m)]).detach()
    return float(sums[0] / (sums[1] * sums[2]).sqrt())


plain, shifted = similarity(0), similarity(10)
print("bias 0: ", plain[0, 1].item(), plain[1, 0].item(), "in double", unbiased(0))
print("bias 10:", shifted[0, 1].item(), shifted[1, 0].item(), "in double", unbiased(10))
assert abs(unbiased(10) - unbiased(0)) < 1e-3
assert abs(plain[0, 1] - unbiased(0)) < 1e-3 and abs(plain[0, 1] - plain[1, 0]) < 1e-5
assert abs(shifted[0, 1] - shifted[1, 0]) > 0.01
try:
    similarity(100)
except AssertionError as error:
    print("bias 100: AssertionError:", error)
else:
    raise SystemExit("a bias of 100 is compared")
PYTHON
