"""Parameters that datasets share: which observations, in what splits, at what size. Knows no torch."""

from typing import Self

from pydantic import Field, model_validator

from vaehub.core.params import Params


class DataParams(Params):
    """Which observations are used, and as what splits; :func:`vaehub.prepare` carries it out, in this order.

    Where data have no split ``train``, what is said of it holds for all of them.
    """

    split: tuple[float, float, float] | None = Field(
        None, description="shares drawn at random as train, validation and test; none keeps the official splits"
    )
    n_classes: int | None = Field(None, gt=0, description="classes kept in all splits, drawn at random; none keeps all")
    first: int | None = Field(None, gt=0, description="training observations kept, from the first on; none keeps all")
    per_class: int | None = Field(
        None, gt=0, description="training observations kept of each class, drawn at random; none keeps all"
    )
    subset: int | None = Field(None, gt=0, description="training observations kept, drawn at random; none keeps all")
    validation_last: int | None = Field(None, gt=0, description="last training observations, used for validation")
    seed: int = Field(0, ge=0, description="decides all that is drawn here; apart from the seed of the training")

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.split is not None and (min(self.split) < 0 or self.split[0] == 0 or sum(self.split) > 1 + 1e-9):
            raise ValueError(
                f"'split' is {list(self.split)} and should be three shares, the first above 0, in sum at most 1"
            )
        return self


class ImageParams(DataParams):
    """What is made of images besides."""

    channels: int | None = Field(
        None, description="1 makes images grey (ITU-R BT.601 luma), 3 repeats grey; none keeps what they have"
    )
    size: int | None = Field(
        None, gt=0, le=1024, description="height and width, resized bilinearly with antialiasing; none keeps them"
    )
    pad: int = Field(0, ge=0, le=100, description="pixels of zeros added on every side, after resizing; 2 makes 28 32")

    @model_validator(mode="after")
    def _channels_fit(self) -> Self:
        if self.channels not in (None, 1, 3):
            raise ValueError(f"'channels' is {self.channels} and should be 1 or 3")
        return self
