"""Mean and covariance of data, which decide the optimum of a linear VAE."""

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, Dataset
from vaehub.analysis import in_double


def moments(data: Dataset) -> tuple[Tensor, Tensor]:
    """Return mean and covariance of all values, in two passes over the data, so that nothing cancels."""
    n = len(data)
    total = torch.stack([in_double(batch.x).flatten(1).sum(dim=0) for batch in data.batches(EVALUATION_BATCH)])
    mean = total.sum(dim=0) / n
    covariance = mean.new_zeros(len(mean), len(mean))
    for batch in data.batches(EVALUATION_BATCH):
        centred = in_double(batch.x).flatten(1) - mean
        covariance.addmm_(centred.mT, centred, alpha=1 / n)
    return mean, covariance
