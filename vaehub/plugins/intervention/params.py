"""Parameters of the intervention analysis."""

from typing import Literal

from vaehub import Field, Params


class InterventionParams(Params):
    """Parameters of the intervention analysis; defaults reproduce the published figures."""

    n_samples: int = Field(500, gt=0, description="observations that errors are averaged over")
    noise: Literal["shared", "fresh"] = Field(
        "shared", description="whether all interventions on an observation change one sample, or each a fresh one"
    )
    n_noise: int = Field(1, gt=0, description="samples of each observation")
    significance: float = Field(
        1.5, gt=0, description="a ratio is significant above this many times the share of one latent among equals"
    )
    part: Literal["train", "validation", "test", "all"] = Field("train", description="part of the data that is used")
