"""Mathematics of the standard VAE."""

from torch import Tensor

from vaehub import accepts_arrays


@accepts_arrays
def kl_to_standard_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the divergence of each posterior from a standard normal prior.

    Kingma & Welling 2014, Appendix B.

    Args:
        mu: Posterior means, shape ``(n, latent_dim)``.
        logvar: Natural logarithm of the posterior variances, shape ``(n, latent_dim)``.

    Returns:
        Divergence in nats, summed over latents, shape ``(n,)``; zero where the posterior equals the prior.
    """
    return 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(dim=1)
