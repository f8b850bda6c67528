"""Parameters of CIFAR-10 and ImageNet32."""

from vaehub.files import FileParams


class PhotographParams(FileParams):
    """Where the files are, and what is made of the images."""
