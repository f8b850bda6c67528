"""Parameters of users' own data."""

from pathlib import Path
from typing import Annotated, Literal

from vaehub import DataParams, Field, ImageParams, Incidental
from vaehub.files import OwnFile


class ImagesParams(ImageParams, OwnFile):
    """How images become one dataset."""

    path: Annotated[Path, Incidental()] = Field(description="folder, zip or tar of images")
    crop: bool = Field(
        True, description="with a size: cut out the largest centred square first; false stretches the whole image"
    )
    labels: Literal["folders", "none"] = Field("folders", description="folders: the folder of an image is its class")


class ArraysParams(ImageParams, OwnFile):
    """Roles of the arrays."""

    path: Annotated[Path, Incidental()] = Field(description="npz, npy or HDF5 file")
    images: str | None = Field(None, description="name of the array of observations; none searches common names")
    labels: str | None = Field(None, description="name of the array of labels; none searches common names")
    factors: str | None = Field(None, description="name of the array of factors; none searches common names")
    layout: Literal["auto", "nhwc", "nchw"] = Field(
        "auto", description="position of the channel axis of images; auto takes the axis of length 1 or 3"
    )


class VectorsParams(DataParams, OwnFile):
    """Roles and scaling of the columns."""

    path: Annotated[Path, Incidental()] = Field(description="Parquet file")
    labels: str | None = Field(None, description="column of labels; none takes 'label' or 'labels' if there is one")
    scale: Literal["none", "unit", "standard"] = Field(
        "none", description="unit: each column rescaled to [0, 1]; standard: to mean 0 and standard deviation 1"
    )
