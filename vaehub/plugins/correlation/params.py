"""Parameters of correlation."""

from vaehub import Field, Params


class CorrelationParams(Params):
    """Parameters of correlation. The column that the others are correlated with has no default."""

    against: str = Field(description="column that each feature is correlated with")
    of: tuple[str, ...] = Field((), description="columns that are features; none takes all others that hold numbers")
    n_bootstrap: int = Field(1000, ge=0, description="resamplings of the rows for the intervals; 0 leaves them out")
    confidence: float = Field(0.95, gt=0, lt=1, description="share of the resamplings that an interval holds")
