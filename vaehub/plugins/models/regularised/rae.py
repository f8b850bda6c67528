"""The regularised autoencoder."""

from typing import final

import torch
from torch import Tensor

from vaehub import Autoencoder, Batch, DataSpec, Epoch, Losses, Network, Step
from vaehub.plugins.models.regularised.params import RaeParams


@final
class Rae(Autoencoder[RaeParams]):
    """RAE-L2: Ghosh et al. 2020, Eq. 9 with an L2 penalty on the decoder's weights.

    The published weights are for an error averaged over pixels. Here the error is summed, as everywhere, and the
    penalties are multiplied by the number of pixels, which changes the objective by a constant factor. The paper uses
    half the squared norm of a code z, the released code the mean of squares over latents; the paper is followed.
    """

    n_statistics = 1
    mixture: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, params: RaeParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self.n_pixels = spec.n_values // (spec.shape[0] if len(spec.shape) == 3 else 1)
        k, d = params.n_components, params.latent_dim
        # Stored with the weights; a standard normal until the mixture is fitted.
        self.register_buffer("mixture", torch.eye(k)[0])
        self.register_buffer("means", torch.zeros(k, d))
        self.register_buffer("factors", torch.eye(d).repeat(k, 1, 1))

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term plus the weighted norms of codes and weights."""
        z = self.encode(batch).mu
        reconstruction = self.reconstruction(z, batch)
        latent_norm = 0.5 * z.square().sum(dim=1).mean()
        decoder_norm = torch.stack([weight.square().sum() for weight in self.network.decoder.parameters()]).sum()
        penalty = self.params.latent_weight * latent_norm + self.params.decoder_weight * decoder_norm
        terms = {"reconstruction": reconstruction, "latent_norm": latent_norm, "decoder_norm": decoder_norm}
        return Losses(reconstruction + self.n_pixels * penalty, terms, self.likelihood.omitted)

    def training_ended(self, epoch: Epoch) -> None:
        """Fit a mixture of Gaussians to the codes of training observations: Ghosh et al. 2020, Section 4."""
        from sklearn.mixture import GaussianMixture

        random = epoch.generator
        order = torch.randperm(len(epoch.data), generator=random, device=random.device)
        z = self.encode_all(epoch.data.subset(order[: self.params.n_codes])).mu.cpu().double().numpy()
        seed = int(torch.randint(2**31, (1,), generator=random, device=random.device))
        k = min(self.params.n_components, len(z))
        fitted = GaussianMixture(k, random_state=seed).fit(z)
        self.mixture[:k], self.mixture[k:] = torch.from_numpy(fitted.weights_), 0
        self.means[:k] = torch.from_numpy(fitted.means_)
        self.factors[:k] = torch.linalg.cholesky(torch.from_numpy(fitted.covariances_))

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws from the fitted mixture."""
        device = generator.device
        chosen = torch.multinomial(self.mixture.to(device), n, replacement=True, generator=generator)
        noise = torch.randn(n, self.latent_dim, 1, generator=generator, device=device)
        return self.means.to(device)[chosen] + (self.factors.to(device)[chosen] @ noise)[..., 0]
