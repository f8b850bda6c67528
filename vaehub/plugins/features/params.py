"""Parameters of the extractors. Knows no torch."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import model_validator

from vaehub import Field, Params, StoredTraining
from vaehub.features import WeightsParams
from vaehub.plugins.features.weights import imagenet_weights, inception_weights


class InceptionParams(WeightsParams):
    """Parameters of Inception; the file of weights is looked for in the known places unless it is named."""

    @classmethod
    def find(cls, named: Path | None) -> Path:
        """Return the published file of weights."""
        return inception_weights(named)


class ImagenetParams(WeightsParams):
    """Parameters of EfficientNet-Lite0, whose weights come with a package."""

    @classmethod
    def find(cls, named: Path | None) -> Path:
        """Return the packaged file of weights."""
        if named is not None:
            raise ValueError(
                f"'weights' is {str(named)!r}, and 'imagenet' has weights of its own; leave 'weights' out, or set "
                "'features' to 'module'"
            )
        return imagenet_weights()


class TrainingParams(Params):
    """Parameters of the encoder of a stored training."""

    training: Annotated[str | None, StoredTraining()] = Field(
        None, description="stored training that encodes, by the beginning of its id; has to be given"
    )

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if self.training is None:
            raise ValueError("'features' is 'training', and 'training' names none; give the beginning of its id")
        return self


class ModuleParams(WeightsParams):
    """Parameters of a user's own module."""

    module: str | None = Field(
        None,
        description="import path, package.module:name, of a torch module, or of a class or function that makes one "
        "without arguments; has to be given",
    )

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if self.module is None:
            raise ValueError(
                "'features' is 'module', and 'module' names none; give its import path, package.module:name"
            )
        return self
