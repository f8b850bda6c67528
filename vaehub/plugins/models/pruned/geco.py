"""GECO-L0-ARM-VAE."""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor, nn

from vaehub import Adversary, Autoencoder, Batch, DataSpec, Losses, Network, Step
from vaehub.analysis import evaluating
from vaehub.plugins.models.pruned.kernels import (
    LARGEST_SOFTPLUS_MULTIPLIER,
    arm_gradient,
    gates_of,
    kl_per_latent,
    next_multiplier,
    relative_violation,
    softplus_multiplier,
    softplus_weight,
)
from vaehub.plugins.models.pruned.params import GecoL0ArmParams


@final
class GecoL0Arm(Autoencoder[GecoL0ArmParams]):
    """GECO-L0-ARM-VAE: De Boom et al. 2020.

    Each latent has a binary gate, the same for all observations, open with probability ``sigmoid(k phi)``. The KL
    divergence of open latents and the expected number of open gates are minimised subject to a reconstruction term
    below ``tau``, enforced by a multiplier that grows while the constraint is violated. Until the moving average of the
    violation has been at most 0 all gates are open; from then on every step of the network sees one draw of the gates,
    and the gates learn by the ARM estimator. In evaluation a gate is open if its probability is above 1/2.

    The authors published no code of this model; the multiplier ``softplus`` is as their group's library has it: the
    square of a softplus, at most 20, of a weight. Ours are its steps, which are in proportion to the violation near the
    bound and all alike beyond: Adam's, as there, become tiny after the large violations of the first steps, so that the
    multiplier stays too high for some thousand steps, in which gates are pushed open.
    ``exponential`` is GECO as printed (Rezende & Viola 2018, Algorithm 1), which grows a hundredfold on images of 784
    values before the bound is met. Ours are: several draws of the gates for each of their steps, and plain gradient
    steps, since one draw changes the cost by more through other gates than through its own, and Adam would divide the
    steady pull of ``gate_weight`` by that noise; and a limit on phi, beyond which ARM has hardly a gradient, so that a
    gate that closed can open again while the bound is violated.
    """

    multiplier: Tensor
    moving_average: Tensor
    constraint_met: Tensor

    def __init__(self, params: GecoL0ArmParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        self.phi = nn.Parameter(torch.full((params.latent_dim,), params.gate_start))
        self.multiplier_weight = nn.Parameter(softplus_weight(torch.tensor(1.0)))
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

    @property
    def selected_latents(self) -> Tensor:
        """Whether the gate of each latent is open: those that are active."""
        return self.active

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z), which ignores latents whose gates are closed."""
        return self.likelihood.mean(self.network.decoder(z * self.active))

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the divergence of open latents, the weighted number of open gates, and the weighted violation."""
        posterior = self.encode(batch)
        assert posterior.logvar is not None
        z = posterior.sample(step.generator)
        kl = kl_per_latent(posterior.mu, posterior.logvar)
        logits = self.logits.detach()
        if self.training:
            u = torch.rand(z.shape[1], generator=step.generator, device=z.device, dtype=z.dtype)
            gates = torch.where(self.constraint_met, gates_of(u, logits)[0], 1.0)
        else:
            gates = self.active.to(z.dtype)
        reconstruction, n_open = self.reconstruction(z * gates, batch), logits.sigmoid().sum()
        violation = self.multiplier * (reconstruction - self.params.tau)
        open_kl = (gates * kl).sum()
        total = open_kl + self.params.gate_weight * n_open + violation
        terms = {
            "reconstruction": reconstruction,
            "kl": kl.sum(),
            "open_kl": open_kl,
            "n_open": n_open,
            # A copy, because it is updated in place before an epoch's means are taken.
            "multiplier": self.multiplier.clone(),
        }
        return Losses(total, terms, self.likelihood.omitted)

    def progress(self, losses: Mapping[str, float]) -> float:
        """Return the reconstruction term plus the divergence of open latents: the Lagrangian has a multiplier."""
        return losses["reconstruction"] + losses["open_kl"]

    def optimiser(self, learning_rate: float) -> torch.optim.Optimizer:
        """Return Adam over encoder, decoder and likelihood."""
        weights = [weight for weight in self.parameters() if weight is not self.phi]
        weights = [weight for weight in weights if weight is not self.multiplier_weight]
        return torch.optim.Adam(weights, lr=learning_rate, fused=True)

    def adversaries(self, learning_rate: float) -> Sequence[Adversary]:
        """Return the gates, and the multiplier where it is a weight."""
        gates = torch.optim.SGD([self.phi], lr=learning_rate * self.params.gate_rate)
        found = [Adversary("gates", gates, self.gates_loss)]
        if self.params.multiplier == "softplus":
            rate = learning_rate * self.params.multiplier_rate
            multiplier = torch.optim.SGD([self.multiplier_weight], lr=rate)
            found.append(Adversary("constraint", multiplier, self.constraint_loss))
        return found

    def gates_loss(self, batch: Batch, step: Step, losses: Losses) -> Tensor:
        """Return a loss whose gradient is the ARM estimate plus that of the expected number of open gates.

        Its value is that of the weighted number alone. Its gradient is 0 until the constraint has been met. The network
        is in evaluation mode: where batches are normalised, the cost of one draw would depend on the gates of others.
        """
        with torch.no_grad(), evaluating(self.network):
            posterior = self.encode(batch)
            assert posterior.logvar is not None
            z = posterior.sample(step.generator)
            kl = kl_per_latent(posterior.mu, posterior.logvar)
            shape = (self.params.gate_draws, z.shape[1])
            u = torch.rand(shape, generator=step.generator, device=z.device, dtype=z.dtype)
            gates = torch.cat(gates_of(u, self.logits))
            costs = self.multiplier * self._errors(z, gates, batch) + gates @ kl
            first, second = costs.chunk(2)
            estimate = arm_gradient(first[:, None], second[:, None], u).mean(dim=0)
        surrogate = (estimate * self.logits).sum()
        cost = self.params.gate_weight * self.logits.sigmoid().sum() + surrogate - surrogate.detach()
        return torch.where(self.constraint_met, cost, cost.detach() + 0 * self.phi.sum())

    def constraint_loss(self, batch: Batch, step: Step, losses: Losses) -> Tensor:
        """Return a loss whose gradient moves the multiplier's weight by a whole step, or less near the bound."""
        return -self.multiplier_weight * relative_violation(self.moving_average, self.params.tau)

    @torch.no_grad()
    def step_ended(self, losses: Losses, step: Step) -> None:
        """Update the violation's moving average, which starts at that of the first step, and the multiplier."""
        self.phi.clamp_(-self.params.gate_limit, self.params.gate_limit)
        violation = losses.terms["reconstruction"].detach() - self.params.tau
        kept = self.params.averaging if step.index > 0 else 0.0
        self.moving_average.copy_(kept * self.moving_average + (1 - kept) * violation)
        self.constraint_met.logical_or_(self.moving_average <= 0)
        if self.params.multiplier == "softplus":
            largest = softplus_weight(torch.full_like(self.multiplier_weight, LARGEST_SOFTPLUS_MULTIPLIER))
            self.multiplier_weight.copy_(torch.minimum(self.multiplier_weight, largest))
            self.multiplier.copy_(softplus_multiplier(self.multiplier_weight))
        else:
            self.multiplier.copy_(next_multiplier(self.multiplier, self.moving_average, self.params.multiplier_speed))

    def notes(self) -> Sequence[str]:
        """Return the number of open gates, and whether the constraint was met."""
        found = f"{int(self.active.sum())} of {self.latent_dim} gates are open"
        if not bool(self.constraint_met):
            return (f"{found}, because the reconstruction term never met its bound of {self.params.tau:g}",)
        if not bool(self.active.any()):
            return (
                f"{found}: a bound of {self.params.tau:g} is met without any latent; a lower 'model.tau' asks more",
            )
        return (f"{found}; the reconstruction term met its bound of {self.params.tau:g}",)

    def _errors(self, z: Tensor, gates: Tensor, batch: Batch) -> Tensor:
        """Return the reconstruction term for each draw of the gates, averaged over the batch, shape ``(n_draws,)``."""
        n_draws = len(gates)
        gated = (z * gates[:, None]).flatten(0, 1)
        x = batch.x.repeat(n_draws, *[1] * (batch.x.ndim - 1))
        errors = self.likelihood.reconstruction(self.network.decoder(gated), x)
        return errors.reshape(n_draws, -1).mean(dim=1)
