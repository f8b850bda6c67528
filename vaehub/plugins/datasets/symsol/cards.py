"""Card of Symmetric Solids: file, address, licence."""

from vaehub.files import DataCard, DataFile

ARCHIVE = "symsol_dataset.zip"

SYMSOL = DataCard(
    folder="symsol",
    home="https://implicit-pdf.github.io",
    licence="none stated with the file",
    contents="8 solids, 50,000 images of 224x224 each, colour, converted to 64x64 grey; 3.1 GB",
    files=(DataFile(ARCHIVE, None, f"https://storage.googleapis.com/gresearch/implicit-pdf/{ARCHIVE}"),),
)
