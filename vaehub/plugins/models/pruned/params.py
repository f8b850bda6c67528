"""Parameters of models that learn their number of latents."""

from typing import Annotated, Literal

from pydantic import Field as Bound

from vaehub import Field, LikelihoodName, LikelihoodParams

Width = Annotated[int, Bound(gt=0)]


class GecoL0ArmParams(LikelihoodParams):
    """Parameters of a GECO-L0-ARM-VAE; those of the gates are ours, because no code was published."""

    likelihood: LikelihoodName = Field("squared_error", description="likelihood of the reconstruction term")
    tau: float = Field(
        10.0,
        description="upper bound of the reconstruction term, summed over an observation's values; the paper has, for "
        "squared error, MNIST 10, CelebA 300, CIFAR10 25, ImageNet32 15",
    )
    gate_weight: float = Field(1.0, ge=0, description="weight of the expected number of open gates")
    multiplier: Literal["softplus", "exponential"] = Field(
        "softplus",
        description="how the multiplier follows the violation: as the squared softplus of a weight, at most 20 "
        "(the authors' library), or growing with each nat of violation (GECO, Algorithm 1)",
    )
    multiplier_rate: float = Field(
        5.0,
        gt=0,
        description="largest step of the softplus multiplier's weight, relative to the learning rate of the network",
    )
    multiplier_speed: float = Field(
        1e-3, gt=0, description="growth of the exponential multiplier's logarithm per step and unit of violation"
    )
    averaging: float = Field(0.99, ge=0, lt=1, description="decay of the violation's moving average per step")
    steepness: float = Field(7.0, gt=0, description="k of a gate's probability sigmoid(k phi)")
    gate_start: float = Field(0.3, gt=0, description="initial phi of all gates; positive, so that they begin open")
    gate_rate: float = Field(
        1.0, gt=0, description="size of the gates' plain gradient steps, relative to the network's learning rate"
    )
    gate_draws: int = Field(8, gt=0, le=100_000, description="pairs of draws of all gates for one of their steps")
    gate_limit: float = Field(
        0.5,
        gt=0,
        description="largest magnitude of phi; beyond about 0.5 a gate hardly ever changes, and learns nothing",
    )


class MaskAaeParams(LikelihoodParams):
    """Parameters of a MaskAAE, as in the released code.

    There ``train.learning_rate`` is 1e-4, ``train.batch_size`` 64, and a training has 500,000 steps.
    """

    latent_dim: int = Field(48, gt=0, description="number of latents")
    spread_weight: float = Field(100.0, ge=0, description="weight of the spread of masked latents in the loss")
    critic_steps: int = Field(5, gt=0, le=1_000_000, description="steps of the critic per step of the autoencoder")
    critic_hidden: tuple[Width, ...] = Field((1024, 1024, 1024, 1024), description="widths of the critic's layers")
    gradient_weight: float = Field(10.0, ge=0, description="weight of the critic's gradient penalty")
    mask_reconstruction_weight: float = Field(
        1000.0, ge=0, description="weight of the reconstruction term per value in the mask's loss"
    )
    doubling_steps: int | None = Field(
        None,
        gt=0,
        description="steps between doublings of the weight that drives the mask towards 0 and 1; none is 300 for at "
        "most 20 latents, else 4 min(10000, floor(112.5 latent_dim))",
    )
    fast_rate: float = Field(
        5.0, gt=0, description="first learning rate of autoencoder and mask, relative to critic and encoder"
    )
    slow_after: int = Field(
        375, gt=0, description="steps after which the learning rate of autoencoder and mask is divided by slow_factor"
    )
    slow_factor: float = Field(5.0, ge=1, description="what that learning rate is divided by; 1 keeps it")
    active_from: float = Field(0.1, gt=0, lt=1, description="smallest mask of an active latent")
