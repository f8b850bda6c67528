"""Mathematics of the iVAE."""

from torch import Tensor

from vaehub.analysis import accepts_arrays


@accepts_arrays
def kl_between_gaussians(mu: Tensor, logvar: Tensor, prior_mu: Tensor, prior_logvar: Tensor) -> Tensor:
    """Return the divergence of each posterior from its own Gaussian prior.

    Khemakhem et al. 2020, the divergence in their bound, which their code estimates from one draw of z; here it is the
    closed form for two Gaussians with diagonal covariance.

    Args:
        mu: Posterior means, shape ``(n, latent_dim)``.
        logvar: Natural logarithm of the posterior variances, same shape.
        prior_mu: Prior means, same shape.
        prior_logvar: Natural logarithm of the prior variances, same shape.

    Returns:
        Divergence in nats, summed over latents, shape ``(n,)``; zero where the posterior equals the prior, and not
        finite where a prior variance underflows in the dtype and the posterior's does not.
    """
    # Ratios of variances are differences of logarithms, so that ratios of tiny variances do not overflow.
    ratio = (logvar - prior_logvar).exp()
    distance = (mu - prior_mu).square() * (-prior_logvar).exp()
    return 0.5 * (ratio + distance - (logvar - prior_logvar) - 1).sum(dim=1)
