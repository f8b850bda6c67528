"""Copies of models: to be trained or measured in place of the model itself."""

from __future__ import annotations

import copy
import logging

import torch

from vaehub.core.errors import VaehubError, first_line
from vaehub.core.model import LatentModel

log = logging.getLogger(__name__)


def faithful_copy(model: LatentModel) -> LatentModel | None:
    """Return a copy of a model that can be trained and restored as the model itself; ``None`` if there is none."""
    try:
        copied = copy.deepcopy(model)
    # A stranger's model may hold what cannot be copied; then it is restored from the store when it is measured.
    except Exception:
        log.debug("a model cannot be copied", exc_info=True)
        return None
    pairs = zip(copied.parameters(), model.parameters(), strict=True)
    # The tensors of a copied program of TorchScript are no weights any more.
    is_faithful = all(ours.is_leaf and ours.requires_grad == theirs.requires_grad for ours, theirs in pairs)
    return copied if is_faithful else None


def measured_copy(model: LatentModel, device: torch.device) -> LatentModel:
    """Return an independent copy of a user's model on a device; the model itself, if it cannot be copied."""
    try:
        return copy.deepcopy(model).to(device).eval()
    # A user's module may hold what cannot be copied, such as a lock or a tensor that is being differentiated.
    except Exception as error:
        if model.device != device:
            raise VaehubError(
                f"the model is on {model.device.type} and cannot be copied to {device.type} ({first_line(error)}); "
                "move it there yourself"
            ) from error
        log.warning(
            "the model cannot be copied (%s), so it is measured itself, and what it keeps as it runs may change",
            first_line(error),
        )
        return model
