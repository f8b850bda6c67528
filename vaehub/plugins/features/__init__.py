"""Feature extractors: values, networks for ImageNet, the encoder of a stored training, or a user's own module."""

from collections.abc import Sequence

from vaehub.registry import Entry, Features, hookimpl

HERE = "vaehub.plugins.features"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Features(
            "pixels",
            f"{HERE}.extractors:Pixels",
            "values of an observation as they are",
            params="vaehub:Params",
        ),
        Features(
            "inception",
            f"{HERE}.extractors:Inception",
            "last pooled features (2,048) of Inception v3, by which FID and KID are defined",
            params=f"{HERE}.params:InceptionParams",
            source="Szegedy et al. 2016; Heusel et al. 2017",
        ),
        Features(
            "imagenet",
            f"{HERE}.extractors:Imagenet",
            "last pooled features (1,280) of EfficientNet-Lite0, of vaehub[imagenet]",
            params=f"{HERE}.params:ImagenetParams",
            source="Tan & Le 2019",
        ),
        Features(
            "resnet18",
            f"{HERE}.extractors:Resnet18",
            "last pooled features (512) of ResNet-18, with a file of weights that you bring",
            params=f"{HERE}.params:Resnet18Params",
            source="He et al. 2016; Müller et al. 2025, Appendix B",
        ),
        Features(
            "training",
            f"{HERE}.extractors:TrainedEncoder",
            "posterior mean of a stored training",
            params=f"{HERE}.params:TrainingParams",
        ),
        Features(
            "module",
            f"{HERE}.extractors:OwnModule",
            "output of a torch module of your own",
            params=f"{HERE}.params:ModuleParams",
        ),
    ]
