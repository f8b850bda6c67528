"""Classifiers on the representations of a trained model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Observations, Result, Sample, Table, task
from vaehub.plugins.probes.kernels import Mask, Probe, logistic_probe, subset_mask, trees_probe, type_masks
from vaehub.plugins.probes.params import Classifier, DownstreamProbeParams
from vaehub.plugins.probes.tasks import chance, check_tasks, majority, tasks_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KEYS = ("representation", "subset", "classifier")


@dataclass(frozen=True)
class Inputs:
    """Inputs of the classifiers: the representations of one set of observations.

    Attributes:
        representations: Arrays ``(n, latent_dim)`` by name, float64.
        masks: Latents of each type; ``None`` for a deterministic encoder, whose latents have no type.
    """

    representations: dict[str, NDArray[np.float64]]
    masks: dict[str, Mask] | None


@final
class DownstreamProbe(ModelMetric[DownstreamProbeParams]):
    """Accuracy of simple classifiers that predict factors: Bonheme 2023, Sections 6.4.1 and 8.4.1.

    Each factor is a task of its own. Types are estimated from the training observations, and the same latents are taken
    from both representations. Where the prior is not standard normal, posterior variances are in units
    of the prior's, and the means of a passive latent must follow the prior's.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs: variances, unless the means of all latents are among what is asked for."""
        return Needs(
            classes=True,
            variances="all" not in self.params.subsets or "mean" not in self.params.representations,
            instead={"variances": '\'-s metric.subsets=["all"] metric.representations=["mean"]\' needs none'},
        )

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a missing split, factors that cannot be learned, and classes that are too rare."""
        data.split(self.params.test_split)
        check_tasks(self.name, self._train(data).data, self.params)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return accuracies by representation, subset, classifier and factor, and their means over factors."""
        train, test = self._train(data), self._test(data)
        classes = tasks_of(self.name, train.data, self.params.factors)
        test_classes = tasks_of(self.name, test.data, tuple(classes))
        inputs, test_inputs = (
            self._inputs(model, self.encode(model, seen, purpose=purpose))
            for seen, purpose in ((train, "train"), (test, "test"))
        )
        asked = list(self._asked(inputs))
        found: dict[tuple[str, bytes, str, str], Probe] = {}
        keys: dict[str, list[str]] = {name: [] for name in (*KEYS, "factor")}
        probes: list[Probe] = []
        with task("probes", len(asked) * len(classes)) as advance:
            for representation, subset, classifier, mask in asked:
                x, test_x = (each.representations[representation][:, mask] for each in (inputs, test_inputs))
                for factor in classes:
                    # Two subsets are often the same latents: of a model without mixed ones, half of them.
                    same = (representation, mask.tobytes(), classifier, factor)
                    if same not in found:
                        found[same] = self._probe(classifier, x, classes[factor], test_x, test_classes[factor])
                    probes.append(found[same])
                    for name, key in zip(keys, (representation, subset, classifier, factor), strict=True):
                        keys[name].append(key)
                    advance(1)
        chances = np.array([chance(classes[factor]) for factor in keys["factor"]])
        majorities = np.array([majority(classes[factor], test_classes[factor]) for factor in keys["factor"]])
        columns = {
            "test_accuracy": np.array([probe.test_accuracy for probe in probes]),
            "train_accuracy": np.array([probe.train_accuracy for probe in probes]),
            "chance": chances,
            "majority": majorities,
            "converged": np.array([float(probe.converged) for probe in probes]),
        }
        counts = {} if inputs.masks is None else {f"n_{name}": int(m.sum()) for name, m in inputs.masks.items()}
        return Result(
            scalars={
                "n_samples": train.n + test.n,
                "n_train": train.n,
                "n_test": test.n,
                "n_factors": len(classes),
                **counts,
            },
            tables={} if not asked else {"probe": Table(keys, columns), "mean": _means(asked, columns, len(classes))},
        )

    # In random order, so that unshuffled folds are alike.
    def _train(self, data: Dataset) -> Observations:
        params = self.params
        return self.draw_observations(data, params.n_train, split=params.train_split, ascending=False, purpose="train")

    def _test(self, data: Dataset) -> Observations:
        params = self.params
        return self.draw_observations(data, params.n_test, split=params.test_split, ascending=False, purpose="test")

    def _inputs(self, model: LatentModel, sample: Sample) -> Inputs:
        mu, logvar = sample.mu, sample.posterior.logvar
        if logvar is None:
            return Inputs({"mean": mu.numpy()}, None)
        prior_mu, prior_logvar = (each.double().cpu() for each in model.prior_all(sample.data))
        shift_variance = None
        if prior_mu.any() or prior_logvar.any():
            shift_variance = ((mu - prior_mu) * (-0.5 * prior_logvar).exp()).var(dim=0, correction=0).numpy()
        ratio = (logvar - prior_logvar).exp().numpy()
        masks = type_masks(ratio, self.params.alpha, shift_variance)
        return Inputs({"mean": mu.numpy(), "sampled": sample.z.numpy()}, masks)

    def _asked(self, inputs: Inputs) -> Iterator[tuple[str, str, Classifier, Mask]]:
        """Yield representation, subset, classifier and the subset's latents, for each subset that has any."""
        for representation in dict.fromkeys(self.params.representations):
            if representation not in inputs.representations:
                continue
            latent_dim = inputs.representations[representation].shape[1]
            for subset in dict.fromkeys(self.params.subsets):
                if inputs.masks is None and subset != "all":
                    continue
                mask = np.ones(latent_dim, bool) if inputs.masks is None else subset_mask(subset, inputs.masks)
                for classifier in dict.fromkeys(self.params.classifiers if mask.any() else ()):
                    yield representation, subset, classifier, mask

    def _probe(self, classifier: Classifier, *data: NDArray[Any]) -> Probe:
        if classifier == "logistic":
            return logistic_probe(*data, n_folds=self.params.n_folds, max_iter=self.params.max_iter)
        seed = int(torch.randint(2**31, (), generator=self.generator("trees")))
        return trees_probe(*data, kind=self.params.trees, seed=seed)

    def plot(self, result: Result) -> Figure | None:
        """Return bars of mean test accuracy by subset and representation, with a dot for each factor and chance."""
        if "probe" not in result.tables:
            return None
        from vaehub.plugins.probes.plots import accuracy_bars

        return accuracy_bars(result.tables["probe"])


def _means(
    asked: list[tuple[str, str, Classifier, Mask]], columns: dict[str, NDArray[np.float64]], n_factors: int
) -> Table:
    """Return means over factors; the rows of a table of probes list one factor after the other."""
    by_task = {name: column.reshape(len(asked), n_factors) for name, column in columns.items()}
    keys = {name: [str(each[at]) for each in asked] for at, name in enumerate(KEYS)}
    return Table(
        keys,
        {
            "mean_test_accuracy": by_task["test_accuracy"].mean(axis=1),
            "min_test_accuracy": by_task["test_accuracy"].min(axis=1),
            "mean_train_accuracy": by_task["train_accuracy"].mean(axis=1),
            "mean_chance": by_task["chance"].mean(axis=1),
            "n_latents": np.array([int(mask.sum()) for *_, mask in asked]),
        },
    )
