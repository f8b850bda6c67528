"""Parameters of users' own encoders and decoders."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator

from vaehub import Field, Incidental, Params
from vaehub.files import checksum

FILES = ("encoder", "decoder", "weights")


class OwnNetworkParams(Params):
    """A pair of programs, or a Python object and perhaps its weights; files are identified by their content."""

    encoder: Annotated[Path | None, Incidental()] = Field(
        None, description="encoder as a TorchScript or torch.export program"
    )
    decoder: Annotated[Path | None, Incidental()] = Field(
        None, description="decoder as a TorchScript or torch.export program"
    )
    object: str | None = Field(
        None,
        description="import path, package.module:name, of a module with the attributes encoder and decoder, of a pair "
        "of modules, or of a class or function that returns either without arguments",
    )
    weights: Annotated[Path | None, Incidental()] = Field(
        None, description="weights of the object: safetensors, or what torch.load reads with weights_only=True"
    )
    output: Literal["mean", "logits"] = Field(
        "mean", description="whether the decoder returns means of p(x|z), or logits"
    )
    scale: Literal["logvar", "variance", "std"] | None = Field(
        None, description="what the encoder gives beside the means, where no name says it: logvar, variance or std"
    )
    statistics: Literal["separate", "concatenated"] = Field(
        "separate",
        description="concatenated if the encoder gives one tensor, the means and then the log variances (or the scale)",
    )
    inputs: str | None = Field(
        None, description="range of values the network was trained on, such as -1..1, for data in [0, 1]"
    )
    content: dict[str, str] | None = Field(
        None, description="digests of the files; computed by themselves, checked if given"
    )

    @model_validator(mode="before")
    @classmethod
    def _known_by_content(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given, expected = {name: values[name] for name in FILES if values.get(name) is not None}, values.get("content")
        if not all(isinstance(path, str | Path) for path in given.values()) or not isinstance(expected, dict | None):
            # Reported together with the other problems.
            return values
        paths = {name: Path(path).expanduser().resolve() for name, path in given.items()}
        for name, path in paths.items():
            if not path.is_file():
                raise ValueError(f"there is no file at {str(path)!r}, which {name!r} names")
        found = {name: checksum(path, "sha256") for name, path in paths.items()}
        if expected is not None and expected != found:
            changed = " and ".join(name for name in FILES if expected.get(name) != found.get(name))
            raise ValueError(f"the file of {changed} has changed; put it back, or run the recipe again")
        return {**values, **paths, "content": found}

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        pair = self.encoder is not None and self.decoder is not None
        alone = (self.encoder is None) != (self.decoder is None)
        if alone or pair == (self.object is not None):
            raise ValueError("name either both 'encoder' and 'decoder', or 'object'")
        if self.weights is not None and self.object is None:
            raise ValueError("'weights' belong to an 'object'; a program brings its own")
        return self
