"""Parameters of the linear VAE."""

from typing import Annotated, Literal

from vaehub import Field, ModelParams

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
