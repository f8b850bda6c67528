"""Card of the double helix."""

from vaehub.files import DataCard

HELIX = DataCard(
    folder="helix",
    home="https://arxiv.org/abs/2106.16091",
    licence="Apache-2.0 (made here)",
    contents="points in three dimensions, as many as wanted, on two strands",
)
