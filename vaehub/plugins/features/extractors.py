"""The extractors: values, a network for ImageNet, a trained encoder, or a user's own module."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from vaehub import Batch, DataError, LatentModel, Params, VaehubError
from vaehub.features import FeatureExtractor, WeightsParams
from vaehub.plugins.features.imagenet import as_imagenet, load_imagenet
from vaehub.plugins.features.inception import as_inception, load_inception
from vaehub.plugins.features.module import load_module
from vaehub.plugins.features.params import ImagenetParams, InceptionParams, ModuleParams, Resnet18Params, TrainingParams
from vaehub.plugins.features.resnet18 import load_resnet18

FindModel = Callable[[str], LatentModel]


class Pixels(FeatureExtractor[Params]):
    """The values of an observation, in order."""

    def __call__(self, batch: Batch) -> Tensor:
        """Return the values."""
        return batch.x.to(self.device).flatten(1)


class Inception(FeatureExtractor[InceptionParams]):
    """Inception v3 as FID is defined by it."""

    def __init__(self, params: InceptionParams, device: torch.device, models: FindModel | None = None) -> None:
        super().__init__(params, device, models)
        self.network = load_inception(_file(params)).to(device)

    def __call__(self, batch: Batch) -> Tensor:
        """Return the pooled features."""
        found: Tensor = self.network(as_inception(_images(batch, "inception").to(self.device)))
        return found


class Imagenet(FeatureExtractor[ImagenetParams]):
    """EfficientNet-Lite0 as it was trained on ImageNet."""

    def __init__(self, params: ImagenetParams, device: torch.device, models: FindModel | None = None) -> None:
        super().__init__(params, device, models)
        self.network = load_imagenet(_file(params)).to(device)

    def __call__(self, batch: Batch) -> Tensor:
        """Return the pooled features."""
        found: Tensor = self.network(as_imagenet(_images(batch, "imagenet").to(self.device)))
        return found


class Resnet18(FeatureExtractor[Resnet18Params]):
    """ResNet-18 with a user's weights."""

    def __init__(self, params: Resnet18Params, device: torch.device, models: FindModel | None = None) -> None:
        super().__init__(params, device, models)
        self.network = load_resnet18(_file(params)).to(device)

    def __call__(self, batch: Batch) -> Tensor:
        """Return the pooled features."""
        found: Tensor = self.network(as_imagenet(_images(batch, "resnet18").to(self.device)))
        return found


class TrainedEncoder(FeatureExtractor[TrainingParams]):
    """The posterior means of a stored training, on the device where it is."""

    def __init__(self, params: TrainingParams, device: torch.device, models: FindModel | None = None) -> None:
        super().__init__(params, device, models)
        assert params.training is not None, "validated"
        self.model = self.model_of(params.training)

    def __call__(self, batch: Batch) -> Tensor:
        """Return the means, made with what is known of the observations."""
        shape, model = tuple(batch.x.shape[1:]), self.model
        if shape != model.spec.shape:
            raise DataError(
                f"the training that makes features encodes observations of shape {model.spec.shape}, and these have "
                f"shape {shape}; name a training on the same data"
            )
        known = (None if each is None else each.to(model.device) for each in (batch.labels, batch.factors))
        try:
            return model.encode(Batch(batch.x.to(model.device), *known)).mu
        except VaehubError as error:
            alone = " alone" if batch.labels is None and batch.factors is None else ""
            raise VaehubError(f"the training that makes features is given observations{alone}: {error}") from error


class OwnModule(FeatureExtractor[ModuleParams]):
    """A user's own torch module, with the weights of a file or as it draws them."""

    def __init__(self, params: ModuleParams, device: torch.device, models: FindModel | None = None) -> None:
        super().__init__(params, device, models)
        assert params.module is not None, "validated"
        module = load_module(params.module, params.file())
        self.title = f"module {params.module!r}"
        self.module = module.to(device).eval()

    def __call__(self, batch: Batch) -> Tensor:
        """Return what the module makes of observations."""
        found: Tensor = self.module(batch.x.to(self.device))
        return found


def _file(params: WeightsParams) -> Path:
    path = params.file()
    assert path is not None, "it is looked for where it is not named"
    return path


def _images(batch: Batch, features: str) -> Tensor:
    """Return images, having seen that they are such."""
    shape = tuple(batch.x.shape[1:])
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise DataError(
            f"features {features!r} need grey or colour images, and these observations have shape {shape}; "
            "'pixels' take observations of any shape"
        )
    return batch.x
