"""Card of the simulated counts."""

from vaehub.files import DataCard

COUNTS = DataCard(
    folder="counts",
    home="https://doi.org/10.1038/s41592-018-0229-2",
    licence="Apache-2.0 (made here)",
    contents="expression counts of as many cells and genes as wanted, simulated from gene programs",
)
