"""The supervised baseline: an encoder with classification heads."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaehub import Batch, DataSpec, LatentModel, Losses, Network, Posterior, Step, VaehubError
from vaehub.plugins.models.conditioned.auxiliary import classes, known, sizes
from vaehub.plugins.models.conditioned.params import ClassifierParams


@final
class Classifier(LatentModel[ClassifierParams]):
    """A network's encoder with one linear head for each factor, or for the label: Bonheme 2023, Appendix C.3.

    Its layers are to be compared with those of a VAE's encoder. The reference puts its heads on the last hidden layer;
    here the encoder keeps its last layer, with one output per latent, so that every layer has a counterpart in a VAE.
    The heads therefore see only ``latent_dim`` numbers.

    There is no decoder: the network's decoder is unused and keeps its initial weights, and nothing is decoded or drawn.
    """

    n_statistics = 1
    decodes = False

    def __init__(self, params: ClassifierParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self._target = known(params.target, spec, model="classifier", parameter="target", purpose="its classes")
        self.heads = nn.ModuleList(nn.Linear(params.latent_dim, size) for size in sizes(self._target, spec))

    def encode(self, batch: Batch) -> Posterior:
        """Return the encoder's outputs as means, without a variance."""
        return Posterior(self.network.encoder(batch.x), None)

    def logits(self, batch: Batch) -> list[Tensor]:
        """Return the logits of each factor, or of the label alone, shape ``(n, n_classes)`` each."""
        mu = self.encode(batch).mu
        return [head(mu) for head in self.heads]

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the cross-entropy, summed over heads; ``accuracy`` is their mean rate of correct predictions."""
        truth = classes(batch, self._target, len(self.heads), model="classifier").unbind(dim=1)
        pairs = list(zip(self.logits(batch), truth, strict=True))
        cross_entropy = torch.stack([functional.cross_entropy(logits, true) for logits, true in pairs]).sum()
        right = torch.stack([logits.argmax(dim=1) == true for logits, true in pairs])
        terms = {"cross_entropy": cross_entropy, "accuracy": right.to(cross_entropy.dtype).mean()}
        return Losses(cross_entropy, terms)

    def decode(self, z: Tensor) -> Tensor:
        """Refuse.

        Raises:
            VaehubError: Always.
        """
        raise VaehubError("model 'classifier' has no decoder and gives no reconstructions; 'vae' and 'ivae' do")

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Refuse.

        Raises:
            VaehubError: Always.
        """
        raise VaehubError("model 'classifier' has no prior to draw from")

    def optimiser(self, learning_rate: float) -> torch.optim.Optimizer:
        """Return Adam over encoder and heads; the decoder is unused."""
        weights = [*self.network.encoder.parameters(), *self.heads.parameters()]
        return torch.optim.Adam(weights, lr=learning_rate, fused=True)
