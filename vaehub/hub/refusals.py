"""What a metric needs, held against what there is, and the one sentence that refuses what lacks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from vaehub.core.data.dataset import Dataset
from vaehub.core.errors import ContractBroken, DataError, VaehubError, described, first_line
from vaehub.core.metric import Metric
from vaehub.core.model import LatentModel, evaluating
from vaehub.core.needs import Needs
from vaehub.core.params import Params, SampleParams, SplitParams
from vaehub.core.recipe import Recipe
from vaehub.core.sample import rows_of
from vaehub.hub.subjects import KINDS
from vaehub.registry.places import place_of


def refuse(metric: Metric, *arguments: Any) -> None:
    """Refuse, before any work is done, what lacks one of a metric's needs or is refused by its own check.

    Args:
        metric: With its parameters.
        arguments: As its kind of subject gives them.

    Raises:
        VaehubError: If the measurement could not succeed; says what would.
    """
    kind = next(kind for kind in KINDS.values() if isinstance(metric, kind.contract()))
    needs: object = metric.needs
    if not isinstance(needs, Needs):
        raise ContractBroken(
            f"metric {metric.name!r} has {described(needs)} as its 'needs', and they are a vaehub.Needs"
            f"{place_of(type(metric))}"
        )
    kind.refuse_unmet(Check(metric.name, metric.needs, metric.params), *arguments)
    metric.check(*arguments)


@dataclass(frozen=True)
class Check:
    """Holds what there is against what a metric needs.

    Args:
        metric: The metric's name.
        needs: What it needs.
        params: Its parameters, which name a split and a number of observations where they are of such a class.
    """

    metric: str
    needs: Needs
    params: Params

    def recipe(self, recipe: Recipe) -> None:
        """Refuse a recipe whose model does not have the parameter that is varied.

        Raises:
            VaehubError: If it has none.
        """
        name = self.needs.varies
        if name is not None and name not in type(recipe.model.params).model_fields:
            self._refuse(
                "varies",
                f"varies 'model.{name}', and model {recipe.model.name!r} has no such parameter",
                f"{'beta_vae' if name == 'beta' else 'vae'!r} has",
            )

    def data(self, data: Dataset) -> None:
        """Refuse data that lack something.

        Raises:
            DataError: If so.
        """
        needs, rows = self.needs, self._rows(data)
        self._enough(len(rows), needs.observations, f"at least {needs.observations} observations")
        if needs.factors and data.factors is None:
            self._refuse_data(
                "factors", "needs data with known factors of variation, and these have none", "'sprites' has"
            )
        if needs.labels and data.labels is None:
            self._refuse_data("labels", "needs data with labels, and these have none", "'digits' has")
        if needs.classes and data.labels is None and data.factors is None:
            self._refuse_data("classes", "needs labels or factors, and these data have neither", "'digits' has labels")
        self._images(data.spec.shape)
        if needs.distinct and data.subset(rows).is_constant():
            self._refuse_data(
                "distinct",
                f"needs observations that differ, and all {len(rows)} of the split {self._split!r} are copies of one",
                "give other data",
            )

    def model(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a model that lacks something; it is tried on one observation at most.

        Raises:
            VaehubError: If so.
        """
        needs, rows = self.needs, self._rows(data)
        some = data.subset(rows[:1])
        if (needs.decoder or needs.derivatives) and not model.decodes:
            self._refuse("decoder", "needs a model with a decoder, and this one has none", "'vae' has")
        if needs.variances and model.encode_all(some).logvar is None:
            self._refuse("variances", "needs a model with posterior variances, and this one has none", "'vae' has")
        if needs.learned_prior and model.learned_prior_variance is None:
            self._refuse("learned_prior", "needs a model with a learned prior, and this one has none", "'ard' has")
        if needs.prior:
            self._prior(model)
        if needs.x_only:
            self._x_only(model, some)
        if needs.latents > 1 or needs.more_than_latents:
            model.encode_all(some)  # a wrapped model learns from its first observations how many latents it has
        if needs.latents > 1 and model.latent_dim < needs.latents:
            self._refuse(
                "latents",
                f"needs at least {needs.latents} latents, and this model has {model.latent_dim}",
                f"'-s model.latent_dim={needs.latents}' is enough",
            )
        if needs.more_than_latents:
            self._enough(len(rows), model.latent_dim + 1, f"more observations than the {model.latent_dim} latents")
        if needs.derivatives:
            self._derivatives(model, some)

    @property
    def _split(self) -> str:
        return self.params.split if isinstance(self.params, SplitParams) else "all"

    def _rows(self, data: Dataset) -> Tensor:
        try:
            return rows_of(data, self._split)
        except DataError as error:
            raise DataError(f"metric {self.metric!r} was asked for the split {self._split!r}: {error}") from error

    def _enough(self, there: int, least: int, what: str) -> None:
        asked = self.params.n_samples if isinstance(self.params, SampleParams) else "all"
        n = there if asked == "all" else min(there, asked)
        if n >= least:
            return
        size = "" if asked == "all" else f", and n_samples is {asked}"
        remedy = "'-s metric.split=all' takes all" if self._split != "all" else "take more data"
        if there >= least:
            remedy = "raise '-s metric.n_samples=…'"
        self._refuse_data(
            "observations", f"needs {what}, and got {n}: the split {self._split!r} has {there}{size}", remedy
        )

    def _images(self, shape: tuple[int, ...]) -> None:
        needs = self.needs
        is_image = len(shape) == 3
        if (needs.images or needs.channels or needs.side) and not is_image:
            self._refuse_data("images", f"needs images, and these observations have shape {shape}", "'digits' has some")
        if needs.channels and shape[0] != needs.channels:
            kind = {1: "grey images", 3: "images with colours"}.get(needs.channels, f"{needs.channels} channels")
            self._refuse_data(
                "channels",
                f"needs {kind}, and these have shape {shape}",
                f"'-s data.channels={needs.channels}' makes such ones",
            )
        if is_image and min(shape[1:]) < needs.side:
            self._refuse_data(
                "side",
                f"needs images of at least {needs.side}x{needs.side}, and these have shape {shape}",
                "'-s data.size=…' enlarges them",
            )

    def _prior(self, model: LatentModel) -> None:
        try:
            model.prior_sample(1, torch.Generator(model.device).manual_seed(0))
        except VaehubError as error:
            self._refuse("prior", f"draws from the prior: {first_line(error)}", "'vae' has one", error)

    def _x_only(self, model: LatentModel, some: Dataset) -> None:
        try:
            model.encode_all(Dataset(some.x))
        except VaehubError as error:
            self._refuse(
                "x_only",
                "encodes what the model decodes, of which no factors or labels are known, and this model cannot: "
                + first_line(error),
                "'vae' can",
                error,
            )

    @torch.no_grad()
    def _derivatives(self, model: LatentModel, some: Dataset) -> None:
        z = model.encode_all(some).mu
        with evaluating(model):
            try:
                once, again = model.decode(z.clone()), model.decode(z.clone())
            except VaehubError:
                raise
            # A user's decoder runs here.
            except Exception as error:  # noqa: BLE001
                self._refuse(
                    "derivatives",
                    f"needs the derivatives of the decoder, and this one cannot decode: {first_line(error)}",
                    "a decoder that takes one vector of latents can",
                    error,
                )
        if not once.is_floating_point():
            self._refuse(
                "derivatives",
                f"needs the derivatives of the decoder, and this one gives {once.dtype}",
                "a decoder that gives the mean as real numbers has some",
            )
        # Parallel sums may differ in the last digits.
        if not torch.allclose(once, again, rtol=1e-3, atol=1e-6, equal_nan=True):
            self._refuse(
                "derivatives",
                "needs the derivatives of the decoder, and this one gives other values each time for the same latents",
                "let it give the mean, without noise",
            )

    def _refuse(self, need: str, sentence: str, remedy: str, cause: Exception | None = None) -> NoReturn:
        raise VaehubError(f"metric {self.metric!r} {sentence}; {self.needs.instead.get(need, remedy)}") from cause

    def _refuse_data(self, need: str, sentence: str, remedy: str) -> NoReturn:
        raise DataError(f"metric {self.metric!r} {sentence}; {self.needs.instead.get(need, remedy)}")
