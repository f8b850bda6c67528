#!/usr/bin/env bash
# Versions: pythae 0.1.2, torch 2.13.0.
# Expected: embed(x) gives one row for each observation, for each model of the package.
# Seen: FactorVAE gives half of the rows. embed takes z from the forward pass, which splits a batch in two for the sake of the
#     discriminator: only the codes of a random half come back, in random order. reconstruct and model.encoder give all.
# Matters: embeddings no longer stand beside the labels or factors of their observations: a measure of disentanglement fails, or,
#     where lengths are cut to fit, pairs codes with the labels of other observations. Call model.encoder(x).embedding.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 pythae==0.1.2
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from pythae.models import VAE, FactorVAE, FactorVAEConfig, VAEConfig

torch.manual_seed(0)
x = torch.rand(6, 1, 8, 8)
print("pythae", version("pythae"), "torch", torch.__version__)
with torch.no_grad():
    plain = VAE(VAEConfig(input_dim=(1, 8, 8), latent_dim=3)).eval()
    factor = FactorVAE(FactorVAEConfig(input_dim=(1, 8, 8), latent_dim=3)).eval()
    rows = {"VAE": len(plain.embed(x)), "FactorVAE": len(factor.embed(x)), "FactorVAE, encoder": len(factor.encoder(x).embedding)}
print("rows for 6 observations:", rows, "reconstructions:", len(factor.reconstruct(x)))
assert rows == {"VAE": 6, "FactorVAE": 3, "FactorVAE, encoder": 6}
PYTHON
