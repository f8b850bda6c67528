"""What stands for the layers of a training, so that they can be compared with those of any other later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import final

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, Dataset, LatentModel, ModelMetric, Result, Signatures, Table, generator
from vaehub.analysis import chosen_layers, representations
from vaehub.plugins.similarity.kernels import cka_sketch, gram_vector
from vaehub.plugins.similarity.layers import described
from vaehub.plugins.similarity.params import SignatureParams


@final
class RepresentationSignature(ModelMetric):
    """Vectors whose inner products are alignments, of what layers make of the same observations in every training.

    Kornblith et al. 2019, Eq. 4; sketched as in Pham & Pagh 2013.
    """

    Params = SignatureParams
    params: SignatureParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse layers that the model has not."""
        chosen_layers(model, data.split(self.params.part).first(2), self.params.layers)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return a sketch of each layer, and its Gram if that is asked for."""
        params = self.params
        probes = _probes(data.split(params.part), params)
        # Probes are the same for every training, and noise is not: with the same, passive latents would be alike.
        noise = self.generator("noise", _digest(model.state_dict().values()), device=model.device)
        layers = representations(model, probes, layers=params.layers, generator=noise)
        sketches = [cka_sketch(x, params.size, generator(params.probe_seed, "sketch")) for x in layers.values()]
        return Result(
            scalars={"n_samples": len(probes)},
            tables={"layers": Table({"layer": list(layers)}, described(list(layers.values())))},
            signatures={"signature": Signatures(list(layers), torch.stack(sketches), _space(probes, params))},
            arrays={f"gram/{name}": gram_vector(x).float() for name, x in layers.items()} if params.exact else {},
        )


def _probes(data: Dataset, params: SignatureParams) -> Dataset:
    """Return observations that depend neither on the seed of a training nor on that of a measurement."""
    rows = torch.randperm(len(data), generator=generator(params.probe_seed, "probes"))[: params.n_samples]
    return data.subset(rows.sort().values)


def _space(probes: Dataset, params: SignatureParams) -> str:
    """Return what signatures that can be compared have in common: observations themselves, and hash functions."""
    return f"{_digest(batch.x for batch in probes.batches(EVALUATION_BATCH))}-{params.probe_seed}-{params.size}"


def _digest(tensors: Iterable[Tensor]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for each in tensors:
        array = each.detach().cpu().contiguous()
        digest.update(f"{array.dtype} {tuple(array.shape)}".encode())
        digest.update(array.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
