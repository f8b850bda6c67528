"""Parameters of correlation."""

from vaehub import Field, Params


class CorrelationParams(Params):
    """Parameters of correlation. Which column the others are correlated with has to be said: rows do not tell."""

    against: str = Field(description="column that each feature is correlated with")
    of: tuple[str, ...] = Field((), description="columns that are features; none takes all others that hold numbers")
    n_bootstrap: int = Field(1000, ge=0, description="resamplings of the rows for the intervals; 0 leaves them out")
    confidence: float = Field(0.95, gt=0, lt=1, description="share of the resamplings that an interval holds")
