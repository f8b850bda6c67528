"""What latent vectors decode to."""

import torch
from torch import Tensor

from vaehub.core.errors import WorkFailed
from vaehub.core.model import EVALUATION_BATCH, LatentModel


@torch.no_grad()
def decode(model: LatentModel, z: Tensor, *, at_once: int = EVALUATION_BATCH) -> Tensor:
    """Return the mean of p(x|z) for each latent vector, on the CPU: ``(..., latent_dim)`` to ``(..., *shape)``.

    Args:
        model: In evaluation mode.
        z: Latent vectors on any device, of any precision.
        at_once: How many go through the decoder together; bounds memory, changes no result.

    Raises:
        WorkFailed: If a value is NaN or infinite.
    """
    flat = z.flatten(0, -2).to(model.device, torch.float32)
    # A decoder that works in place must not write to the vectors of the caller.
    x = torch.cat([model.decode(block.clone()).cpu() for block in torch.split(flat, at_once)])
    if not bool(x.isfinite().all()):
        n = int((~x.isfinite()).flatten(1).any(dim=1).sum())
        raise WorkFailed(f"the model decodes {n} of {len(x)} latent vectors to NaN or infinite values")
    return x.reshape(*z.shape[:-1], *x.shape[1:])
