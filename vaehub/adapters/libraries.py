"""Objects of known libraries, recognised by the package of their class; none of these packages is imported.

Each is taken as its library means it: with the range of its inputs, its likelihood and its prior. What the library does
between encoder and decoder besides, such as a quantisation or a flow, is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vaehub.adapters.code_identity import plain
from vaehub.adapters.parts import Parts, attributes_of
from vaehub.core.errors import VaehubError

NOT_NORMAL: Mapping[str, str] = {
    "VQVAE": "quantises its codes",
    "VQModel": "quantises its codes",
    "SVAE": "has von Mises-Fisher posteriors",
    "PoincareVAE": "has posteriors on a hyperbolic ball",
    "VAE_IAF": "puts a flow between posterior and decoder",
    "VAE_LinNF": "puts a flow between posterior and decoder",
    "HVAE": "moves its codes by Hamiltonian steps before they are decoded",
    "RHVAE": "moves its codes by Hamiltonian steps before they are decoded",
}
"""By class, why its encoder and its decoder are not those of a normal posterior."""
OTHER_PRIORS = ("AE", "RAE_GP", "RAE_L2", "VAMP")
"""Classes whose prior is none, or another than the standard normal."""


def parts_of(model: object) -> Parts:
    """Return the encoder and the decoder of an object: as its library means them, if it is known, else by their names.

    Raises:
        VaehubError: If it has none, or not those of a normal posterior.
    """
    while inner := _inside(model):
        model = inner
    lineage = type(model).__mro__
    packages = {kind.__module__.partition(".")[0] for kind in lineage}
    for package, find in RECOGNISED.items():
        if package in packages:
            for kind in lineage:
                if kind.__name__ in NOT_NORMAL and kind.__module__.startswith(package):
                    raise VaehubError(
                        f"a {kind.__name__} of {package} {NOT_NORMAL[kind.__name__]}, so its latents are not read as "
                        "those of a normal posterior; give wrap() the encoder and the decoder that you mean"
                    )
            return find(model)
    return attributes_of(model)


def _inside(model: object) -> nn.Module | None:
    """Return what a compiled or a parallel module was made of; ``None`` for any other."""
    if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        inner: nn.Module = model.module
        return inner
    found = plain(model) if isinstance(model, nn.Module) else model
    return found if isinstance(found, nn.Module) and found is not model else None


def _of_diffusers(model: Any) -> Parts:
    """Return the whole of an autoencoder: ``encoder`` and ``decoder`` lack its quantisation layers.

    Latents are those of ``encode``, without the scaling factor, which pipelines apply, as ``decode`` takes them. Images
    are in [-1, 1], which nothing enforces at the decoder's end.
    """
    return Parts(model.encode, model.decode, inputs="-1..1", output="unbounded")


def _of_pythae(model: Any) -> Parts:
    """Return encoder and decoder; the bound has the reconstruction loss that the model is configured with."""
    found = attributes_of(model)
    loss = getattr(getattr(model, "model_config", None), "reconstruction_loss", None)
    return Parts(
        found.encoder,
        found.decoder,
        # Half a squared error is the density of a unit normal.
        likelihood={"mse": "gaussian", "bce": "bernoulli"}.get(loss),  # type: ignore[arg-type]
        has_standard_prior=type(model).__name__ not in OTHER_PRIORS,
    )


def _of_scvi(model: Any) -> Parts:
    """Return the encoder of counts; with one batch, also the decoder to mean counts at the median library size."""
    module = getattr(model, "module", model)
    if not isinstance(module, nn.Module) or not hasattr(module, "inference"):
        raise VaehubError(f"a {type(model).__name__} of scvi-tools has no module with inference(); give its module")
    if getattr(module, "latent_distribution", "normal") != "normal":
        raise VaehubError(
            f"the latents have the distribution {module.latent_distribution!r}, and posteriors are normal here; give "
            "wrap() the encoder and the decoder that you mean"
        )
    n_batches = int(getattr(module, "n_batch", 1) or 1)
    if n_batches > 1 and getattr(module, "encode_covariates", False):
        raise VaehubError(
            "the encoder takes the batch of each cell, which data here do not have; give wrap() a function as encoder "
            "that adds it"
        )
    library = _library_of(model)
    decoder = None if library is None or n_batches > 1 else ScviDecoder(module, library)
    likelihood = str(getattr(module, "gene_likelihood", "counts"))
    return Parts(ScviEncoder(module), decoder, output="unbounded", foreign_likelihood=likelihood)


def _library_of(model: Any) -> float | None:
    """Return the median total of the cells that a model was set up with."""
    try:
        counts = model.adata_manager.get_from_registry("X")
    except AttributeError:
        return None
    totals = torch.as_tensor(counts.sum(axis=1).reshape(-1).tolist()).flatten()
    return float(totals.median())


class ScviEncoder(nn.Module):
    """Counts to q(z|x), by the model's own inference, which takes their logarithm.

    Args:
        module: Of an SCVI model with one batch, or whose encoder does not see the batch.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Any:
        """Return the posterior of each cell, from counts ``(n, genes)``."""
        return self.module.inference(x, x.new_zeros(len(x), 1, dtype=torch.long))["qz"]  # type: ignore[operator]


class ScviDecoder(nn.Module):
    """Latents to mean counts at one library size.

    Args:
        module: Of an SCVI model with one batch.
        library: Total count of a cell.
    """

    library: Tensor

    def __init__(self, module: nn.Module, library: float) -> None:
        super().__init__()
        self.module = module
        self.register_buffer("library", torch.tensor([[library]]).log())

    def forward(self, z: Tensor) -> Any:
        """Return the distribution of the counts of each cell, from latents ``(n, latent_dim)``."""
        batch = z.new_zeros(len(z), 1, dtype=torch.long)
        library = self.library.to(z).expand(len(z), 1)
        return self.module.generative(z, library, batch)["px"]  # type: ignore[operator]


def _of_timm(model: Any) -> Parts:
    """Return an image encoder, which is given images as its configuration says they are normalised."""
    about = getattr(model, "pretrained_cfg", {}) or {}
    mean, std = about.get("mean"), about.get("std")
    return Parts(model if mean is None or std is None else Normalised(model, mean, std), None)


def _of_transformers(model: Any) -> Parts:
    return Parts(model, None) if not hasattr(model, "encode") else attributes_of(model)


class Normalised(nn.Module):
    """An encoder of images whose channels are normalised first.

    Args:
        module: Takes normalised images.
        mean: Of each channel of images in [0, 1].
        std: Their standard deviations.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, module: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.module = module
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values).reshape(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Any:
        """Return what the encoder gives for images ``(n, c, h, w)`` in [0, 1].

        Raises:
            VaehubError: If they have another number of channels.
        """
        n_channels = self.mean.shape[1]
        if x.ndim != 4 or x.shape[1] != n_channels:
            raise VaehubError(
                f"the encoder's configuration normalises images of {n_channels} channels, and these "
                f"observations have shape {tuple(x.shape[1:])}; wrap(encoder=model) gives them as they are"
            )
        return self.module((x - self.mean.to(x)) / self.std.to(x))


RECOGNISED: Mapping[str, Callable[[Any], Parts]] = {
    "diffusers": _of_diffusers,
    "pythae": _of_pythae,
    "scvi": _of_scvi,
    "timm": _of_timm,
    "transformers": _of_transformers,
}
"""By package, what finds the parts of its models."""
