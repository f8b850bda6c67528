"""Parameters of CIFAR-10 and ImageNet32."""

from vaehub.files import FileParams


class PhotographParams(FileParams):
    """Location of the files, and conversion of the images."""
