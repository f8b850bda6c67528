"""Parameters of similarity metrics. Loads no torch."""

from typing import Annotated

from pydantic import Field as Bound

from vaehub import Field, Params, SampleParams, SampleSize, SplitName

LayerName = Annotated[str, Bound(min_length=1)]
Rank = Annotated[int, Bound(ge=1)]


class PairSampleParams(SampleParams):
    """Parameters of every comparison of two models on the same observations."""

    n_samples: SampleSize = Field(5000, description="observations drawn; all there are, if the split has fewer")
    # The training split depends on the seed of a recipe, and that of the first model would be taken: the similarity of
    # A and B could differ from that of B and A.
    split: SplitName = Field(
        "all",
        description="split of the data, as defined by the first model's recipe; only all is the same for every seed",
    )


class PairParams(PairSampleParams):
    """Parameters of every comparison of two models layer by layer."""

    layers: tuple[LayerName, ...] = Field(
        (),
        description="layers of both models: input, encoder_1 …, mean, variance, sampled, decoder_1 …; all if none",
    )


class SignatureParams(SampleParams):
    """Parameters of signatures: the observations common to all trainings, and the vectors kept of each layer."""

    n_samples: SampleSize = Field(2000, description="observations drawn; all there are, if the split has fewer")
    split: SplitName = Field(
        "all", description="split of the data; the training split depends on the seed, and cannot be compared"
    )
    probe_seed: int = Field(
        0, ge=0, description="decides observations and sketches; only signatures with the same seed can be compared"
    )
    size: int = Field(
        4096, ge=16, le=2**20, description="length of a sketch; the error of CKA is about (1 - cka^2) / sqrt(size)"
    )
    exact: bool = Field(
        True, description="whether Grams are kept too, in HDF5: n_samples^2 / 2 numbers of 4 bytes for each layer"
    )
    layers: tuple[LayerName, ...] = Field((), description="layers, by their names; all if none")


class InputSimilarityParams(SampleParams):
    """Parameters of the similarity of layers with the input."""

    n_samples: SampleSize = Field(5000, description="observations drawn; all there are, if the split has fewer")
    split: SplitName = Field("all", description="split of the data; only all is the same for every seed of a training")
    layers: tuple[LayerName, ...] = Field(
        (), description="layers: encoder_1 …, mean, variance, sampled, decoder_1 …; those of the encoder if none"
    )


class CkaParams(PairParams):
    """Parameters of centred kernel alignment."""

    debiased: bool = Field(
        False, description="whether the bias from few observations is removed; CKA may then be negative"
    )


class ProcrustesParams(PairParams):
    """Parameters of Procrustes similarity."""

    rank: Rank | None = Field(
        None,
        description="directions of observations kept of each layer, with a bound on the error; all if not given",
    )


class VarianceSimilarityParams(PairSampleParams):
    """Parameters of the similarity of posterior variances."""

    alpha: float = Field(
        0.1,
        gt=0,
        lt=0.5,
        description="largest distance of an active latent's variances from 0, of a passive one's from 1",
    )


class SimilarityMapParams(Params):
    """Columns of a query from which similarity maps are made."""

    first: str = Field("layer_a", description="column with the labels of the map's rows")
    second: str = Field("layer_b", description="column with the labels of the map's columns")
    value: str = Field("similarity", description="column of similarities, which are averaged")
    panel: str | None = Field(None, description="column that separates maps; one map if not given")
