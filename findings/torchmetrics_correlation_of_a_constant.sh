#!/usr/bin/env bash
# Versions: torchmetrics 1.9.0, SciPy 1.17.1, torch 2.13.0.
# Expected: the correlation with a constant, which is undefined, is NaN by Pearson and by Spearman alike.
# Seen: Pearson is NaN, with a warning; Spearman is 0, without one. SciPy has NaN for both.
# Matters: a collapsed latent is constant. By torchmetrics' Spearman it is uncorrelated with everything, a number that goes into means;
#     elsewhere it is left out.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import scipy.stats
import torch
from torchmetrics.functional import pearson_corrcoef, spearman_corrcoef

collapsed = torch.zeros(100)
factor = torch.rand(100, generator=torch.Generator().manual_seed(0))
pearson, spearman = float(pearson_corrcoef(collapsed, factor)), float(spearman_corrcoef(collapsed, factor))
print("torchmetrics: Pearson", pearson, "Spearman", spearman)
theirs = [float(f(collapsed.numpy(), factor.numpy())[0]) for f in (scipy.stats.pearsonr, scipy.stats.spearmanr)]
print("SciPy: Pearson", theirs[0], "Spearman", theirs[1])
assert pearson != pearson and spearman == 0
assert all(value != value for value in theirs)
PYTHON
