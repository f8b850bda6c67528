"""Parameters of sprites."""

from pathlib import Path
from typing import Annotated, ClassVar

from vaehub import Field, Incidental
from vaehub.files import FileParams, OwnFile

SpritesParams = FileParams
DspritesParams = FileParams


class ScreamSpritesParams(FileParams, OwnFile):
    """Which picture is behind the sprites."""

    own: ClassVar[str] = "picture"

    picture: Annotated[Path | None, Incidental()] = Field(
        None, description="picture behind the sprites; none takes Munch's painting, as the paper does"
    )


ScreamDspritesParams = ScreamSpritesParams
