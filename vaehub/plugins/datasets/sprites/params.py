"""Parameters of sprites."""

from pathlib import Path
from typing import Annotated, ClassVar

from vaehub import Field, Incidental
from vaehub.files import FileParams, OwnFile

SpritesParams = FileParams
DspritesParams = FileParams


class ScreamSpritesParams(FileParams, OwnFile):
    """Choice of the background image."""

    own: ClassVar[str] = "picture"

    picture: Annotated[Path | None, Incidental()] = Field(
        None, description="background image of the sprites; none takes Munch's painting, as in the paper"
    )


ScreamDspritesParams = ScreamSpritesParams
