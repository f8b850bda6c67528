"""Parameters that datasets share: which observations, in which splits, at what size. Imports no torch."""

from typing import Literal, Self

from pydantic import Field, model_validator

from vaehub.core.params import Params


class DataParams(Params):
    """Which observations are used, in which splits; :func:`vaehub.prepare` applies the parameters in this order.

    For data without a split ``train``, its parameters apply to all observations.
    """

    split: tuple[float, float, float] | None = Field(
        None, description="shares of random train, validation and test splits; none keeps the official splits"
    )
    n_classes: int | None = Field(None, gt=0, description="classes kept in all splits, drawn at random; none keeps all")
    first: int | None = Field(None, gt=0, description="number of first training observations kept; none keeps all")
    per_class: int | None = Field(
        None,
        gt=0,
        description="training observations kept per class, drawn at random, from which 'train.validation' takes its "
        "share; none keeps all",
    )
    subset: int | None = Field(None, gt=0, description="training observations kept, drawn at random; none keeps all")
    validation_last: int | None = Field(
        None, gt=0, description="number of last training observations that become the validation split"
    )
    seed: int = Field(0, ge=0, description="seed of all draws of the dataset, independent of the training's seed")

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.split is not None and (min(self.split) < 0 or self.split[0] == 0 or sum(self.split) > 1 + 1e-9):
            raise ValueError(
                f"'split' is {list(self.split)} and should be three shares, the first above 0, in sum at most 1"
            )
        return self


class ImageParams(DataParams):
    """Conversion of images, in addition."""

    channels: Literal[1, 3] | None = Field(
        None, description="1 converts images to grey (ITU-R BT.601 luma), 3 repeats grey; none keeps the channels"
    )
    size: int | None = Field(
        None, gt=0, le=1024, description="height and width, resized bilinearly with antialiasing; none keeps the size"
    )
    pad: int = Field(0, ge=0, le=100, description="zero pixels added on every side after resizing; 2 turns 28 into 32")

    @model_validator(mode="after")
    def _channels_fit(self) -> Self:
        if self.channels not in (None, 1, 3):
            raise ValueError(f"'channels' is {self.channels} and should be 1 or 3")
        return self
