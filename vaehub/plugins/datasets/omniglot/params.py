"""Parameters of Omniglot."""

from typing import Literal

from vaehub import Field
from vaehub.files import FileParams


class OmniglotParams(FileParams):
    """Which alphabets are loaded."""

    alphabets: Literal["both", "background", "evaluation", "small1", "small2"] = Field(
        "both",
        description="both: background as the part train and evaluation as the part test; background: 30 alphabets; "
        "evaluation: 20 others; small1, small2: the 5 of each minimal background; one set alone has no parts",
    )
