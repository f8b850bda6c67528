"""Parameters of datasets that are read from files, official ones and users' own. Imports no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from vaehub.core.data.params import ImageParams
from vaehub.core.params import Incidental, Params
from vaehub.files.checksums import content_digest


class FileParams(ImageParams):
    """Location of official files, in addition."""

    root: Annotated[Path | None, Incidental()] = Field(
        None, description="folder searched first, with the files in it or in a subfolder named for the dataset"
    )


class OwnFile(Params):
    """A user's own file or folder, identified by its content and not by its path.

    A class that derives from this names its incidental path parameter in ``own``.
    """

    own: ClassVar[str] = "path"
    content: str | None = Field(None, description="digest of the content; computed by itself, checked if given")

    @model_validator(mode="before")
    @classmethod
    def _known_by_content(cls, values: Any) -> Any:
        # Not a path: reported together with the other problems.
        if not isinstance(values, dict) or not isinstance(values.get(cls.own), str | Path):
            return values
        path = Path(values[cls.own]).expanduser().resolve()
        if not path.exists():
            raise ValueError(f"there is nothing at {str(path)!r}, which {cls.own!r} names")
        # To open a pipe or a device could wait for ever.
        if not (path.is_file() or path.is_dir()):
            raise ValueError(f"{str(path)!r}, which {cls.own!r} names, is neither a file nor a folder")
        found, expected = cls.digest(path, values), values.get("content")
        if expected not in (None, found):
            raise ValueError(
                f"the content of {str(path)!r} has changed: its digest is {found} and was {expected}; put the "
                "files back, or run the recipe again on the new ones"
            )
        return {**values, cls.own: path, "content": found}

    @classmethod
    def digest(cls, path: Path, values: Mapping[str, Any]) -> str:  # noqa: ARG003 for classes that derive from this
        """Return the digest of the content; a class whose other parameters decide what is content may add to it."""
        return content_digest(path)
