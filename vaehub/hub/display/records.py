"""Trainings, and a hub with what its store holds, in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from markupsafe import Markup

from vaehub.hub.display.figures import drawn
from vaehub.hub.display.tables import NOTHING, facts, paragraph, table, title

if TYPE_CHECKING:
    from vaehub.hub.store_reader import StoreReader
    from vaehub.hub.views import Training
    from vaehub.store.records import TrainingRecord

SHORT = 8
"""Characters of an id that people read."""
RECENT = 10
"""Trainings and measurements of a hub that are listed."""


def training_record(found: TrainingRecord) -> Markup:
    """Return what was trained, how it ended and where."""
    head = title(found.name_of("model"), f"on {found.name_of('dataset')}", found.id[:SHORT])
    lines = [
        ("network", found.name_of("network")),
        ("latents", found.latent_dim),
        ("seed", found.seed),
        *lengths_of(found),
        ("status", found.status),
        ("reason", found.error),
        ("took", f"{found.seconds:.1f} s on {found.device}"),
        ("note", "; ".join(found.notes)),
    ]
    return head + facts(lines)


def training(found: Training) -> Markup:
    """Return a training with its last losses, its curves and what was measured of it."""
    losses = curves = NOTHING
    if found.epochs:
        last = found.epochs[-1]
        names = list(dict.fromkeys(name for terms in last.values() for name in terms))
        lines = [[split, *(terms.get(name) for name in names)] for split, terms in last.items()]
        losses = table([f"epoch {len(found.epochs)}", *names], lines)
        curves = drawn(found.plot, f"losses of {found.name_of('model')} on {found.name_of('dataset')}")
    measured = [[each.id[:SHORT], each.metric, each.status] for each in found.measurements]
    listed = table(["measurement", "metric", "status"], measured) if measured else NOTHING
    return Markup("<div>{}{}{}{}</div>").format(training_record(found), losses, curves, listed)


def hub(found: StoreReader) -> Markup:
    """Return where results are, how many there are, and the latest."""
    trainings, measurements = found.recent(RECENT)
    head = title(type(found).__name__, f"with store {str(found.store.path)!r}")
    if not (trainings or measurements):
        return head + paragraph("Nothing is stored there yet.")
    [counts] = found.sql("select (select count(*) from trainings), (select count(*) from measurements)")
    trained = [
        [each.id[:SHORT], each.name_of("model"), each.name_of("dataset"), each.latent_dim, each.seed, each.status]
        for each in trainings
    ]
    measured = [[each.id[:SHORT], each.metric, (each.training or "")[:SHORT], each.status] for each in measurements]
    return Markup("<div>{}{}{}{}</div>").format(
        head,
        facts(zip(("trainings", "measurements"), counts, strict=True)),
        table(["training", "model", "dataset", "latents", "seed", "status"], trained) if trained else NOTHING,
        table(["measurement", "metric", "training", "status"], measured) if measured else NOTHING,
    )


def lengths_of(found: TrainingRecord) -> list[tuple[str, object]]:
    """Return how long a training was, in the unit in which it was asked for; nothing of what was not trained here."""
    train = found.recipe.get("train")
    params = train.get("params") if isinstance(train, Mapping) else None
    if not isinstance(params, Mapping):
        return []
    return [("epochs", params.get("epochs"))] if params.get("steps") is None else [("steps", params["steps"])]
