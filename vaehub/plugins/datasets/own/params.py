"""Parameters of a user's own data."""

from pathlib import Path
from typing import Annotated, Literal

from vaehub import DataParams, Field, ImageParams, Incidental
from vaehub.files import OwnFile


class ImagesParams(ImageParams, OwnFile):
    """How pictures are brought together."""

    path: Annotated[Path, Incidental()] = Field(description="folder, zip or tar of pictures")
    crop: bool = Field(
        True, description="with a size: cut the largest centred square first; false stretches the whole picture"
    )
    labels: Literal["folders", "none"] = Field("folders", description="folders: the folder of a picture is its class")


class ArraysParams(ImageParams, OwnFile):
    """Which arrays are what."""

    path: Annotated[Path, Incidental()] = Field(description="npz, npy or HDF5 file")
    images: str | None = Field(None, description="name of the array of observations; none looks for a usual one")
    labels: str | None = Field(None, description="name of the array of labels; none looks for a usual one")
    factors: str | None = Field(None, description="name of the array of factors; none looks for a usual one")
    layout: Literal["auto", "nhwc", "nchw"] = Field(
        "auto", description="where the channels of images are; auto takes the axis of length 1 or 3"
    )


class VectorsParams(DataParams, OwnFile):
    """Which columns are what."""

    path: Annotated[Path, Incidental()] = Field(description="Parquet file")
    labels: str | None = Field(None, description="column of labels; none takes 'label' or 'labels' if there is one")
    scale: Literal["none", "unit", "standard"] = Field(
        "none", description="unit: each column from 0 to 1; standard: mean 0 and standard deviation 1"
    )
