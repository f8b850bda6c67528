"""Parameters of datasets that are read from files: official ones, and a user's own. Knows no torch."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from vaehub.core.data.params import ImageParams
from vaehub.core.params import Incidental, Params
from vaehub.files.checksums import content_digest


class FileParams(ImageParams):
    """Where official files are, besides."""

    root: Annotated[Path | None, Incidental()] = Field(
        None, description="folder looked at first, with the files in it or in a folder named for the dataset"
    )


class OwnFile(Params):
    """A file or folder of the user's own, which is known by what it holds, wherever it lies and whatever it is called.

    A class that derives from this has an incidental parameter of the name ``own``, the path.
    """

    own: ClassVar[str] = "path"
    content: str | None = Field(None, description="digest of what is at the path; found by itself, checked if given")

    @model_validator(mode="before")
    @classmethod
    def _known_by_content(cls, values: Any) -> Any:
        # What is no path at all is refused with the other parameters.
        if not isinstance(values, dict) or not isinstance(values.get(cls.own), str | Path):
            return values
        path = Path(values[cls.own]).expanduser().resolve()
        if not path.exists():
            raise ValueError(f"there is nothing at {str(path)!r}, which {cls.own!r} names")
        found, expected = content_digest(path), values.get("content")
        if expected not in (None, found):
            raise ValueError(
                f"what is at {str(path)!r} is not what it was: its content is {found} and was {expected}; put the "
                "files back, or run the recipe again on the new ones"
            )
        return {**values, cls.own: path, "content": found}
