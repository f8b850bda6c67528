"""Disentanglement, completeness and informativeness."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, final

import torch

from vaehub import Dataset, LatentModel, Result, VaehubError, task
from vaehub.plugins.disentanglement.kernels import (
    Prediction,
    dci_of,
    factor_completeness,
    latent_disentanglement,
    predicted,
)
from vaehub.plugins.disentanglement.params import DciParams
from vaehub.plugins.disentanglement.score import LearnedScore, TwoSets

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Dci(LearnedScore[DciParams]):
    """The three properties of Eastwood & Williams 2018, with boosted trees: Locatello et al. 2019."""

    computes_much = True  # LightGBM has threads
    n_varying = 2

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a predictor that is not installed, and what no score takes."""
        if self.params.predictor == "lightgbm" and find_spec("lightgbm") is None:
            raise VaehubError(
                f"metric {self.name!r} was asked for the predictor 'lightgbm', which is not installed: pip install "
                "'vaehub[boosting]'; '-s metric.predictor=gradient_boosting' works without"
            )
        super().check(model, data)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the three, and the importance of each latent for each factor."""
        sets = self.sets(model, data)
        names, predictions = sets.factors.names, self._predictions(sets)
        found = dci_of(predictions)
        accuracies = {
            "accuracy": torch.tensor([each.accuracy for each in predictions]),
            "train_accuracy": torch.tensor([each.train_accuracy for each in predictions]),
        }
        return Result(
            scalars={
                "disentanglement": found.disentanglement,
                "completeness": found.completeness,
                "informativeness": found.informativeness,
                "train_informativeness": found.train_informativeness,
                **sets.counts,
            },
            tables={
                "importance": sets.encoded.table(names, importance=found.importance),
                "latents": sets.encoded.latent_table(
                    latent_disentanglement=latent_disentanglement(found.importance),
                    importance_share=found.importance.sum(dim=1) / len(names),
                ),
                "factors": sets.factors.table(factor_completeness=factor_completeness(found.importance), **accuracies),
            },
        )

    def _predictions(self, sets: TwoSets) -> list[Prediction]:
        """Return what predicts each factor; the trees of each have the same seed."""
        seed = int(torch.randint(2**31, (), generator=self.generator("trees")))
        train, test = (codes.numpy() for codes in sets.codes)
        classes, test_classes = (each.mT.numpy() for each in sets.classes)
        found = []
        with task("factors", len(classes)) as advance:
            for learned, tested in zip(classes, test_classes, strict=True):
                found.append(predicted(train, learned, test, tested, predictor=self.params.predictor, seed=seed))
                advance(1)
        return found

    def plot(self, result: Result) -> Figure:
        """Return the importance of each latent for each factor."""
        from vaehub.plugins.disentanglement.plots import latents_by_factors

        named = ("disentanglement", "completeness", "informativeness")
        title = ", ".join(f"{name[0].upper()} {result.scalars[name]:.3f}" for name in named)
        return latents_by_factors(result, "importance", "importance", title, "importance", greatest=1)
