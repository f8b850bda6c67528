#!/usr/bin/env bash
# Versions: diffusers 0.42.1, torch 2.13.0.
# Expected: latent_dist.kl() of an autoencoder gives one divergence for each observation, for pictures (n, channels, height, width)
#     as for videos (n, channels, frames, height, width).
# Seen: it adds up over axes 1 to 3 only. For pictures it has shape (n,); for videos it has shape (n, width). Its mean over all of
#     that, the usual term of a loss, is the divergence of an observation divided by the width of the latents.
# Matters: an ELBO or a rate of a video autoencoder is too small by a factor that depends on the size of the picture. Add up over
#     all axes but the first.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 diffusers==0.42.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import diffusers
import torch
from diffusers import AutoencoderKLWan

torch.manual_seed(0)
model = AutoencoderKLWan(base_dim=4, z_dim=4, dim_mult=[1, 1], num_res_blocks=1, temperal_downsample=[False]).eval()
with torch.no_grad():
    posterior = model.encode(torch.rand(2, 3, 1, 16, 16) * 2 - 1).latent_dist
of_each = 0.5 * (posterior.mean.square() + posterior.var - posterior.logvar - 1).flatten(1).sum(dim=1)
print("diffusers", diffusers.__version__, "torch", torch.__version__)
print("latents", tuple(posterior.mean.shape), "kl()", tuple(posterior.kl().shape))
print("mean of kl()", float(posterior.kl().mean()), "mean divergence of an observation", float(of_each.mean()))
width = posterior.mean.shape[-1]
assert posterior.kl().shape == (2, width)
assert torch.allclose(posterior.kl().mean() * width, of_each.mean())
PYTHON
