"""Real models of other libraries: read as the library reads them, left as they were, and measured as the page says."""

import copy
import re
from pathlib import Path

import pytest
import torch

from tests.adapters.foreign_models import LIBRARIES, METRICS, built, row, wrapped

# Of deprecations in other libraries there are many.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
PAGE = Path(__file__).parents[2] / "docs" / "models.md"

REFERENCES = {
    "PyTorch's example": lambda model, x: model.encode(x.flatten(1)),
    "convolutions with batch normalisation": lambda model, x: model.encode(x),
    "pythae VAE": lambda model, x: model.encoder(x).to_tuple(),
    "diffusers AutoencoderKL": lambda model, x: _of_latent_dist(model.encode(2 * x - 1).latent_dist),
    "LightningModule": lambda model, x: model.encode(x.flatten(1)),
    "scvi-tools SCVI": lambda model, x: _of_normal(model.module.inference(x, x.new_zeros(len(x), 1).long())["qz"]),
    "timm encoder": lambda model, x: (model(_normalised(model, x)), None),
    "transformers encoder": lambda model, x: (model["encoder"](x), None),
}
"""By title, means and log variances of a model in evaluation mode, by its own library's calls."""


def _of_latent_dist(found):
    return found.mean.flatten(1), found.logvar.flatten(1)


def _of_normal(found):
    return found.loc, 2 * found.scale.log()


def _normalised(model, x):
    mean, std = (torch.tensor(model.pretrained_cfg[name]).reshape(1, 3, 1, 1) for name in ("mean", "std"))
    return (x - mean) / std


def available(title):
    package = LIBRARIES[title][0]
    if package is not None:
        pytest.importorskip({"scvi-tools": "scvi"}.get(package, package))
    return built(title)


def modules_of(model):
    if isinstance(model, dict):
        return [cell.cell_contents for cell in model["encoder"].__closure__]
    return [getattr(model, "module", model)]


@pytest.mark.parametrize("title", LIBRARIES)
def test_posteriors_are_those_of_the_library_and_nothing_of_the_model_changes(title):
    model, data = available(title)
    [module] = modules_of(model)
    module.train()
    before = copy.deepcopy(module.state_dict())
    found = wrapped(model).encode_all(data)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert module.training
    module.eval()
    with torch.no_grad():
        mu, logvar = REFERENCES[title](model, data.x)
    torch.testing.assert_close(found.mu, mu, rtol=1e-4, atol=1e-5)
    if logvar is None:
        assert found.logvar is None
    else:
        torch.testing.assert_close(found.logvar, logvar, rtol=1e-4, atol=1e-5)


def on_the_page(title):
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(METRICS) + 1 and re.fullmatch(rf"{re.escape(title)}( [\d.]+)?", cells[0]):
            return cells[1:]
    raise AssertionError(f"{PAGE.name} has no row for {title}")


@pytest.mark.parametrize("title", LIBRARIES)
def test_what_can_be_measured_of_it_is_what_the_page_says(title):
    available(title)
    found, said = row(title), on_the_page(title)
    for metric, ours, theirs in zip(METRICS, found, said, strict=True):
        is_refused = ours.startswith("refused: ")
        assert is_refused == theirs.startswith("refused: "), (metric, ours, theirs)
        assert not is_refused or ours == theirs, metric
