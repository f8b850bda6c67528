"""What is looked at: observations of a split of the data, and a model that decodes."""

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, DataError, Dataset, LatentModel, VaehubError


def require_decoder(model: LatentModel, *, metric: str) -> None:
    """Refuse a model that does not decode.

    Raises:
        VaehubError: If it does not.
    """
    if not model.decodes:
        raise VaehubError(f"metric {metric!r} needs a model with a decoder, and this one has none; 'vae' has")


def require_observations(data: Dataset, part: str, n: int, *, metric: str, parameter: str, least: int = 1) -> None:
    """Refuse a split of the data with too few observations.

    Args:
        data: Data with parts.
        part: Name of the part.
        n: Observations that are asked for.
        metric: What needs them, for the message.
        parameter: The parameter that says how many, for the message.
        least: Observations that are needed whatever is asked for.

    Raises:
        DataError: If there are fewer, or no such part.
    """
    there = len(data.split(part))
    if there < least:
        raise DataError(
            f"metric {metric!r} needs {least} observations at least, and the split {part!r} has {there}; "
            "'-s metric.part=all' takes all"
        )
    if there < n:
        raise DataError(
            f"metric {metric!r} needs {n} observations, and the split {part!r} has {there}; "
            f"set '-s metric.{parameter}={there}' or less"
        )


def classes_of(data: Dataset) -> Tensor:
    """Return the label of each observation, on the CPU; zeros where labels are unknown."""
    return torch.zeros(len(data), dtype=torch.int64) if data.labels is None else data.labels.cpu()


@torch.no_grad()
def decoded(model: LatentModel, z: Tensor) -> Tensor:
    """Return what latent vectors decode to, on the CPU: ``(..., latent_dim)`` to ``(..., *shape)``."""
    flat = z.flatten(0, -2).to(model.device, torch.float32)
    found = torch.cat([model.decode(block).cpu() for block in torch.split(flat, EVALUATION_BATCH)])
    return found.reshape(*z.shape[:-1], *found.shape[1:])
