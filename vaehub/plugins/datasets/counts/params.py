"""Parameters of the simulated counts."""

from vaehub import DataParams, Field


class CountsParams(DataParams):
    """How many cells, genes and programs, and how clear they are. The parameter ``seed`` determines all draws."""

    n_samples: int = Field(2000, gt=0, le=10_000_000, description="cells")
    n_genes: int = Field(200, gt=1, le=100_000, description="genes")
    n_programs: int = Field(
        5, gt=0, le=1000, description="gene programs: dimensions in which cells differ, beside their totals"
    )
    n_types: int = Field(4, gt=0, le=1000, description="cell types, equally likely")
    share: float = Field(0.2, gt=0, le=1, description="share of genes that belong to each program")
    effect: float = Field(
        0.5, ge=0, description="mean change of a gene's log expression for each unit of a program it belongs to"
    )
    within: float = Field(
        1.0, ge=0, description="standard deviation of activities within a cell type, where that between types is 1"
    )
    library_size: float = Field(2000.0, gt=0, description="median library size, in counts for each cell")
    library_spread: float = Field(0.4, ge=0, description="standard deviation of the logarithm of library sizes")
    theta: float = Field(10.0, gt=0, description="inverse dispersion: the variance of a count is m + m^2 / theta")
