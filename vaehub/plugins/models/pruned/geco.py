"""GECO-L0-ARM-VAE."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from vaehub import Autoencoder, Batch, DataSpec, Losses, Network, Step
from vaehub.plugins.models.pruned.kernels import arm_gradient, gates_of, kl_per_latent, next_multiplier
from vaehub.plugins.models.pruned.params import GecoL0ArmParams


@final
class GecoL0Arm(Autoencoder[GecoL0ArmParams]):
    """GECO-L0-ARM-VAE: De Boom et al. 2020.

    Each latent has a binary gate, the same for all observations, open with probability ``sigmoid(k phi)``. The KL
    divergence of open latents and the expected number of open gates are minimised subject to a reconstruction term
    below ``tau``, enforced by a multiplier that grows while the constraint is violated. Gates learn by the ARM
    estimator, from two draws per step, once the moving average of the violation has been at most 0; until then all are
    open. In evaluation a gate is open if its probability is above 1/2.

    No code was published. All values but ``tau``, the range of the multiplier and its initial value of 1 are ours; with
    them, digits and sprites met their bound and closed three of four gates. A bound that is met with hardly any latent
    can close all gates, and then none opens again, because the estimated gradient is zero if gates never differ.
    """

    multiplier: Tensor
    moving_average: Tensor
    constraint_met: Tensor

    def __init__(self, params: GecoL0ArmParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self.phi = nn.Parameter(torch.full((params.latent_dim,), params.gate_start))
        # Buffers, so that they are stored with the weights and a resumed training goes on with them.
        self.register_buffer("multiplier", torch.tensor(1.0))
        self.register_buffer("moving_average", torch.tensor(0.0))
        self.register_buffer("constraint_met", torch.tensor(False))

    @property
    def logits(self) -> Tensor:
        """Log odds that each gate is open, shape ``(latent_dim,)``."""
        return self.params.steepness * self.phi

    @property
    def active(self) -> Tensor:
        """Whether each gate is open with a probability above 1/2, shape ``(latent_dim,)``."""
        return self.phi.detach() > 0

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z), which ignores latents whose gates are closed."""
        return self.likelihood.mean(self.network.decoder(z * self.active))

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the divergence of open latents, the weighted number of open gates, and the weighted violation."""
        posterior = self.encode(batch)
        assert posterior.logvar is not None
        z = posterior.sample(step.generator)
        kl = kl_per_latent(posterior.mu, posterior.logvar)
        n_open = self.logits.sigmoid().sum()
        if self.training:
            u = torch.rand(z.shape[1], generator=step.generator, device=z.device, dtype=z.dtype)
            first, second = (torch.where(self.constraint_met, gates, 1.0) for gates in gates_of(u, self.logits))
        else:
            first = self.active.to(z.dtype)
        reconstruction = self.reconstruction(z * first, batch)
        cost = self.multiplier * reconstruction + (first * kl).sum()
        gates_cost = self.params.gate_weight * n_open
        if self.training:
            with torch.no_grad():
                other = self.multiplier * self.reconstruction(z * second, batch) + (second * kl).sum()
            # Its value is zero; it contributes only the gradient of the expected cost.
            surrogate = (arm_gradient(cost.detach(), other, u) * self.logits).sum()
            learned = gates_cost + surrogate - surrogate.detach()
            gates_cost = torch.where(self.constraint_met, learned, gates_cost.detach())
        total = cost + gates_cost - self.multiplier * self.params.tau
        terms = {
            "reconstruction": reconstruction,
            "kl": kl.sum(),
            "n_open": n_open,
            # A copy, because it is updated in place before an epoch's means are taken.
            "multiplier": self.multiplier.clone(),
        }
        return Losses(total, terms, self.likelihood.omitted)

    def optimiser(self, learning_rate: float) -> torch.optim.Optimizer:
        """Return Adam, with a learning rate of its own for the gates."""
        network = [weight for weight in self.parameters() if weight is not self.phi]
        optimiser = torch.optim.Adam(network, lr=learning_rate, fused=True)
        optimiser.add_param_group({"params": [self.phi], "lr": learning_rate * self.params.gate_rate})
        return optimiser

    @torch.no_grad()
    def step_ended(self, losses: Losses, step: Step) -> None:
        """Update the multiplier by the moving average of the violation, which starts at that of the first step."""
        violation = losses.terms["reconstruction"].detach() - self.params.tau
        kept = self.params.averaging if step.index > 0 else 0.0
        self.moving_average.copy_(kept * self.moving_average + (1 - kept) * violation)
        self.constraint_met.logical_or_(self.moving_average <= 0)
        self.multiplier.copy_(next_multiplier(self.multiplier, self.moving_average, self.params.multiplier_speed))

    def notes(self) -> Sequence[str]:
        """Return the number of open gates, and whether the constraint was met."""
        found = f"{int(self.active.sum())} of {self.latent_dim} gates are open"
        if bool(self.constraint_met):
            return (f"{found}; the reconstruction term met its bound of {self.params.tau:g}",)
        return (f"{found}, because the reconstruction term never met its bound of {self.params.tau:g}",)
