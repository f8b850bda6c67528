"""Entropies of layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Vector, task
from vaehub.analysis import decode, layer_names, representations
from vaehub.plugins.fondue.kernels import batches, entropy_of_gram, gram, information_of_grams, rounded_down
from vaehub.plugins.fondue.params import InformationPlaneParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RECONSTRUCTION = "reconstruction"
OBSERVED, LATENT = "input", "sampled"
"""Names of two layers, as in :func:`vaehub.analysis.layer_names`."""
DECIMALS = 2
"""Kept of each mean over batches in the reference code of FONDUE_IB."""


@final
class InformationPlane(ModelMetric[InformationPlaneParams]):
    """Information of each layer on the observation and on its reconstruction: Bonheme 2023, Appendix D.2.

    Rényi entropies of Giraldo et al. 2015, in bits, averaged over batches. Reconstructions are decoded
    from the sampled z.
    """

    computes_much = True
    needs = Needs(decoder=True, observations=2)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return entropy and both informations of each layer, and the two numbers that FONDUE_IB compares."""
        seen = self.draw_observations(data)
        noise = self.generator("noise", device=model.device)
        at = batches(seen.n, self.params.batch, compat=self.params.compat)
        names = (*layer_names(model, seen.data), RECONSTRUCTION)
        total = torch.zeros(3, len(names), dtype=torch.float64)
        with task("information of layers", len(at)) as advance:
            for batch in at:
                layers = _layers(model, seen.data.subset(torch.arange(seen.n)[batch]), noise)
                # The output before its non-linearity is the last layer of the decoder.
                shown = names[-2] if self.params.logits else RECONSTRUCTION
                total += _informations([layers[name] for name in names], names.index(shown), self.params.alpha)
                advance(1)
        found = total / len(at)
        found = rounded_down(found, DECIMALS) if self.params.compat else found
        entropy, of_input, of_reconstruction = (Vector(row, index="layer", labels=names) for row in found)
        return Result(
            scalars={
                "entropy_z": float(entropy.values[names.index(LATENT)]),
                "information_x_reconstruction": float(of_reconstruction.values[names.index(OBSERVED)]),
                "n_samples": seen.n,
                "n_batches": len(at),
                "batch": at[0].stop - at[0].start,
                "highest": math.log2(at[0].stop - at[0].start),
            },
            vectors={
                "entropy": entropy,
                "information_input": of_input,
                "information_reconstruction": of_reconstruction,
            },
            arrays={"rows": seen.rows},
        )

    def plot(self, result: Result) -> Figure:
        """Return the information plane, and the entropy of each layer."""
        from vaehub.plugins.fondue.plots import plot_plane

        return plot_plane(result)


def _layers(model: LatentModel, observations: Dataset, noise: torch.Generator) -> dict[str, Tensor]:
    found = representations(model, observations, generator=noise)
    return {**found, RECONSTRUCTION: decode(model, found[LATENT])}


def _informations(layers: list[Tensor], shown: int, alpha: float) -> Tensor:
    """Return entropy, information on the first layer, and on the one that stands for the reconstruction."""
    grams = [gram(layer) for layer in layers]
    return torch.tensor(
        [
            [entropy_of_gram(each, alpha) for each in grams],
            [information_of_grams(grams[0], each, alpha) for each in grams],
            [information_of_grams(each, grams[shown], alpha) for each in grams],
        ],
        dtype=torch.float64,
    )
