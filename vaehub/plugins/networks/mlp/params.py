"""Parameters of the fully connected network."""

from typing import Annotated, Literal

from pydantic import Field as Bound

from vaehub import Field, Params

Width = Annotated[int, Bound(gt=0)]


class MlpParams(Params):
    """Widths and non-linearity of the layers between data and latents."""

    hidden: tuple[Width, ...] = Field((400,), description="widths of the encoder's layers; the decoder mirrors them")
    activation: Literal["relu", "elu", "leaky_relu", "tanh", "gelu"] = Field(
        "relu", description="non-linearity after each hidden layer"
    )
