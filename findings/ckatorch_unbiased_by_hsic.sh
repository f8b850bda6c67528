#!/usr/bin/env bash
# Versions: ckatorch 1.0.3, torch 2.13.0.
# Expected: cka_base(x, y, unbiased=True) is the same by method="fro_norm" and method="hsic", as its docstring says that the method
#     does not change the result.
# Seen: with method="hsic" the argument unbiased is not used: the biased value comes back, 0.21 for two representations that have
#     nothing in common, where the unbiased one is -0.06.
# Matters: with few observations beside the features the biased value is far above 0 for unrelated layers; whoever asks for the
#     unbiased one by HSIC reads a similarity that is not there.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 ckatorch==1.0.3
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from ckatorch import cka_base

generator = torch.Generator().manual_seed(0)
x = torch.randn(60, 20, generator=generator, dtype=torch.float64)
y = torch.randn(60, 20, generator=generator, dtype=torch.float64)
value = {
    (method, unbiased): float(cka_base(x, y, unbiased=unbiased, method=method))
    for method in ("fro_norm", "hsic")
    for unbiased in (False, True)
}
for (method, unbiased), cka in value.items():
    print(f"method={method!r}, unbiased={unbiased}: {cka:.4f}")
assert abs(value["fro_norm", False] - value["hsic", False]) < 1e-12
assert value["hsic", True] == value["hsic", False] > 0.2
assert abs(value["fro_norm", True]) < 0.1
PYTHON
