#!/usr/bin/env bash
# Versions: pythae 0.1.2, torch 2.13.0.
# Expected: get_nll(data, n_samples=1) gives a negative log likelihood, from one importance sample for each observation.
# Seen: it gives the log likelihood (below 0 for binary cross-entropy, where a probability is at most 1), and it encodes batch_size
#     copies of each observation however few samples are asked for: 100 by default instead of 1.
# Matters: the lower of two models is the worse one, not the better. And as the importance-weighted bound is the tighter the more
#     samples it has, a value "with one sample" that is compared with an ELBO is one with a hundred.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 pythae==0.1.2
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from pythae.models import VAE, VAEConfig

torch.manual_seed(0)
model = VAE(VAEConfig(input_dim=(1, 8, 8), latent_dim=3, reconstruction_loss="bce")).eval()
encoded = []
model.encoder.register_forward_hook(lambda module, inputs, output: encoded.append(len(inputs[0])))
x = torch.bernoulli(torch.full((2, 1, 8, 8), 0.5))
with torch.no_grad():
    found = model.get_nll(x, n_samples=1)
print("pythae", version("pythae"), "torch", torch.__version__)
print("get_nll of binary observations, one sample:", found, "copies encoded for each observation:", encoded)
assert found < -30
assert encoded == [100, 100]
PYTHON
