"""Feature extractors of the catalog: their identity in a metric's parameters, and their construction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from vaehub.core.errors import VaehubError
from vaehub.core.params import Params, StoredTraining, parse
from vaehub.features.params import SHARED, FeatureParams

if TYPE_CHECKING:
    import torch

    from vaehub.core.metric import Extract, FindModel
    from vaehub.registry.catalog import Catalog, Registered

HOME = "vaehub"
"""The distribution whose extractors identities name alone, without it.

What metrics of any package have stored says ``pixels``, without a distribution, and so does the default: to name it
would change the identity of every measurement that compares observations. So a plain name in what is stored is one of
ours, and others' names have their distribution.
"""

P = TypeVar("P", bound=Params)


def with_identities(catalog: Catalog, params: P, find: Callable[[str], str], *, owner: str) -> P:
    """Complete a metric's parameters with the identities of the trainings and the feature extractor they name.

    Args:
        catalog: Where extractors are looked for.
        params: Of the metric.
        find: From the beginning of a training's id to the whole one.
        owner: The metric, as messages should call it.

    Raises:
        VaehubError: If there is no such training or extractor, it has no such parameters, or its weights are missing.
    """
    if not isinstance(params, FeatureParams):
        return _with_whole_ids(params, find)
    found = catalog.find("features", params.features)
    _check_names(catalog, found, params, owner)
    asked = _with_whole_ids(params, find)
    own = _with_whole_ids(_parsed(found, asked, owner), lambda begin: begin if begin == asked.training else find(begin))
    name, revision = found.entry.name, found.entry.revision
    if asked.extractor_revision not in (None, revision):
        raise VaehubError(
            f"{found.title} is installed in revision {revision}, and {owner} is asked with revision "
            f"{asked.extractor_revision}, which gives other numbers"
        )
    whole = name if found.distribution == HOME else f"{found.distribution}:{name}"
    return asked.identified(whole, revision, own)


class Extractors:
    """Builds the feature extractors that metrics use.

    Args:
        catalog: Where their classes are found.
        models: Returns the model of a stored training.
    """

    def __init__(self, catalog: Catalog, models: FindModel | None) -> None:
        self._catalog = catalog
        self._models = models

    def __call__(self, params: Params, device: torch.device) -> Extract:
        """Return the feature extractor that parameters name.

        Raises:
            VaehubError: As :meth:`vaehub.core.metric.Metric.feature_extractor` does.
        """
        from vaehub.features.extractor import FeatureExtractor, load_extractor

        assert isinstance(params, FeatureParams), "a metric asks for features by such parameters"
        named = params.features if ":" in params.features else f"{HOME}:{params.features}"
        found = self._catalog.find("features", named)
        own, kind = _parsed(found, params, "the metric"), found.load(FeatureExtractor)
        return load_extractor(kind, own, name=params.features, device=device, models=self._models)


def _check_names(catalog: Catalog, found: Registered, params: FeatureParams, owner: str) -> None:
    """Refuse parameters that an extractor does not have."""
    known = found.load_params().model_fields
    for name in SHARED:
        given = getattr(params, name)
        if given is not None and name not in known:
            others = {each.entry.name for each in catalog.entries("features")}
            way = f"set 'features' to {name!r}" if name in others else "name features that do"
            raise VaehubError(
                f"{owner} was given parameters that do not fit: {name!r} is {str(given)!r}, and 'features' is "
                f"{params.features!r}, which takes no {name!r}; {way}, or leave {name!r} out"
            )


def _parsed(found: Registered, params: FeatureParams, owner: str) -> Params:
    """Return the extractor's own parameters."""
    return parse(found.load_params(), params.of_extractor, owner=f"{owner} with features {params.features!r}")


def _with_whole_ids(params: P, resolve: Callable[[str], str]) -> P:
    """Return the parameters with each prefix of a stored training's id replaced by the whole id."""
    marked = [
        name
        for name, field in type(params).model_fields.items()
        if any(isinstance(item, StoredTraining) for item in field.metadata)
    ]
    given = {name: getattr(params, name) for name in marked}
    return params.model_copy(update={name: resolve(prefix) for name, prefix in given.items() if prefix is not None})
