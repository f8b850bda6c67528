#!/usr/bin/env bash
# Versions: diffusers 0.42.1, torch 2.13.0.
# Expected: the posterior of a deterministic autoencoder, DiagonalGaussianDistribution(parameters, deterministic=True), has
#     statistics that agree with each other: std = 0, var = 0, and a log variance that says so.
# Seen: std and var are 0 and kl() is 0, while logvar keeps what the network gave.
# Matters: code that reads mean and logvar, as most measures of a posterior do, sees a posterior with ordinary variances where the
#     model has none: a KL above 0, and latents that count as collapsed or noisy. Take var or std, or look at deterministic.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 diffusers==0.42.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import diffusers
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

parameters = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
posterior = DiagonalGaussianDistribution(parameters, deterministic=True)
kl = 0.5 * (posterior.mean.square() + posterior.logvar.exp() - posterior.logvar - 1).sum(dim=(1, 2, 3))
print("diffusers", diffusers.__version__, "torch", torch.__version__)
print("largest std", float(posterior.std.max()), "largest var", float(posterior.var.max()), "kl()", posterior.kl().tolist())
print("logvar from", float(posterior.logvar.min()), "to", float(posterior.logvar.max()), "and the KL that it implies", kl.tolist())
assert float(posterior.std.abs().max()) == float(posterior.var.abs().max()) == 0
assert posterior.kl().abs().max() == 0
assert torch.equal(posterior.logvar, parameters.chunk(2, dim=1)[1])
assert kl.min() > 1
PYTHON
