"""Parameters of the networks; those without any take ``vaehub.Params`` itself."""

from typing import Annotated

from pydantic import Field as Bound

from vaehub import AddedLater, Field, Params

Size = Annotated[int, Bound(gt=0)]


class ConvHigginsParams(Params):
    """Parameters of the beta-VAE paper's convolutions; the default is that of both code bases."""

    kernel_sizes: tuple[Size, Size, Size, Size] = Field(
        (4, 4, 2, 2), description="pixels along each side of the encoder's kernels; the papers print 4,4,4,4"
    )


class FcHigginsParams(Params):
    """Parameters of the beta-VAE paper's fully connected layers; the default is that of both code bases."""

    decoder_widths: Annotated[tuple[Size, ...], AddedLater()] = Field(
        (1200, 1200, 1200),
        min_length=1,
        description="widths of the decoder's hidden layers; Bonheme 2023, Table D.3, prints 256,1200,1200",
    )


class ConvMnistParams(Params):
    """Parameters of the plain network for MNIST, which its source does not specify."""

    hidden: int = Field(256, gt=0, description="width of the dense layer on each side of the latents")


class ArdMnistParams(Params):
    """Parameters of the ARD paper's network for MNIST."""

    channels: tuple[Size, ...] = Field(
        (64, 128, 256, 512), min_length=1, description="channels of the encoder's layers; the decoder mirrors them"
    )


class ArdCelebaParams(Params):
    """Parameters of the ARD paper's network for CelebA."""

    channels: tuple[Size, ...] = Field(
        (64, 128, 256, 512), min_length=1, description="channels of the encoder's layers; the decoder mirrors them"
    )


class ArdCifarParams(Params):
    """Parameters of the ARD paper's network for CIFAR10 and ImageNet32."""

    channels: tuple[Size, ...] = Field(
        (128, 256, 512, 1024),
        min_length=2,
        description="channels of the encoder's layers; the decoder mirrors all but the first",
    )


class ArdSyntheticParams(Params):
    """Parameters of the ARD paper's network for dSprites and 3D Shapes."""

    channels: tuple[Size, ...] = Field(
        (32, 32, 64, 64), min_length=1, description="channels of the encoder's layers; the decoder mirrors them"
    )


class ConvResponseParams(Params):
    """Parameters of the latent response paper's network."""

    channels: int = Field(64, gt=0, multiple_of=8, description="channels of each convolution, normalised in 8 groups")
    third_elu: Annotated[bool, AddedLater()] = Field(
        False, description="an ELU after the decoder's third dense layer, as in the paper's Figure 8"
    )


class LinearParams(Params):
    """Parameters of the linear network."""

    bias: bool = Field(True, description="whether both maps have a bias")
