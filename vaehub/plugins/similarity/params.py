"""Parameters of what is asked of two models. Knows no torch."""

from typing import Annotated, Literal

from pydantic import Field as Bound

from vaehub import Field, Params

LayerName = Annotated[str, Bound(min_length=1)]
Rank = Annotated[int, Bound(ge=1)]


class PairParams(Params):
    """Which observations two models are compared on, and which of their layers."""

    n_samples: int = Field(5000, ge=4, description="observations drawn; all there are, if the part has fewer")
    # The training part of two recipes with different seeds is not the same, and that of the first would be taken: A
    # with B could come out another way than B with A.
    part: Literal["train", "validation", "test", "all"] = Field(
        "all", description="part of the data, as the first model has it; only all is the same for every training"
    )
    layers: tuple[LayerName, ...] = Field(
        (),
        description="layers of both models: input, encoder_1 …, mean, variance, sampled, decoder_1 …; all if none",
    )


class CkaParams(PairParams):
    """Parameters of centred kernel alignment."""

    debiased: bool = Field(
        False, description="whether alignment that comes of few observations is taken off; it may then be negative"
    )


class ProcrustesParams(PairParams):
    """Parameters of Procrustes similarity."""

    rank: Rank | None = Field(
        None, description="singular values that are computed of each pair, with a bound on the error; none means all"
    )
