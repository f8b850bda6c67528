"""Parameters of what asks for features by name. Knows no torch."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from vaehub.core.identity import Json
from vaehub.core.params import Incidental, Params, StoredTraining

SHARED = ("training", "module", "weights", "content")
"""Parameters of extractors that stand among those of the metric; all others are its ``options``."""
LATER = ("options", "extractor_revision")
"""Parameters that are part of an identity only where they say something."""


class FeatureParams(Params):
    """As which features observations are compared; ``metric.feature_extractor`` makes them. Defaults need no file.

    Which parameters go with an extractor is for the extractor to say, when a metric is asked for: the hub fills in what
    identifies it. A file of weights is known by what it holds: its checksum is part of the identity, and where it lies
    is not. What is stored names the checksum alone, which is enough to draw it; whoever measures needs the file.
    """

    features: str = Field(
        "pixels",
        description="feature extractor, which decides what is compared of an observation: pixels, inception (FID), "
        "imagenet, resnet18, training, module, or that of a plugin; 'vaehub list features' shows all",
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
        description="file of weights of the extractor, if it takes one: of a module, safetensors or what torch.load "
        "reads with weights_only=True; of ResNet-18; or of Inception, for which none looks in the known places",
    )
    content: str | None = Field(None, description="checksum of the weights; found by itself, checked if given")
    options: dict[str, object] | None = Field(
        None, description="other parameters of the extractor, by name; 'vaehub describe NAME' shows them"
    )
    extractor_revision: int | None = Field(
        None, gt=0, description="revision of the extractor, if it is not the first; found by itself, checked if given"
    )

    def identity(self) -> dict[str, Json]:
        """Return the values that decide a number; options and revision only where there are any.

        Measurements that were stored before there were extractors with options keep their identity so.
        """
        found = super().identity()
        return {name: value for name, value in found.items() if name not in LATER or value is not None}

    @property
    def of_extractor(self) -> dict[str, object]:
        """Names and values that the extractor is given: those that were set."""
        shared = {name: value for name in SHARED if (value := getattr(self, name)) is not None}
        return shared | (self.options or {})

    def identified(self, name: str, revision: int, extractor: Params) -> Self:
        """Return the same with all that identifies the extractor.

        Args:
            name: Of the extractor, which no other has.
            revision: As its manifest says.
            extractor: Its own parameters, validated.
        """
        shared = {each: getattr(extractor, each) for each in SHARED if each in type(extractor).model_fields}
        # Of these all count: only the place of the weights is incidental.
        others = extractor.model_dump(mode="json", exclude=set(SHARED))
        return self.model_copy(
            update={
                "features": name,
                **shared,
                "options": others or None,
                "extractor_revision": revision if revision > 1 else None,
            }
        )
