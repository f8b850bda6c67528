"""Parameters of an extractor with a file of weights. Nothing is downloaded, and no torch is loaded."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from vaehub.core.errors import VaehubError
from vaehub.core.params import Incidental, Params
from vaehub.files.checksums import checksum


class WeightsParams(Params):
    """Parameters of an extractor whose weights are in a file: its checksum is part of every identity.

    An extractor's own may override :meth:`find`, to look in known places.
    """

    weights: Annotated[Path | None, Incidental()] = Field(None, description="file of weights")
    content: str | None = Field(None, description="checksum of the weights; found by itself, checked if given")

    @classmethod
    def find(cls, named: Path | None) -> Path | None:
        """Return the file of weights, or ``None`` if there are none.

        Args:
            named: Where the user says that it is.

        Raises:
            ValueError: If there is no such file, in a sentence that says what is needed.
        """
        if named is not None and not named.is_file():
            raise ValueError(f"there is no file {str(named)!r}, which 'weights' names")
        return named

    @model_validator(mode="before")
    @classmethod
    def _known_by_content(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        named = values.get("weights")
        if isinstance(named, str | Path):
            named = Path(named).expanduser().resolve()
            values = {**values, "weights": named}
        elif named is not None or values.get("content") is not None:
            # Not a path: reported with the other problems; or read from a store, which needs no file.
            return values
        file = cls.find(named)
        return values if file is None else {**values, "content": _seen(file, values.get("content"))}

    def file(self) -> Path | None:
        """Return the file of weights, which may have changed, or was never named, since its checksum was taken.

        Raises:
            VaehubError: If it is missing, or another one.
        """
        try:
            found = self.find(self.weights)
            if found is not None:
                _seen(found, self.content)
        except ValueError as error:
            raise VaehubError(str(error)) from error
        if found is None and self.content is not None:
            raise VaehubError(
                f"weights of {self.content} are needed, and no file is named; set '-s metric.weights=FILE'"
            )
        return found


def _seen(file: Path, expected: object) -> str:
    """Return the checksum of a file of weights, having seen that it is the expected one, if one is."""
    found = checksum(file, "sha256")
    if expected not in (None, found):
        raise ValueError(f"the weights in {str(file)!r} have {found} and had {expected}; put that file back")
    return found
