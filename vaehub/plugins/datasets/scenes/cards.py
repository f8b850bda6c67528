"""Card of the rooms that are drawn here."""

from vaehub.files import DataCard

SCENES = DataCard(
    folder="scenes",
    home="https://github.com/google-deepmind/3d-shapes",
    licence="Apache-2.0 (made here)",
    contents="480,000 images of 64x64, colour; every combination of six factors",
    factors=(
        ("floor_hue", 10),
        ("wall_hue", 10),
        ("object_hue", 10),
        ("scale", 8),
        ("shape", 4),
        ("orientation", 15),
    ),
)
