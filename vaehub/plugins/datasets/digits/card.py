"""Card of the digits of scikit-learn."""

from vaehub.files import DataCard

DIGITS = DataCard(
    folder="digits",
    home="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
    licence="CC BY 4.0 (UCI), shipped with scikit-learn",
    contents="1,797 images of 8x8, grey; 10 digits",
)
