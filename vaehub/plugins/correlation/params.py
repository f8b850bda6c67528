"""Parameters of correlation. Loads no torch."""

from vaehub import Field, Params


class CorrelationParams(Params):
    """Parameters of correlation. The column that the others are correlated with has no default."""

    against: str = Field(description="column that each feature is correlated with")
    of: tuple[str, ...] = Field((), description="feature columns; all other columns of numbers if none")
    n_bootstrap: int = Field(
        1000, ge=0, le=1_000_000, description="resamplings of the rows for the intervals; 0 computes no intervals"
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="share of the resamplings that an interval holds")
