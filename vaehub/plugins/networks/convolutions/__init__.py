"""The other networks of the papers: convolutions of five families, fully connected layers, and linear maps."""

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
            "three convolutions with batch normalisation for 28x28",
            params="vaehub:Params",
            source="Müller et al. 2025, Appendix C",
        ),
        Network(
            "conv_mnist",
            f"{HERE}.mnist:ConvMnist",
            "two plain convolutions and a dense layer for 28x28",
            params=f"{HERE}.params:ConvMnistParams",
            source="Shonia 2026, slides (layers not given there)",
        ),
        Network(
            "conv_higgins",
            f"{HERE}.higgins:ConvHiggins",
            "four convolutions of the beta-VAE paper for 64x64",
            params=f"{HERE}.params:ConvHigginsParams",
            source=f"{HIGGINS_PAPER}, row 3; Locatello et al. 2019",
        ),
        Network(
            "fc_higgins",
            f"{HERE}.higgins:FcHiggins",
            "fully connected layers of 1200 of the beta-VAE paper",
            params="vaehub:Params",
            source=f"{HIGGINS_PAPER}, row 1; Locatello et al. 2019",
        ),
        Network(
            "ard_mnist",
            f"{HERE}.ard:ArdMnist",
            "the ARD paper's four convolutions with batch normalisation for MNIST",
            params=f"{HERE}.params:ArdMnistParams",
            source=f"{ARD_PAPER}, supplementary Table 4",
        ),
        Network(
            "ard_celeba",
            f"{HERE}.ard:ArdCeleba",
            "the ARD paper's four convolutions with batch normalisation for CelebA",
            params=f"{HERE}.params:ArdCelebaParams",
            source=f"{ARD_PAPER}, supplementary Table 4",
        ),
        Network(
            "ard_cifar",
            f"{HERE}.ard:ArdCifar",
            "the ARD paper's four wide convolutions with batch normalisation for CIFAR10 and ImageNet32",
            params=f"{HERE}.params:ArdCifarParams",
            source=f"{ARD_PAPER}, supplementary Table 4",
        ),
        Network(
            "ard_synthetic",
            f"{HERE}.ard:ArdSynthetic",
            "the ARD paper's four plain convolutions for dSprites and 3D Shapes",
            params=f"{HERE}.params:ArdSyntheticParams",
            source=f"{ARD_PAPER}, supplementary Table 5",
        ),
        Network(
            "conv_response",
            f"{HERE}.response:ConvResponse",
            "blocks of convolution, pooling and group normalisation down to 2x2",
            params=f"{HERE}.params:ConvResponseParams",
            source="Leeb et al. 2021, Appendix A.4.2",
        ),
        Network(
            "linear",
            f"{HERE}.linear:Linear",
            "one linear map each way",
            params=f"{HERE}.params:LinearParams",
        ),
    ]
