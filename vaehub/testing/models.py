"""What models promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import torch

from vaehub.core.data.dataset import Batch, Dataset
from vaehub.core.errors import ContractBroken, VaehubError
from vaehub.core.model import LatentModel, Step
from vaehub.core.recipe import Recipe
from vaehub.hub import requests
from vaehub.registry.lawfulness import NAME
from vaehub.testing.bench import LATENT_DIM, Bench, bench
from vaehub.testing.failures import Item, NotChecked, StopChecking
from vaehub.testing.guards import class_of, scrambled, untouched
from vaehub.testing.networks import same_for_all_seeds
from vaehub.testing.parameters import check_params
from vaehub.training.fit import Fitted, fit
from vaehub.training.loop import TrainingState, checked

EPOCHS = 4
DATA = ("grey", "vectors")
"""Data of which a model takes one."""


class _Stopped(Exception):  # noqa: N818 as Ctrl-C would
    """The training was interrupted."""


class _Checkpoint:
    """Keeps the first state, and stops the training there, or resumes from it."""

    def __init__(self, state: TrainingState | None = None) -> None:
        self.state = state
        self._stops = state is None

    def load(self) -> TrainingState | None:
        return None if self._stops else self.state

    @property
    def is_due(self) -> bool:
        return self._stops

    def save(self, state: TrainingState) -> None:
        tensors = {name: value.detach().clone() for name, value in state.tensors.items()}
        self.state = replace(state, tensors=tensors)
        raise _Stopped

    def discard(self) -> None:
        """Nothing is in a file."""


def check(item: Item, settings: Mapping[str, object] | None = None, network: str | None = None) -> None:
    """Note the promises of a model that are not kept.

    Args:
        item: The entry.
        settings: Parameters by scope.
        network: Network that it is built on.
    """
    kind = class_of(item, LatentModel)
    check_params(item)
    item.params({name.removeprefix("model."): value for name, value in (settings or {}).items() if "model." in name})
    tools = bench()
    recipe, whole = _accepted(item, tools, dict(settings or {}), network)
    builder = tools.runner_of(item.catalog).builder

    def built(seed: int = 0) -> LatentModel:
        return item.attempt("cannot be built", lambda: builder.build(replace(recipe, seed=seed), whole))

    with scrambled(1), untouched(item, "is built"):
        model = built()
    if same_for_all_seeds(model, built(1)):
        item.broken("begins with the same weights for every seed: does it set one itself?", kind)
    _check_shapes(item, model, whole)
    _check_loss(item, built(), whole)

    def trained(model: LatentModel, checkpoint: _Checkpoint | None = None) -> Fitted:
        return fit(model, whole, recipe.train, seed=recipe.seed, checkpoint=checkpoint)

    with scrambled(2), untouched(item, "is trained"):
        fitted = item.attempt("fails as it is trained", lambda: trained(model))
    _check_falls(item, model, fitted)
    again = built()
    with scrambled(3):
        item.attempt("fails as it is trained again", lambda: trained(again))
    if names := _differing(model, again):
        item.broken(f"has other weights each time for the same seed: {names[0]!r}", kind.loss)
    _check_resumes(item, model, built, trained)
    restored = built()
    item.attempt("cannot be restored from its weights", lambda: restored.load_state_dict(model.state_dict()))
    some = whole.split("validation")
    if not torch.equal(restored.eval().encode_all(some).mu, model.eval().encode_all(some).mu):
        item.broken("encodes otherwise once it is restored: its state is more than its weights and buffers", kind)


def _accepted(item: Item, tools: Bench, settings: dict[str, object], network: str | None) -> tuple[Recipe, Dataset]:
    """Return a recipe and data that the model does not refuse."""
    refused = ""
    for of in DATA:
        for each in [network] if network else ["mlp", "linear"]:
            chosen = {"model.latent_dim": LATENT_DIM, "train.epochs": EPOCHS} | settings
            if each == "mlp":
                chosen = {"network.hidden": [32]} | chosen
            scopes = requests.split_settings(chosen)
            component = tools.recipe("vae", of).dataset
            try:
                recipe = requests.recipe_of(
                    item.catalog,
                    model=item.whole_name,
                    network=each,
                    dataset=component,
                    seed=0,
                    settings=scopes,
                )
                whole = tools.trained(tools.recipe("vae", of))[1]
                runner = tools.runner_of(item.catalog)
                item.attempt("cannot be built", partial(_built, runner.builder.build, recipe, whole))
            except NotChecked as refusal:
                refused = refused or str(refusal)
            else:
                return recipe, whole
    raise NotChecked(f"{item.title} takes none of the kit's data: {refused}")


def _built(build: Callable[[Recipe, Dataset], LatentModel], recipe: Recipe, whole: Dataset) -> LatentModel:
    try:
        return build(recipe, whole)
    except VaehubError as error:
        if isinstance(error, ContractBroken) or (
            error.__cause__ is not None and not isinstance(error.__cause__, VaehubError)
        ):
            raise  # a fault of the model, and no refusal
        raise NotChecked(str(error)) from error


@torch.no_grad()
def _check_shapes(item: Item, model: LatentModel, whole: Dataset) -> None:
    batch, kind = whole.split("train").batch(slice(0, 5)), type(model)
    model.eval()
    posterior = item.attempt("fails as it encodes", lambda: model.encode(batch))
    alone = item.attempt("fails as it encodes one observation", lambda: model.encode(_first(batch)))
    if not torch.allclose(posterior.mu[:1], alone.mu, atol=1e-5, rtol=1e-4):
        item.broken("encodes an observation otherwise among others than alone, in evaluation mode", kind.encode)
    if model.decodes:
        x = item.attempt("fails as it decodes", lambda: model.decode(posterior.mu))
        if whole.spec.in_unit_interval and not bool(((x >= 0) & (x <= 1)).all()) and _is_bounded(model):
            item.broken("decodes to values outside [0, 1], where the data are; 'decode' gives their mean", kind.decode)
    _check_prior(item, model)


def _is_bounded(model: LatentModel) -> bool:
    # A linear decoder, or one with a Gaussian likelihood, may leave the range.
    return getattr(model.params, "likelihood", None) == "bernoulli"


def _check_prior(item: Item, model: LatentModel) -> None:
    def drawn(seed: int) -> torch.Tensor | None:
        try:
            return model.prior_sample(6, torch.Generator().manual_seed(seed))
        except VaehubError:
            return None  # it has none, and says so

    with scrambled(1):
        one = item.attempt("fails as it draws from its prior", lambda: drawn(0))
    with scrambled(2):
        same, other = drawn(0), drawn(1)
    kind = type(model)
    if one is None or same is None or other is None:
        return
    if one.shape != (6, model.latent_dim):
        item.broken(
            f"draws {tuple(one.shape)} from its prior, and 6 draws have shape (6, {model.latent_dim})",
            kind.prior_sample,
        )
    elif not torch.equal(one, same) or torch.equal(one, other):
        item.broken(
            "draws from its prior with other randomness than that of the generator it is given", kind.prior_sample
        )


def _check_loss(item: Item, model: LatentModel, whole: Dataset) -> None:
    train, kind = whole.split("train"), type(model)
    with torch.no_grad():
        model.training_started(train)
    model.train()
    generator = torch.Generator().manual_seed(0)
    losses = item.attempt(
        "fails as it computes its loss", lambda: model.loss(train.batch(slice(0, 32)), Step(0, 0, generator))
    )
    try:
        checked(losses, model)
    except VaehubError as error:
        item.broken(f"fails as it computes its loss: {error}", kind.loss)
        raise StopChecking from error
    if unlawful := [name for name in losses.terms if not NAME.fullmatch(name)]:
        item.broken(f"has the loss {unlawful[0]!r}, and names are lower-case words joined by underscores", kind.loss)
    for name, value in {"total": losses.total, **losses.terms}.items():
        if not bool(torch.isfinite(value).all()):
            item.broken(f"has the loss {name!r} of {float(value.detach())} before it is trained", kind.loss)
    if model.decodes and "reconstruction" not in losses.terms:
        item.broken("has no term 'reconstruction' in its loss, as every model with a decoder has", kind.loss)
    if losses.total.requires_grad:
        losses.total.backward()  # type: ignore[no-untyped-call]
        if not any(weight.grad is not None and bool(weight.grad.any()) for weight in model.parameters()):
            item.broken("has a loss whose gradient is zero for all weights", kind.loss)
    elif not _is_closed_form(kind):
        item.broken("has a loss that no weight decides, so that nothing can be learned", kind.loss)


def _is_closed_form(kind: type[LatentModel]) -> bool:
    return kind.solve is not LatentModel.solve


def _check_falls(item: Item, model: LatentModel, fitted: Fitted) -> None:
    first, last = (fitted.history[at].losses["train"] for at in (0, -1))
    if len(fitted.history) < 2:
        return  # a closed form
    watched = {name: (first[name], last[name]) for name in first if name != "kl"}
    watched["progress"] = (model.progress(first), model.progress(last))
    if not any(after < before - 0.001 * abs(before) for before, after in watched.values()):
        item.broken(
            f"does not learn: after {EPOCHS} epochs its loss is {last['total']:.4g}, and it was {first['total']:.4g}",
            type(model).loss,
        )


def _check_resumes(
    item: Item,
    model: LatentModel,
    built: Callable[[], LatentModel],
    trained: Callable[[LatentModel, _Checkpoint | None], Fitted],
) -> None:
    interrupted, resumed = built(), built()
    kept = _Checkpoint()
    try:
        trained(interrupted, kept)
    except _Stopped:
        pass
    else:
        return  # over before it could be interrupted
    with scrambled(4):
        item.attempt("cannot be resumed", lambda: trained(resumed, _Checkpoint(kept.state)))
    if names := _differing(model, resumed):
        item.broken(
            f"ends with other weights if it is interrupted and resumed: {names[0]!r}; all that a step changes belongs "
            "into weights, buffers or optimisers",
            type(model),
        )


def _differing(one: LatentModel, other: LatentModel) -> list[str]:
    a, b = one.state_dict(), other.state_dict()
    return [name for name in a if name not in b or not torch.equal(a[name], b[name])]


def _first(batch: Batch) -> Batch:
    rest = (None if each is None else each[:1] for each in (batch.labels, batch.factors))
    return Batch(batch.x[:1], *rest)
