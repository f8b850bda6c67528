"""VAEs that differ in the regularisation of the latents."""

from collections.abc import Mapping
from typing import final

from torch import Tensor

from vaehub import Posterior, Step
from vaehub.plugins.models.vae.kernels import capacity, covariance_penalties, total_correlation
from vaehub.plugins.models.vae.params import (
    AnnealedVaeParams,
    BetaTcVaeParams,
    BetaVaeParams,
    DipVaeIIParams,
    DipVaeIParams,
    DipVaeParams,
)
from vaehub.plugins.models.vae.standard import StandardVae

Terms = Mapping[str, Tensor]


@final
class Vae(StandardVae):
    """Variational autoencoder: Kingma & Welling 2014, Eq. 10 with one draw."""

    def regularisation(self, kl: Tensor, posterior: Posterior, z: Tensor, step: Step) -> tuple[Tensor, Terms]:
        """Return the divergence."""
        return kl, {}


@final
class BetaVae(StandardVae):
    """VAE with a weighted KL divergence: Higgins et al. 2017, Eq. 4."""

    Params = BetaVaeParams
    params: BetaVaeParams

    def regularisation(self, kl: Tensor, posterior: Posterior, z: Tensor, step: Step) -> tuple[Tensor, Terms]:
        """Return beta times the divergence."""
        return self.params.beta * kl, {}


@final
class AnnealedVae(StandardVae):
    """VAE whose KL divergence is held at a capacity that rises: Burgess et al. 2018, Eq. 8.

    The absolute value is taken once per batch, after the mean of divergences, as in the code of Locatello et al. 2019.
    """

    Params = AnnealedVaeParams
    params: AnnealedVaeParams

    def regularisation(self, kl: Tensor, posterior: Posterior, z: Tensor, step: Step) -> tuple[Tensor, Terms]:
        """Return gamma times the absolute difference of the divergence and the capacity of this step."""
        reached = capacity(step.index, self.params.max_capacity, self.params.capacity_steps)
        return self.params.gamma * (kl - reached).abs(), {}


@final
class BetaTcVae(StandardVae):
    """VAE with a weighted total correlation: Chen et al. 2018, Eq. 4 with alpha and gamma 1."""

    Params = BetaTcVaeParams
    params: BetaTcVaeParams

    def regularisation(self, kl: Tensor, posterior: Posterior, z: Tensor, step: Step) -> tuple[Tensor, Terms]:
        """Return the divergence plus (beta - 1) times the total correlation of the batch."""
        assert posterior.logvar is not None
        correlation = total_correlation(z, posterior.mu, posterior.logvar)
        return kl + (self.params.beta - 1) * correlation, {"total_correlation": correlation}


class DipVae(StandardVae):
    """VAE whose aggregate posterior is pulled towards uncorrelated latents of variance 1: Kumar et al. 2018.

    Covariances are those of the batch, divided by its size.
    """

    params: DipVaeParams
    includes_variance: bool
    """Whether the covariance is that of z (II) or of its mean (I)."""

    def regularisation(self, kl: Tensor, posterior: Posterior, z: Tensor, step: Step) -> tuple[Tensor, Terms]:
        """Return the divergence plus the weighted penalties."""
        off_diagonal, diagonal = covariance_penalties(
            posterior.mu, posterior.logvar if self.includes_variance else None
        )
        added = kl + self.params.lambda_off_diagonal * off_diagonal + self.params.lambda_diagonal * diagonal
        return added, {"off_diagonal": off_diagonal, "diagonal": diagonal}


@final
class DipVaeI(DipVae):
    """DIP-VAE-I: Kumar et al. 2018, Eq. 6."""

    Params = DipVaeIParams
    params: DipVaeIParams
    includes_variance = False


@final
class DipVaeII(DipVae):
    """DIP-VAE-II: Kumar et al. 2018, Eq. 7."""

    Params = DipVaeIIParams
    params: DipVaeIIParams
    includes_variance = True
