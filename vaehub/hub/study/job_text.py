"""Jobs as text: canonical JSON that a worker on another machine can do them from, and that is the same for the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaehub import __version__
from vaehub.core.errors import VaehubError
from vaehub.core.identity import Json, canonical_json, identity
from vaehub.core.recipe import Component, Recipe
from vaehub.hub.requests import MeasurementRequest, restored_component, restored_recipe
from vaehub.hub.study.grid import Job
from vaehub.hub.subject import IN_MEMORY
from vaehub.hub.subjects import kind_of
from vaehub.registry import trackers
from vaehub.registry.catalog import Catalog
from vaehub.store.delivery_session import Known, plain_of

_IDS = re.compile(r'"([0-9a-f]{24})"')


def job_id(job: Job) -> str:
    """Return the identity of what a job is to make."""
    return identity([sorted(job.wanted), [recipe.id for recipe in job.recipes]])


def plain_work(job: Job) -> dict[str, Json]:
    """Return what a job is to make, as plain values.

    Raises:
        VaehubError: If it needs something that is in the memory of this process alone.
    """
    work: dict[str, Json] = {
        "recipes": [recipe.record() for recipe in job.recipes],
        "wanted": {name: _plain_request(request) for name, request in job.wanted.items()},
    }
    if f'"{IN_MEMORY}"' in canonical_json(work):
        raise VaehubError(
            "data or a model were handed over in memory, which workers elsewhere do not see; save them into a file, or "
            "leave 'executor' out"
        )
    return work


def named_trainings(work: Mapping[str, Json]) -> set[str]:
    """Return what may be ids of trainings that a job needs: of its own, and all that its parameters name."""
    return set(_IDS.findall(canonical_json(work)))


def text_of(
    job: Job, work: Mapping[str, Json], *, store: Path | None, known: Known, device: str, more: Mapping[str, Json]
) -> str:
    """Return the text of a job.

    Args:
        job: The job.
        work: What it is to make, from :func:`plain_work`.
        store: Folder of the store; ``None`` where workers do not see it.
        known: Trainings that it needs and the store has.
        device: Where to compute.
        more: What the submitter wants to read again.
    """
    return canonical_json(
        {
            "id": job_id(job),
            "vaehub": __version__,
            "store": None if store is None else str(store),
            "device": device,
            "known": plain_of(known),
            "trackers": trackers.asked(),
            **work,
            **more,
        }
    )


def probe_text(job: str, store: Path | None) -> str:
    """Return the text of a job that makes nothing."""
    return canonical_json({"id": job, "vaehub": __version__, "store": None if store is None else str(store)})


def restored_job(asked: Mapping[str, Any], catalog: Catalog) -> Job:
    """Return the job of a text.

    Raises:
        VaehubError: If a plugin is missing here, or has another version than where the job was laid down.
    """
    recipes = [restored_recipe(catalog, each) for each in asked["recipes"]]
    wanted = {name: _restored_request(each, catalog) for name, each in asked["wanted"].items()}
    job = Job(recipes, {request.id: request for request in wanted.values()})
    if job_id(job) != asked["id"]:
        raise VaehubError(
            "a plugin has other parameters here than where the study was run, so that the job would be another one; "
            "install the same versions on both"
        )
    return job


def _plain_request(request: MeasurementRequest) -> dict[str, Json]:
    subject = request.subject
    if not isinstance(subject.what, Recipe | Component):
        raise VaehubError(
            f"metric {request.metric.name!r} measures {subject.kind}, which no job of a study can ask for"
        )
    return {
        "metric": request.metric.record(),
        "kind": subject.kind,
        "of": subject.what.record(),
        "seed": request.seed,
    }


def _restored_request(plain: Mapping[str, Any], catalog: Catalog) -> MeasurementRequest:
    metric, of = restored_component(catalog, "metric", plain["metric"]), plain["of"]
    given = restored_recipe(catalog, of) if "model" in of else restored_component(catalog, "dataset", of)
    return MeasurementRequest(metric, kind_of(plain["kind"], metric.name).of(given, metric.name), plain["seed"])


def wanted_of(asked: Mapping[str, Any]) -> Sequence[str]:
    """Return the ids of what a job of a text is to measure; none of a probe."""
    return list(asked.get("wanted", {}))
