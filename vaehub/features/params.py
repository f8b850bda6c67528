"""Parameters that name features of observations. Knows no torch."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from vaehub.core.params import Incidental, Params, StoredTraining
from vaehub.features.weights import seen, weights_file


class FeatureParams(Params):
    """As which features observations are compared; :func:`vaehub.feature_extractor` makes them. Defaults need no file.

    A file of weights is known by what it holds: its checksum is part of the identity, and where it lies is not. What is
    stored names the checksum alone, which is enough to draw it; whoever measures needs the file.
    """

    features: Literal["pixels", "inception", "imagenet", "training", "module"] = Field(
        "pixels",
        description="what is compared of an observation: its values, the last pooled features of Inception v3 (FID) or "
        "of EfficientNet-Lite0, of vaehub[imagenet], the posterior mean of a stored training, or what a module of your "
        "own makes of it",
    )
    training: Annotated[str | None, StoredTraining()] = Field(
        None, description="stored training that encodes, by the beginning of its id; only with features of a training"
    )
    module: str | None = Field(
        None,
        description="import path, package.module:name, of a torch module, or of a class or function that makes one "
        "without arguments; is given (n, c, h, w) in [0, 1]; only with features of a module",
    )
    weights: Annotated[Path | None, Incidental()] = Field(
        None,
        description="file of weights: of the module, safetensors or what torch.load reads with weights_only=True; or "
        "of Inception, for which none looks in the known places",
    )
    content: str | None = Field(None, description="checksum of the weights; found by itself, checked if given")

    @model_validator(mode="before")
    @classmethod
    def _known_by_weights(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        features, named = values.get("features", cls.model_fields["features"].default), values.get("weights")
        if isinstance(named, str | Path):
            named = Path(named).expanduser().resolve()
            values = {**values, "weights": named}
        elif named is not None or values.get("content") is not None:
            # No path at all, which is told with other problems; or read from a store, which needs no file.
            return values
        file = weights_file(features, named)
        return values if file is None else {**values, "content": seen(file, values.get("content"))}

    @model_validator(mode="after")
    def _features_fit(self) -> Self:
        for name, how in (("training", "the beginning of its id"), ("module", "its import path, package.module:name")):
            given = getattr(self, name)
            if self.features == name and given is None:
                raise ValueError(f"'features' is {name!r}, and {name!r} names none; give {how}")
            if self.features != name and given is not None:
                raise ValueError(
                    f"{name!r} is {given!r}, and 'features' is {self.features!r}; set 'features' to {name!r}, or leave "
                    f"{name!r} out"
                )
        if self.weights is not None and self.features not in ("inception", "module"):
            raise ValueError(f"'weights' are those of 'inception' or a 'module', and 'features' is {self.features!r}")
        if self.content is not None and self.features in ("pixels", "training"):
            raise ValueError(f"'content' is a checksum of weights, and {self.features!r} have none in a file")
        return self
