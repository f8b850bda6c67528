"""Parameters of the double helix."""

from vaehub import DataParams, Field


class HelixParams(DataParams):
    """Shape of the helix; defaults are the paper's. The parameter ``seed`` determines all draws."""

    n_samples: int = Field(1024, gt=0, le=10_000_000, description="points")
    amplitude: tuple[float, float, float] = Field(
        (1.0, 1.0, 1.0), description="half the extent along each axis, the last being the axis of the helix"
    )
    frequency: float = Field(1.0, description="turns of a strand from end to end")
    noise: float = Field(0.1, ge=0, description="standard deviation of the noise added to each coordinate")
