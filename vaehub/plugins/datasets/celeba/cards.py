"""Card of CelebA: files, checksums, licence."""

from vaehub.files import DataCard, DataFile

ARCHIVE = "img_align_celeba.zip"
ATTRIBUTES = "list_attr_celeba.txt"
PARTITION = "list_eval_partition.txt"

CELEBA = DataCard(
    folder="celeba",
    home="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    licence="non-commercial research only, no redistribution",
    contents="202,599 images of 178x218, colour; 40 attributes; splits of 162,770 + 19,867 + 19,962",
    files=(
        DataFile(ARCHIVE, "md5:00d2c5bc6d35e252742224ab0c1e8fcb", n_bytes=1_443_490_838),
        DataFile(ATTRIBUTES, "md5:75e246fa4810816ffd6ee81facbd244c"),
        DataFile(PARTITION, "md5:d32c9cbf5e040fd4025c592c306e6668"),
    ),
)
