"""Similarity of the layers of one model with its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Table, VaehubError
from vaehub.analysis import PALETTE, bars, chosen_layers, frame, new_figure, representations
from vaehub.plugins.similarity.kernels import cka_matrix, procrustes_matrix
from vaehub.plugins.similarity.layer_properties import layer_properties, warn_if_undersampled
from vaehub.plugins.similarity.params import InputSimilarityParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUT = "input"
SHOWN = {"cka": PALETTE[0], "procrustes": PALETTE[2]}
"""Colour of each similarity."""


@final
class InputSimilarity(ModelMetric[InputSimilarityParams]):
    """How similar each layer of a model still is to what the model sees: Bonheme 2023, Figure 7.7.

    CKA, Procrustes similarity and the smaller of the two, as ``layer_similarity`` has them for two models.
    """

    needs = Needs(observations=2)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse layers that the model lacks."""
        if not self._layers(model, data):
            raise VaehubError(
                f"metric {self.name!r} compares layers of the encoder, and of those this model has none; "
                "'-s metric.layers=[\"mean\"]' names others"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return both similarities of each layer with the input, and the smaller."""
        seen = self.draw_observations(data).data
        noise = self.generator("noise", device=model.device)
        layers = representations(model, seen, layers=[INPUT, *self._layers(model, seen)], generator=noise)
        warn_if_undersampled(layers)
        x, others = layers.pop(INPUT), list(layers.values())
        cka, procrustes = cka_matrix([x, *others])[0, 1:].double(), procrustes_matrix([x], others)[0]
        values = {"smaller": torch.minimum(cka, procrustes), "cka": cka, "procrustes": procrustes}
        return Result(
            scalars={"n_samples": len(seen)},
            tables={
                "similarity": Table({"layer": list(layers)}, values),
                "layers": Table({"layer": [INPUT, *layers]}, layer_properties([x, *others])),
            },
        )

    def _layers(self, model: LatentModel, data: Dataset) -> list[str]:
        names = chosen_layers(model, data.first(2), self.params.layers)
        return [name for name in names if name != INPUT and (self.params.layers or name.startswith("encoder"))]

    def plot(self, result: Result) -> Figure:
        """Return two bars for each layer, in their order."""
        table = result.tables["similarity"]
        names = [str(name) for name in table.keys["layer"]]
        figure = new_figure(max(4.0, 0.7 * len(names) + 1.5), 3.4)
        axes = figure.subplots()
        for shift, (name, colour) in zip((-0.2, 0.2), SHOWN.items(), strict=True):
            bars(axes, table.columns[name], names, colours=colour, label=name, shift=shift, width=0.4)
        axes.set_ylim(0, 1.05)
        axes.set_ylabel("similarity with the input")
        axes.legend(frameon=False, fontsize=8, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
        frame(axes)
        return figure
