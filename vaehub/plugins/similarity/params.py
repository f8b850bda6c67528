"""Parameters of similarities of representations, and of signatures for later comparison. Knows no torch."""

from typing import Annotated

from pydantic import Field as Bound

from vaehub import Field, Params, SampleParams, SampleSize, SplitName

LayerName = Annotated[str, Bound(min_length=1)]
Rank = Annotated[int, Bound(ge=1)]


class PairParams(SampleParams):
    """Which observations two models are compared on, and which of their layers."""

    n_samples: SampleSize = Field(5000, description="observations drawn; all there are, if the split has fewer")
    # The training split of two recipes with different seeds is not the same, and that of the first would be taken: A
    # with B could come out another way than B with A.
    split: SplitName = Field(
        "all", description="split of the data, as the first model has it; only all is the same for every training"
    )
    layers: tuple[LayerName, ...] = Field(
        (),
        description="layers of both models: input, encoder_1 …, mean, variance, sampled, decoder_1 …; all if none",
    )


class SignatureParams(SampleParams):
    """Observations that every training is probed with, and the signature that is kept for each layer."""

    n_samples: SampleSize = Field(2000, description="observations; all there are, if the split has fewer")
    split: SplitName = Field(
        "all", description="split of the data; the training split is another for every seed, and cannot be compared"
    )
    probe_seed: int = Field(
        0, ge=0, description="decides observations and sketches; only signatures of the same can be compared"
    )
    size: int = Field(
        4096, ge=16, le=2**20, description="numbers of a sketch; the error of CKA is about (1 - cka^2) / sqrt(size)"
    )
    exact: bool = Field(
        True, description="whether Grams are kept too, in HDF5: n_samples^2 / 2 numbers of 4 bytes for each layer"
    )
    layers: tuple[LayerName, ...] = Field((), description="layers, by their names; all if none")


class CkaParams(PairParams):
    """Parameters of centred kernel alignment."""

    debiased: bool = Field(
        False, description="whether the bias that few observations cause is removed; the result may then be negative"
    )


class ProcrustesParams(PairParams):
    """Parameters of Procrustes similarity."""

    rank: Rank | None = Field(
        None,
        description="principal directions of observations kept for each layer, with a bound on the error; all if none",
    )


class VarianceSimilarityParams(SampleParams):
    """Which observations posterior variances are compared on, and when a latent is active or passive."""

    n_samples: SampleSize = Field(5000, description="observations drawn; all there are, if the split has fewer")
    split: SplitName = Field("all", description="split of the data, as the first model has it")
    alpha: float = Field(
        0.1, gt=0, lt=0.5, description="how far variances of an active latent are from 0, and of a passive one from 1"
    )


class SimilarityMapParams(Params):
    """Roles of the columns of a query."""

    first: str = Field("layer_a", description="column that names rows of the map")
    second: str = Field("layer_b", description="column that names columns of the map")
    value: str = Field("similarity", description="column of scores, which are averaged")
    panel: str | None = Field(None, description="column that tells several maps apart; one map if not given")
