"""The contract of likelihoods p(x|z): mean, reconstruction term, and what the encoder sees of an observation."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from vaehub.core.data.dataset import Dataset


class Likelihood(nn.Module, ABC):
    """The distribution of an observation given the decoder's output.

    A module, because a learned variance is a weight like any other.

    Attributes:
        omitted: Constant that :meth:`reconstruction` leaves out of -log p(x|z), in nats per observation.
    """

    omitted: float = 0.0

    @abstractmethod
    def mean(self, output: Tensor) -> Tensor:
        """Return the mean of p(x|z) for a decoder's output, in the same shape."""

    @abstractmethod
    def reconstruction(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the reconstruction term of each observation, summed over its values, in nats, shape ``(n,)``."""

    def encoder_input(self, x: Tensor) -> Tensor:
        """Return what the encoder sees of observations, in the same shape: by default themselves."""
        return x

    def comparable(self, x: Tensor) -> Tensor:
        """Return observations on the scale of :meth:`mean`, in the same shape: by default themselves."""
        return x

    def prepare(self, train: Dataset) -> None:
        """Set from the training split what is not learned; by default nothing."""
