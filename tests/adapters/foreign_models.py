"""Tiny models of other libraries, and the table of what can be measured of each.

``python -m tests.adapters.foreign_models`` prints the rows of the installed libraries, as docs/models.md has them.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import nn

import vaehub
from vaehub import Dataset, Factors

METRICS = (
    "relevance",
    "variable_types",
    "elbo",
    "cka",
    "representation_dimension",
    "mig",
    "latent_response_matrix",
    "traversal",
    "fondue",
)
SHOWN = {
    "relevance": "n_active",
    "variable_types": "n_active",
    "elbo": "elbo",
    "mig": "mig",
    "latent_response_matrix": "intrinsic_dimension",
}
"""By metric, the number that the table has."""
N = 200


def images(channels: int = 1, side: int = 16) -> Dataset:
    """Return images of a bright bar, whose place and brightness are known."""
    at, bright = torch.arange(N) % 4, torch.arange(N) // 4 % 3
    x = torch.rand(N, channels, side, side, generator=torch.Generator().manual_seed(0)) * 0.1
    for row in range(N):
        x[row, :, :, at[row] * side // 4 : (at[row] + 1) * side // 4] += 0.3 * (bright[row] + 1)
    return Dataset(x.clamp(0, 1), factors=Factors(("place", "brightness"), (4, 3), torch.stack([at, bright], dim=1)))


def counts(genes: int = 12) -> Dataset:
    """Return counts of cells."""
    rng = np.random.default_rng(0)
    return Dataset(rng.negative_binomial(2, 0.3, (N, genes)).astype("float32"))


class ExampleVae(nn.Module):
    """As PyTorch's example has it: vectors in, methods for both ways, a sample in forward."""

    def __init__(self, n_values: int = 256, latent_dim: int = 3) -> None:
        super().__init__()
        self.n_values = n_values
        self.fc1, self.fc21, self.fc22 = nn.Linear(n_values, 40), nn.Linear(40, latent_dim), nn.Linear(40, latent_dim)
        self.fc3, self.fc4 = nn.Linear(latent_dim, 40), nn.Linear(40, n_values)

    def encode(self, x):
        h = torch.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def decode(self, z):
        return torch.sigmoid(self.fc4(torch.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, self.n_values))
        return self.decode(mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)), mu, logvar


class ConvVae(nn.Module):
    """Convolutions with batch normalisation, as many write them."""

    def __init__(self, latent_dim: int = 3) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten())
        self.fc_mu, self.fc_logvar = nn.Linear(512, latent_dim), nn.Linear(512, latent_dim)
        self.fc = nn.Linear(latent_dim, 512)
        self.decoder = nn.Sequential(nn.Unflatten(1, (8, 8, 8)), nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Sigmoid())

    def encode(self, x):
        h = self.encoder(x)
        return self.fc_mu(h), self.fc_logvar(h)

    def decode(self, z):
        return self.decoder(self.fc(z))


def _pythae() -> tuple[object, Dataset]:
    from pythae.models import VAE, VAEConfig

    return VAE(VAEConfig(input_dim=(1, 16, 16), latent_dim=3)), images()


def _diffusers() -> tuple[object, Dataset]:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(8, 8, 16),
        layers_per_block=1,
        latent_channels=1,
        norm_num_groups=4,
        sample_size=16,
    ), images()


def _lightning() -> tuple[object, Dataset]:
    import lightning

    class Module(ExampleVae, lightning.LightningModule):
        def training_step(self, batch, index):
            recon, mu, logvar = self(batch[0])
            kl = -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum()
            return nn.functional.binary_cross_entropy(recon, batch[0].flatten(1), reduction="sum") + kl

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 1e-3)

    model, data = Module(), images()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data.x), batch_size=50)
    with tempfile.TemporaryDirectory() as folder:
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        lightning.Trainer(max_epochs=2, accelerator="cpu", default_root_dir=folder, **quiet).fit(model, loader)
    return model, data


def _scvi() -> tuple[object, Dataset]:
    import anndata
    import scvi

    data = counts()
    cells = anndata.AnnData(data.x.numpy())
    scvi.model.SCVI.setup_anndata(cells)
    model = scvi.model.SCVI(cells, n_latent=4, n_hidden=16)
    model.train(max_epochs=2, accelerator="cpu", enable_progress_bar=False)
    return model, data


def _timm() -> tuple[object, Dataset]:
    import timm

    return timm.create_model("resnet10t", num_classes=0), images(3, 32)


def _transformers() -> tuple[object, Dataset]:
    import transformers

    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    model = transformers.ViTModel(transformers.ViTConfig(**sizes, image_size=16, patch_size=4, num_channels=1))
    return {"encoder": lambda x: model(x).pooler_output}, images()


LIBRARIES: dict[str, tuple[str | None, Callable[[], tuple[Any, Dataset]]]] = {
    "PyTorch's example": (None, lambda: (ExampleVae(), images())),
    "convolutions with batch normalisation": (None, lambda: (ConvVae(), images())),
    "pythae VAE": ("pythae", _pythae),
    "diffusers AutoencoderKL": ("diffusers", _diffusers),
    "LightningModule": ("lightning", _lightning),
    "scvi-tools SCVI": ("scvi-tools", _scvi),
    "timm encoder": ("timm", _timm),
    "transformers encoder": ("transformers", _transformers),
}
"""By title, the distribution that it needs, and what makes a model and its data."""


def built(title: str) -> tuple[Any, Dataset]:
    """Return a model with fixed weights and its data."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LIBRARIES[title][1]()


def wrapped(model: Any) -> vaehub.LatentModel:
    """Return a model, or the arguments that wrap one, as vaehub takes it."""
    return vaehub.wrap(**model, name="theirs") if isinstance(model, dict) else vaehub.wrap(model, name="theirs")


def measured(hub: vaehub.Hub, model: Any, data: Dataset, metric: str) -> str:
    """Return one number of a measurement, or the reason why there is none."""
    subject = (wrapped(model), wrapped(model)) if metric == "cka" else wrapped(model)
    try:
        result = hub.measure(metric, subject, data=data).result
    except vaehub.VaehubError as error:
        return f"refused: {_short(str(error))}"
    if metric == "cka":
        table = result.tables["similarity"]
        places = zip(table.keys["layer_a"], table.keys["layer_b"], strict=True)
        return f"{table.columns['cka'][list(places).index(('mean', 'mean'))]:.2f}"
    if metric == "representation_dimension":
        vector = next(each for each in result.vectors.values() if "mean" in each.labels)
        return f"{vector.values[list(vector.labels).index('mean')]:.3g}"
    if metric == "traversal":
        return f"{result.vectors['mu_variance'].values.max():.3g}"
    return f"{result.scalars[SHOWN[metric]]:.3g}"


def _short(sentence: str) -> str:
    """Return the middle of a refusal: without the metric's name, and without what to do instead."""
    found = re.search("(needs|trains|was trained with) [^,;]*", sentence)
    return sentence if found is None else found.group()


def row(title: str) -> list[str]:
    """Return the cells of one library."""
    model, data = built(title)
    with tempfile.TemporaryDirectory() as folder:
        hub = vaehub.Hub.open(f"{folder}/store", device="cpu")
        return [measured(hub, model, data, metric) for metric in METRICS]


if __name__ == "__main__":
    print("| model |", " | ".join(f"`{metric}`" for metric in METRICS), "|")
    for name, (package, _) in LIBRARIES.items():
        try:
            known = "" if package is None else f" {version(package)}"
            print(f"| {name}{known} |", " | ".join(row(name)), "|")
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
