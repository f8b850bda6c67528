#!/usr/bin/env bash
# Version: torch 2.13.0.
# Expected: forward-mode derivatives of a transformer layer in evaluation mode work once attention is told to use its mathematical
#     form (sdpa_kernel(SDPBackend.MATH)), whether or not the weights are trainable.
# Seen: with trainable weights they do. With frozen weights (requires_grad_(False)) the layer takes one fused operation that has no
#     forward mode, whatever the attention backend; torch.backends.mha.set_fastpath_enabled(False) is needed as well.
# Matters: decoders are frozen for analysis. Freezing, that should cost nothing, turns a Jacobian by forward mode into an error, and
#     a test with a fresh, trainable decoder does not notice.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

torch.manual_seed(0)
z = torch.randn(4, 5, 8)
layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()


def forward_mode():
    try:
        with sdpa_kernel(SDPBackend.MATH):
            return torch.func.jvp(layer, (z,), (torch.ones_like(z),))[1].detach()
    except NotImplementedError as error:
        return str(error)[:90]


trainable = forward_mode()
layer.requires_grad_(False)
frozen = forward_mode()
torch.backends.mha.set_fastpath_enabled(False)
slow = forward_mode()
step = 1e-3
difference = (layer(z + step) - layer(z - step)) / (2 * step)
print("torch", torch.__version__)
print("trainable, error:", float((trainable - difference).abs().max()), "| frozen:", frozen,
      "| frozen without fast path, error:", float((slow - difference).abs().max()))
assert (trainable - difference).abs().max() < 1e-2
assert isinstance(frozen, str) and "forward AD" in frozen
assert torch.allclose(slow, trainable, atol=1e-5)
PYTHON
