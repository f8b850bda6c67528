"""Digests of tensors and of models."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor

from vaehub.core.model import LatentModel


def digest_of(tensors: Iterable[Tensor], description: str) -> str:
    """Return a digest of values, shapes and types, and of a description."""
    digest = hashlib.blake2b(description.encode(), digest_size=12)
    for each in tensors:
        array = each.detach().cpu().contiguous()
        digest.update(f"{array.dtype} {tuple(array.shape)}".encode())
        digest.update(array.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def state_of(model: LatentModel) -> str:
    """Return a digest of all model state that a metric could change: weights, modes, gradients and hooks."""
    values = [*model.named_parameters(), *model.named_buffers()]
    gradients = [(name, value.requires_grad, value.grad is None) for name, value in values]
    modules = [
        (name, type(each).__name__, each.training, len(each._forward_hooks), len(each._forward_pre_hooks))
        for name, each in model.named_modules()
    ]
    return digest_of((value for _, value in values), f"{gradients} {modules}")
