"""Classifiers on the representations of a trained model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Observations, Result, Sample, Table, VaehubError, task
from vaehub.plugins.polarised.kernels import LATENT_TYPES, types_beside_prior
from vaehub.plugins.probes.kernels import Mask, Probe, logistic_probe, subset_mask, trees_probe
from vaehub.plugins.probes.params import Classifier, DownstreamProbeParams
from vaehub.plugins.probes.tasks import chance, check_tasks, majority, tasks_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KEYS = ("representation", "subset", "classifier")


@dataclass(frozen=True)
class Encoded:
    """Some observations as a model encodes them.

    Attributes:
        representations: Arrays ``(n, latent_dim)`` by name, float64.
        masks: Latents of each type; ``None`` for a deterministic encoder, whose latents have no type.
    """

    representations: dict[str, NDArray[np.float64]]
    masks: dict[str, Mask] | None


@final
class DownstreamProbe(ModelMetric[DownstreamProbeParams]):
    """How much of each factor simple classifiers read off a representation: Bonheme 2023, Sections 6.4.1 and 8.4.1.

    Each factor is a task of its own. Types are determined from the observations that classifiers learn from, and are
    the same for both representations. Where the prior is not standard normal, posterior variances are in units
    of the prior's, and the means of a passive latent must follow the prior's.
    """

    needs = Needs(classes=True)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a missing test split, too few observations of a class, and variances that the model does not have."""
        test = self._observations(data, "test").data
        train = self._observations(data, "train").data
        check_tasks(self.name, train, self.params)
        has_variances = model.encode_all(test.subset(torch.arange(1))).logvar is not None
        if not has_variances and not ("all" in self.params.subsets and "mean" in self.params.representations):
            raise VaehubError(
                f"metric {self.name!r} needs posterior variances for types of latents and for samples, and this "
                "model has none; ask for '-s metric.subsets=[\"all\"]' of '-s metric.representations=[\"mean\"]'"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return accuracies by representation, subset, classifier and factor, and their means over factors."""
        train, test = (
            self.encode(model, self._observations(data, purpose), purpose=purpose) for purpose in ("train", "test")
        )
        classes = tasks_of(self.name, train.data, self.params.factors)
        test_classes = tasks_of(self.name, test.data, tuple(classes))
        encoded, test_encoded = self._encoded(model, train), self._encoded(model, test)
        asked = list(self._asked(encoded))
        found: dict[tuple[str, bytes, str, str], Probe] = {}
        keys: dict[str, list[str]] = {name: [] for name in (*KEYS, "factor")}
        probes: list[Probe] = []
        with task("probes", len(asked) * len(classes)) as advance:
            for representation, subset, classifier, mask in asked:
                x, test_x = (each.representations[representation][:, mask] for each in (encoded, test_encoded))
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
        counts = {} if encoded.masks is None else {f"n_{name}": int(m.sum()) for name, m in encoded.masks.items()}
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

    def _observations(self, data: Dataset, purpose: Literal["train", "test"]) -> Observations:
        """Draw observations to learn from or to test on, in random order, so that unshuffled folds are comparable."""
        params = self.params
        n, split = {"train": (params.n_train, params.train_split), "test": (params.n_test, params.test_split)}[purpose]
        return self.draw_observations(data, n, split=split, ascending=False, purpose=purpose)

    def _encoded(self, model: LatentModel, sample: Sample) -> Encoded:
        if sample.posterior.logvar is None:
            return Encoded({"mean": sample.mu.numpy()}, None)
        prior_mu, prior_logvar = (each.cpu().double() for each in model.prior_all(sample.data))
        types = types_beside_prior(sample.mu, sample.logvar, prior_mu, prior_logvar, self.params.alpha)
        masks = {name: types == name for name in LATENT_TYPES}
        return Encoded({"mean": sample.mu.numpy(), "sampled": sample.z.numpy()}, masks)

    def _asked(self, encoded: Encoded) -> Iterator[tuple[str, str, Classifier, Mask]]:
        """Yield representation, subset, classifier and the subset's latents, of subsets that have any."""
        for representation in dict.fromkeys(self.params.representations):
            if representation not in encoded.representations:
                continue
            latent_dim = encoded.representations[representation].shape[1]
            for subset in dict.fromkeys(self.params.subsets):
                if encoded.masks is None and subset != "all":
                    continue
                mask = np.ones(latent_dim, bool) if encoded.masks is None else subset_mask(subset, encoded.masks)
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
        from vaehub.plugins.probes.plots import accuracy_panels

        return accuracy_panels(result.tables["probe"])


def _means(
    asked: list[tuple[str, str, Classifier, Mask]], columns: dict[str, NDArray[np.float64]], n_factors: int
) -> Table:
    """Return means over factors; rows of a table of probes come one factor after the other."""
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
