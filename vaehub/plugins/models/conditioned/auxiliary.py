"""Labels or factors as input of a model, and the auxiliary variable made of them."""

import torch
from torch import Tensor, nn

from vaehub import Batch, DataSpec, VaehubError
from vaehub.plugins.models.conditioned.params import Choice, Kind


def known(choice: Choice, spec: DataSpec, *, model: str, parameter: str, purpose: str) -> Kind:
    """Return whether a model uses labels or factors: the user's choice or, on ``auto``, factors before labels.

    Args:
        choice: The user's choice.
        spec: What is known about the data.
        model: Name of the model, for the message.
        parameter: Name of the parameter that holds the choice, for the message.
        purpose: Purpose of the labels or factors, for the message.

    Raises:
        VaehubError: If the data do not have it.
    """
    found: list[Kind] = []
    if spec.factor_sizes:
        found.append("factors")
    if spec.n_classes is not None:
        found.append("labels")
    if not found:
        raise VaehubError(
            f"model {model!r} needs labels or factors for {purpose}, and these data have neither; "
            "'sprites' and 'mnist' have"
        )
    if choice == "auto":
        return found[0]
    if choice not in found:
        raise VaehubError(
            f"model {model!r} with {parameter} {choice!r} needs data with {choice}, and these have {found[0]} only; "
            f"'-s model.{parameter}={found[0]}' takes those"
        )
    return choice


def sizes(kind: Kind, spec: DataSpec) -> tuple[int, ...]:
    """Return the number of classes of each factor, or of the label alone."""
    if kind == "factors":
        return spec.factor_sizes
    assert spec.n_classes is not None, "known() refused it"
    return (spec.n_classes,)


def classes(batch: Batch, kind: Kind, n: int, *, model: str) -> Tensor:
    """Return the classes of a batch, shape ``(len(batch), n)``; for labels, ``n`` is 1.

    Raises:
        VaehubError: If the batch does not have them, or has a different number of factors.
    """
    values = batch.factors if kind == "factors" else batch.labels
    if values is None:
        raise VaehubError(
            f"model {model!r} needs the {kind} of every observation, and these observations have none; "
            f"data with the {kind} it was trained with work"
        )
    table = values if kind == "factors" else values[:, None]
    if table.shape[1] != n:
        raise VaehubError(
            f"model {model!r} was built for {n} factors, and these observations have {table.shape[1]}; "
            "data with the factors it was trained with work"
        )
    return table


class Auxiliary(nn.Module):
    """The variable u of an iVAE: factors rescaled to [0, 1], or one-hot labels.

    Class c of a factor with k values becomes c / (k - 1), or 0 if k is 1: minimum and maximum are those of the dataset.
    The reference uses those of each minibatch instead, which fails when a factor is constant there, and makes u depend
    on the other observations of the minibatch.

    Args:
        kind: Labels or factors.
        spec: What is known about the data, which have them.

    Attributes:
        size: Number of values of u.
    """

    largest: Tensor

    def __init__(self, kind: Kind, spec: DataSpec) -> None:
        super().__init__()
        self.kind = kind
        self._sizes = sizes(kind, spec)
        self.size = len(self._sizes) if kind == "factors" else self._sizes[0]
        # A buffer, so that it moves with the weights; not stored, because the data determine it.
        largest = torch.tensor([max(size - 1, 1) for size in self._sizes], dtype=torch.float32)
        self.register_buffer("largest", largest, persistent=False)

    def forward(self, batch: Batch) -> Tensor:
        """Return u of each observation, shape ``(n, size)``."""
        return self._of(classes(batch, self.kind, len(self._sizes), model="ivae"))

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Return ``n`` values of u, each class as likely as any other, shape ``(n, size)``."""
        device = generator.device
        drawn = [torch.randint(size, (n,), generator=generator, device=device) for size in self._sizes]
        return self._of(torch.stack(drawn, dim=1))

    def _of(self, table: Tensor) -> Tensor:
        if self.kind == "factors":
            return table / self.largest
        # functional.one_hot reads the largest label, which a batched program cannot.
        return (table == torch.arange(self.size, device=table.device)).to(self.largest.dtype)
