"""Short vectors of the layers of a training, from which CKA with those of any other training is computed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, Dataset, LatentModel, ModelMetric, Needs, Result, Signatures, Table, generator
from vaehub.analysis import chosen_layers, representations
from vaehub.plugins.similarity.kernels import cka_sketch, gram_vector
from vaehub.plugins.similarity.layer_properties import layer_properties
from vaehub.plugins.similarity.params import SignatureParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class RepresentationSignature(ModelMetric[SignatureParams]):
    """A vector for each layer, on observations common to all trainings; inner products of such vectors are CKA.

    Kornblith et al. 2019, Eq. 4; sketched as in Pham & Pagh 2013.
    """

    needs = Needs(observations=2)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse layers that the model lacks."""
        chosen_layers(model, data.first(2), self.params.layers)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return a sketch of each layer, and with ``exact`` its Gram."""
        params = self.params
        probes = _probes(self.draw_observations(data, "all").data, params)
        # With common noise, the samples of passive latents would agree between any two trainings.
        noise = self.generator("noise", _digest(model.state_dict().values()), device=model.device)
        layers = representations(model, probes, layers=params.layers, generator=noise)
        sketches = [cka_sketch(x, params.size, generator(params.probe_seed, "sketch")) for x in layers.values()]
        return Result(
            scalars={"n_samples": len(probes)},
            tables={"layers": Table({"layer": list(layers)}, layer_properties(list(layers.values())))},
            signatures={"signature": Signatures(list(layers), torch.stack(sketches), _space(probes, params))},
            arrays={f"gram/{name}": gram_vector(x).float() for name, x in layers.items()} if params.exact else {},
        )

    def plot(self, result: Result) -> Figure:
        """Return a heat map of CKA of each pair of layers of the model."""
        from vaehub.plugins.similarity.plots import signature_map

        return signature_map(result)


def _probes(data: Dataset, params: SignatureParams) -> Dataset:
    """Return observations that depend neither on the seed of a training nor on that of a measurement."""
    if params.n_samples == "all":
        return data
    return data.subset(data.draw_rows(params.n_samples, generator(params.probe_seed, "probes")))


def _space(probes: Dataset, params: SignatureParams) -> str:
    """Return a name that comparable signatures share: a digest of the observations, and of the hash functions."""
    return f"{_digest(batch.x for batch in probes.batches(EVALUATION_BATCH))}-{params.probe_seed}-{params.size}"


def _digest(tensors: Iterable[Tensor]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for each in tensors:
        array = each.detach().cpu().contiguous()
        digest.update(f"{array.dtype} {tuple(array.shape)}".encode())
        digest.update(array.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
