"""Export of the weights of a stored training to files that other programs read."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vaehub.core.errors import VaehubError
from vaehub.core.identity import canonical_json
from vaehub.hub.whole_file import whole_file
from vaehub.store.failures import gone

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vaehub.store.records import TrainingRecord
    from vaehub.store.store import Store

WeightsFormat = Literal["safetensors", "pt"]


def export_weights(store: Store, record: TrainingRecord, path: PathLike[str] | str | None, form: WeightsFormat) -> Path:
    """Write the weights of a stored training into a file, and return its path.

    Args:
        store: Where the training is.
        record: Of the training.
        path: File to write; the beginning of the id with the format's ending, if ``None``.
        form: Format of the file.

    Raises:
        VaehubError: If the training failed or goes away meanwhile, or the file cannot be written.
    """
    if record.status == "failed":
        raise VaehubError(f"training {record.id[:8]} failed ({record.error}), so there are no weights")
    weights = store.weights(record.id)
    if not weights and record.weights is not None:
        raise gone("training", record.id)
    target = Path(path).expanduser() if path is not None else Path(f"{record.id[:8]}.{form}")
    write_weights(target, weights, record, form)
    return target


def write_weights(path: Path, weights: Mapping[str, NDArray[Any]], record: TrainingRecord, form: WeightsFormat) -> None:
    """Write weights into a file, which appears whole.

    ``safetensors`` has id and recipe in its metadata; ``pt`` is a dictionary of tensors for
    ``torch.load(…, weights_only=True)``.

    Raises:
        VaehubError: If the file cannot be written there.
        WorkFailed: If writing fails.
    """
    with whole_file(path, "the weights") as place:
        if form == "safetensors":
            import numpy as np
            from safetensors.numpy import save

            notes = {"training": record.id, "recipe": canonical_json(record.recipe)}
            # It writes memory as it lies: an array that is not contiguous would come back with other elements.
            contiguous = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in weights.items()}
            place.write_bytes(save(contiguous, metadata=notes))
        else:
            import torch

            torch.save({name: torch.from_numpy(array) for name, array in weights.items()}, place)
