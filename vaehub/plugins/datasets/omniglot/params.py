"""Parameters of Omniglot."""

from typing import Literal

from vaehub import Field
from vaehub.files import FileParams


class OmniglotParams(FileParams):
    """Choice of the alphabets."""

    alphabets: Literal["both", "background", "evaluation", "small1", "small2"] = Field(
        "both",
        description="both: background as train split and evaluation as test split; background: 30 alphabets; "
        "evaluation: 20 others; small1, small2: the 5 of each minimal background, "
        "both with Greek and Latin; a single set has no splits",
    )
