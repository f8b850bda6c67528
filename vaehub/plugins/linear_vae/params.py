"""Parameters of the linear VAE."""

from typing import Annotated, Literal

from vaehub import Field, ModelParams, SplitName, SplitParams

Variance = Annotated[float, Field(gt=0)]


class LinearVaeParams(ModelParams):
    """Parameters of a linear VAE."""

    beta: float = Field(1.0, gt=0, description="weight of the divergence; 1 gives the bound itself")
    decoder_variance: Variance | Literal["learned"] = Field(
        "learned", description="variance of every value around the reconstruction; learned makes it one more weight"
    )
    solution: Literal["gradient", "closed_form"] = Field(
        "gradient", description="where the weights come from: steps of the optimiser, or the known optimum"
    )


class LinearVaeTheoryParams(SplitParams):
    """Parameters of the comparison with theory."""

    split: SplitName = Field("train", description="split of the data whose covariance the prediction is computed from")
    active_below: float = Field(
        0.95, gt=0, lt=1, description="a trained latent counts as active if its posterior variance is below this"
    )
