"""Parameters of users' own data. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ModelWrapValidatorHandler, model_validator

from vaehub import AddedLater, DataParams, Field, ImageParams, Incidental, Params
from vaehub.files import Bound, OwnFile

NONE = "none"
"""Given as a name, it declines what would be found by itself."""


def _as_text(value: object) -> object:
    """Return numbers as text, since columns may be named by them."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_names(value: object) -> object:
    """Return names that are separated by commas, or given as a list, as a tuple."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(","))
    return tuple(map(_as_text, value)) if isinstance(value, list | tuple) else _as_text(value)


Name = Annotated[str, BeforeValidator(_as_text)]
NameList = Annotated[tuple[str, ...], BeforeValidator(lambda value: _as_names(_as_text(value)))]
JoinedNames = Annotated[
    str,
    BeforeValidator(lambda value: ",".join(map(str, value)) if isinstance(value, list | tuple) else _as_text(value)),
]
"""One name, or several in one text: a text as it always was, so that identities stay."""
Scale = Literal["none", "unit", "standard", "log1p"]
SCALE = (
    "of vectors, unit: each column rescaled to [0, 1]; standard: to mean 0 and standard deviation 1; log1p: the "
    "logarithm of 1 + value, for counts"
)


class BoundedParams(Params):
    """What data may take."""

    max_bytes: Annotated[int | None, Incidental()] = Field(
        None, gt=0, description="bytes that the data may take; none allows half of the memory at hand"
    )

    @property
    def bound(self) -> Bound:
        """The same, where it is not given by the memory at hand."""
        return Bound.of(self.max_bytes)


class ImagesParams(ImageParams, OwnFile, BoundedParams):
    """How images become one dataset."""

    path: Annotated[Path, Incidental()] = Field(description="folder, zip or tar of images, or idx file")
    crop: bool = Field(
        True, description="with a size: cut out the largest centred square first; false stretches the whole image"
    )
    labels: Literal["folders", "none"] = Field("folders", description="folders: the folder of an image is its class")
    on_broken: Annotated[Literal["refuse", "skip"], AddedLater()] = Field(
        "refuse", description="skip: images that cannot be decoded are left out, and counted"
    )
    pages: Annotated[Literal["first", "all"], AddedLater()] = Field(
        "first", description="of files with several pages or frames: the first alone, or all as images of their own"
    )
    white: Annotated[float | None, AddedLater()] = Field(
        None,
        gt=0,
        description="value in the files that is white; none takes the largest of the type, or one that fits the values",
    )
    transpose: Annotated[bool, AddedLater()] = Field(
        False, description="of idx files: exchange height and width, as files of EMNIST need"
    )

    @model_validator(mode="wrap")
    @classmethod
    def _grey_by_content(cls, values: object, validated: ModelWrapValidatorHandler[Self]) -> Self:
        """Complete the channels: images that are stored in colour, and are all grey, have one."""
        params = validated(values)
        # A stored recipe names the content. It says all there is to say, and stays what it was.
        if not isinstance(values, dict) or values.get("content") is not None or params.channels is not None:
            return params
        from vaehub.plugins.datasets.own.pictures import Pictures

        return params.model_copy(update={"channels": 1}) if Pictures(params).are_grey_in_colour() else params


class AnnotationParams(BoundedParams):
    """What is done with values that are missing, and with factors of many values."""

    missing: Annotated[Literal["refuse", "drop"], AddedLater()] = Field(
        "refuse", description="drop: observations whose label, a factor, or a value is missing are left out"
    )
    bins: Annotated[int | None, AddedLater()] = Field(
        None,
        gt=1,
        le=1_000_000,
        description="intervals into which factors of more numbers are cut; none: each number is a class",
    )
    cut: Annotated[Literal["widths", "quantiles"], AddedLater()] = Field(
        "widths", description="intervals of equal widths, or, by quantiles, of about as many observations each"
    )


class ArraysParams(ImageParams, OwnFile, AnnotationParams):
    """Roles of the arrays."""

    path: Annotated[Path, Incidental()] = Field(description="npz, npy, HDF5, safetensors or PyTorch file")
    images: Name | None = Field(None, description="name of the array of observations; not given: searched by name")
    labels: Name | None = Field(
        None, description="name of the array of labels; not given: searched by name; 'none' leaves them out"
    )
    factors: JoinedNames | None = Field(
        None,
        description="name of the array of factors, or of several; not given: searched by name; 'none' leaves them out",
    )
    layout: Literal["auto", "nhwc", "nchw"] = Field(
        "auto", description="position of the channel axis of images; auto takes the axis of length 1 or 3"
    )
    scale: Annotated[Scale, AddedLater()] = Field("none", description=SCALE)


class ColumnsParams(DataParams, OwnFile, AnnotationParams):
    """Roles and scaling of columns."""

    labels: Name | None = Field(
        None, description="column of labels; not given: 'label' or 'labels' if there is one; 'none' leaves it out"
    )
    scale: Scale = Field("none", description=SCALE)
    columns: Annotated[NameList | None, AddedLater()] = Field(
        None, description="columns that are the observations; none takes all that have no other role"
    )
    factors: Annotated[NameList | None, AddedLater()] = Field(None, description="columns of factors")
    drop: Annotated[NameList | None, AddedLater()] = Field(None, description="columns left out")


class VectorsParams(ColumnsParams):
    """Roles and scaling of the columns of a table."""

    path: Annotated[Path, Incidental()] = Field(description="Parquet or CSV file")
    keep_index: Annotated[bool, AddedLater()] = Field(
        False, description="row names and numbers that pandas or R wrote beside the data are a column as well"
    )
    delimiter: Annotated[str | None, AddedLater()] = Field(
        None, min_length=1, max_length=1, description="character between the fields of a CSV file; none finds it"
    )
    header: Annotated[bool | None, AddedLater()] = Field(
        None, description="whether the first row of a CSV file has names; none finds out"
    )

    @classmethod
    def digest(cls, path: Path, values: Mapping[str, Any]) -> str:
        """Return the digest of the content, with a mark where an index is left out, which once was a column."""
        from vaehub.plugins.datasets.own.parquet import index_columns

        found = super().digest(path, values)
        leaves_index = not values.get("keep_index") and path.suffix.lower() in (".parquet", ".pq")
        return f"{found}-without-index" if leaves_index and index_columns(path) else found


class AnnDataParams(ColumnsParams):
    """Roles and scaling of what an AnnData file holds; labels and factors are columns of ``obs``."""

    path: Annotated[Path, Incidental()] = Field(description="h5ad file")
    layer: Name | None = Field(
        None, description="what is observed: the name of a layer, of an array of obsm, or raw; none takes X"
    )
    columns: Annotated[NameList | None, AddedLater()] = Field(
        None, description="variables (genes) kept; none keeps all"
    )
    drop: Annotated[NameList | None, AddedLater()] = Field(None, description="variables (genes) left out")
