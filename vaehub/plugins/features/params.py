"""Parameters of the extractors. Knows no torch."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import model_validator

from vaehub import Field, Params, StoredTraining
from vaehub.features import WeightsParams
from vaehub.plugins.features.weights import imagenet_weights, inception_weights, resnet18_weights


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


class Resnet18Params(WeightsParams):
    """Parameters of ResNet-18, whose weights the user brings; which they are decides the features."""

    @classmethod
    def find(cls, named: Path | None) -> Path:
        """Return the file that is named."""
        return resnet18_weights(named)


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
    """Parameters of a user's own module: it is known by its code and settings, and its weights by their values."""

    module: str | None = Field(
        None,
        description="import path, package.module:name, of a torch module, or of a class or function that makes one "
        "without arguments; has to be given",
    )
    code: str | None = Field(
        None, description="digest of the module's code and settings; found by itself, checked if given"
    )

    @model_validator(mode="before")
    @classmethod
    def _known_by_content(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("module"), str):
            return values
        named, content = values.get("weights"), values.get("content")
        if isinstance(named, str | Path):
            named = cls.find(Path(named).expanduser().resolve())
            values = {**values, "weights": named}
        elif named is not None:
            return values  # reported with the other problems
        code, found = _identities(values["module"], named, content is not None)
        if values.get("code") not in (None, code):
            raise ValueError(
                f"the code or the settings of {values['module']!r} have changed, which gives other numbers; put them "
                "back, or measure anew"
            )
        if found is not None and content not in (None, found):
            raise ValueError(f"the weights in {str(named)!r} have {found} and had {content}; put that file back")
        return {**values, "code": code} | ({} if found is None else {"content": found})

    def file(self) -> Path | None:
        """Return the file of weights, whose values were checked when these parameters were made.

        Raises:
            VaehubError: If it was never named.
        """
        return super().file() if self.weights is None else self.weights

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if self.module is None:
            raise ValueError(
                "'features' is 'module', and 'module' names none; give its import path, package.module:name"
            )
        return self


def _identities(path: str, weights: Path | None, has_weights: bool) -> tuple[str, str | None]:
    # Brings torch along, which other parameters do not need.
    from vaehub.plugins.features.module import identities

    return identities(path, weights, has_weights=has_weights)
