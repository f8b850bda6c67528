"""Signatures of the layers of a training, for comparison with any other training later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import final

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, Dataset, LatentModel, ModelMetric, Needs, Result, Signatures, Table, generator
from vaehub.analysis import chosen_layers, representations
from vaehub.plugins.similarity.kernels import cka_sketch, gram_vector
from vaehub.plugins.similarity.layers import layer_columns
from vaehub.plugins.similarity.params import SignatureParams


@final
class RepresentationSignature(ModelMetric[SignatureParams]):
    """Vectors whose inner products are alignments of layers, for the same observations in every training.

    Kornblith et al. 2019, Eq. 4; sketched as in Pham & Pagh 2013.
    """

    needs = Needs(observations=4)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse layers that the model does not have."""
        chosen_layers(model, self.draw_observations(data, 2).data, self.params.layers)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return a sketch of each layer, and its Gram matrix if ``exact``."""
        params = self.params
        probes = _probes(self.draw_observations(data, "all").data, params)
        # Probes are the same for every training, and noise is not: with the same, passive latents would be similar.
        noise = self.generator("noise", _digest(model.state_dict().values()), device=model.device)
        layers = representations(model, probes, layers=params.layers, generator=noise)
        sketches = [cka_sketch(x, params.size, generator(params.probe_seed, "sketch")) for x in layers.values()]
        return Result(
            scalars={"n_samples": len(probes)},
            tables={"layers": Table({"layer": list(layers)}, layer_columns(list(layers.values())))},
            signatures={"signature": Signatures(list(layers), torch.stack(sketches), _space(probes, params))},
            arrays={f"gram/{name}": gram_vector(x).float() for name, x in layers.items()} if params.exact else {},
        )


def _probes(data: Dataset, params: SignatureParams) -> Dataset:
    """Return observations that depend neither on the seed of a training nor on that of a measurement."""
    n = len(data) if params.n_samples == "all" else params.n_samples
    rows = torch.randperm(len(data), generator=generator(params.probe_seed, "probes"))[:n]
    return data.subset(rows.sort().values)


def _space(probes: Dataset, params: SignatureParams) -> str:
    """Return the space of a signature, the same for all that can be compared: of observations and hash functions."""
    return f"{_digest(batch.x for batch in probes.batches(EVALUATION_BATCH))}-{params.probe_seed}-{params.size}"


def _digest(tensors: Iterable[Tensor]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for each in tensors:
        array = each.detach().cpu().contiguous()
        digest.update(f"{array.dtype} {tuple(array.shape)}".encode())
        digest.update(array.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
