"""Networks of the papers: five families of convolutional networks, fully connected layers, and linear maps."""

from collections.abc import Sequence

from vaehub.registry import Entry, Network, hookimpl

HERE = "vaehub.plugins.networks.convolutions"
ARD_PAPER = "Saha, Joshi & Whitaker 2025"
HIGGINS_PAPER = "Higgins et al. 2017, Table 1"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Network(
            "conv_bn",
            f"{HERE}.intervention:ConvBn",
            "three convolutions with batch normalisation, for 28x28 images",
            params="vaehub:Params",
            source="Müller et al. 2025, Appendix C",
        ),
        Network(
            "conv_mnist",
            f"{HERE}.mnist:ConvMnist",
            "two convolutions and a fully connected layer, for 28x28 images",
            params=f"{HERE}.params:ConvMnistParams",
            source="Shonia 2026, slides (layers not given there)",
        ),
        Network(
            "conv_higgins",
            f"{HERE}.higgins:ConvHiggins",
            "beta-VAE paper's four convolutions, for 64x64 images",
            params=f"{HERE}.params:ConvHigginsParams",
            source=f"{HIGGINS_PAPER}, row 3; Locatello et al. 2019",
        ),
        Network(
            "fc_higgins",
            f"{HERE}.higgins:FcHiggins",
            "beta-VAE paper's fully connected layers of 1,200 units",
            params=f"{HERE}.params:FcHigginsParams",
            source=f"{HIGGINS_PAPER}, row 1; Locatello et al. 2019",
        ),
        Network(
            "ard_mnist",
            f"{HERE}.ard:ArdMnist",
            "ARD-VAE paper's MNIST network: four convolutions with batch normalisation",
            params=f"{HERE}.params:ArdMnistParams",
            source=f"{ARD_PAPER}, supplementary Table 4",
        ),
        Network(
            "ard_celeba",
            f"{HERE}.ard:ArdCeleba",
            "ARD-VAE paper's CelebA network: four convolutions with batch normalisation",
            params=f"{HERE}.params:ArdCelebaParams",
            source=f"{ARD_PAPER}, supplementary Table 4",
        ),
        Network(
            "ard_cifar",
            f"{HERE}.ard:ArdCifar",
            "ARD-VAE paper's CIFAR-10 and ImageNet 32x32 network: four wide convolutions with batch normalisation",
            params=f"{HERE}.params:ArdCifarParams",
            source=f"{ARD_PAPER}, supplementary Table 4",
        ),
        Network(
            "ard_synthetic",
            f"{HERE}.ard:ArdSynthetic",
            "ARD-VAE paper's dSprites and 3D Shapes network: four plain convolutions",
            params=f"{HERE}.params:ArdSyntheticParams",
            source=f"{ARD_PAPER}, supplementary Table 5",
        ),
        Network(
            "conv_response",
            f"{HERE}.response:ConvResponse",
            "latent response paper's blocks of convolution, pooling and group normalisation, down to 2x2",
            params=f"{HERE}.params:ConvResponseParams",
            source="Leeb et al. 2021, Appendix A.4.2",
        ),
        Network(
            "linear",
            f"{HERE}.linear:Linear",
            "linear encoder and linear decoder",
            params=f"{HERE}.params:LinearParams",
        ),
    ]
