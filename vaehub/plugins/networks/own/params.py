"""Parameters of users' own encoders and decoders."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator

from vaehub import Field, Incidental, Params, VaehubError
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
    scale: Literal["logvar", "variance", "std", "log_std"] | None = Field(
        None, description="what the encoder gives beside the means, where no name says it"
    )
    statistics: Literal["separate", "concatenated"] = Field(
        "separate",
        description="concatenated if the encoder gives one tensor, the means and then the log variances (or the scale)",
    )
    inputs: str | None = Field(
        None, description="range of values the network was trained on, such as -1..1, for data in [0, 1]"
    )
    content: dict[str, str] | None = Field(
        None,
        description="digests of the files, or of the object's code and settings and of its weights; computed by "
        "themselves, checked if given",
    )
    name: str | None = Field(
        None,
        pattern=r"\S",
        description="name of the network in results, in place of 'own'; another name is another training",
    )

    def identity(self) -> dict[str, Any]:
        """Return the values that decide a number, and the name if there is one: recipes without one are as before."""
        found = super().identity()
        return found if self.name is not None else {key: value for key, value in found.items() if key != "name"}

    def name_in_results(self) -> str | None:
        """Return the name that was given."""
        return self.name

    def refuse_changes(self) -> None:
        """Check that files and code are still those that the recipe was made for.

        Raises:
            VaehubError: If they are not.
        """
        if self.object is not None:
            _refuse(self.content or {}, identities(self.object, self.weights), self.object, VaehubError)

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
        named = values.get("object")
        if isinstance(named, str) and not paths.keys() & {"encoder", "decoder"}:
            found = identities(named, paths.get("weights"))
        else:
            found = {name: checksum(path, "sha256") for name, path in paths.items()}
        if expected is not None:
            _refuse(expected, found, named, ValueError)
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


def _refuse(expected: dict[str, str], found: dict[str, str], named: object, error: type[Exception]) -> None:
    """Raise an error if something is not what it was."""
    changed = [name for name in (*FILES, "object") if expected.get(name) != found.get(name)]
    files = [name for name in changed if name in FILES]
    if "weights" in expected and "weights" not in found:
        raise error(f"weights of {expected['weights']} are needed, and no file is named; set '-s network.weights=FILE'")
    if files:
        raise error(f"the file of {' and '.join(files)} has changed; put it back, or run the recipe again")
    if changed and "object" not in expected:
        raise error(f"it was stored before the code of {named!r} was part of its identity; run the recipe again")
    if changed:
        raise error(f"the code or the settings of {named!r} have changed; put them back, or run the recipe again")


def identities(path: str, weights: Path | None) -> dict[str, str]:
    """Return what identifies an object and, if it has a file of them, its weights."""
    # Brings torch along, which other parameters do not need.
    from vaehub.plugins.networks.own.loading import identities_of

    return identities_of(path, weights)
