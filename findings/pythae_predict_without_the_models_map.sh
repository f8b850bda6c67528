#!/usr/bin/env bash
# Versions: pythae 0.1.2, torch 2.13.0.
# Expected: predict(x) reconstructs as the model does, only without noise: what lies between encoder and decoder (the quantiser of a
#     VQ-VAE, the unit sphere of a hyperspherical VAE, the flow of a VAE with an inverse autoregressive flow) is applied.
# Seen: predict hands the raw output of the encoder to the decoder. A VQ-VAE has no noise at all, and predict still gives another
#     picture than its forward pass; the codes that a hyperspherical VAE hands to its decoder are not of norm 1.
# Matters: reconstruction errors, traversals and embeddings from predict are those of inputs that the decoder never saw in training.
#     The same holds for whoever calls model.decoder(model.encoder(x).embedding).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 pythae==0.1.2
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from pythae.data.datasets import DatasetOutput
from pythae.models import SVAE, SVAEConfig, VQVAE, VQVAEConfig

torch.manual_seed(0)
x = torch.rand(6, 1, 8, 8)
print("pythae", version("pythae"), "torch", torch.__version__)
with torch.no_grad():
    model = VQVAE(VQVAEConfig(input_dim=(1, 8, 8), latent_dim=3)).eval()
    once, again = (model(DatasetOutput(data=x)).recon_x for _ in range(2))
    difference = (model.predict(x).recon_x - once).abs().max()
    print("VQ-VAE: two forward passes differ by", float((once - again).abs().max()), "predict from forward by", float(difference))
    sphere = SVAE(SVAEConfig(input_dim=(1, 8, 8), latent_dim=3)).eval()
    sampled = sphere(DatasetOutput(data=x)).z.norm(dim=1)
    predicted = sphere.predict(x).embedding.norm(dim=1)
    print("hyperspherical VAE: norms of z in forward", sampled.tolist(), "in predict", predicted.tolist())
assert torch.equal(once, again)
assert difference > 1e-3
assert torch.allclose(sampled, torch.ones(6), atol=1e-4)
assert (predicted - 1).abs().min() > 0.1
PYTHON
