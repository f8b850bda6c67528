"""One store for all tests of pages, and the page of it."""

import dataclasses
from types import SimpleNamespace

import pytest

from vaehub import Hub
from vaehub.core.result import Result
from vaehub.report import write_report

MARKUP = "<script>document.title = 'run'</script>"
SQL = "select 'mnist' as dataset, 1 as classes, 40 as epochs, 'significant_dims' as name"
STUDY = f"""
title = "Four trainings"
published = "intervention"
[recipe]
model = "vae"
"data.subset" = 100
"train.epochs" = 2
[axes]
"model.latent_dim" = [2, 3]
seed = [0, 1]
[metrics.elbo]
split = "train"
[metrics.relevance]
[[reports]]
name = "far"
table = "3.2"
sql = "{SQL}, value from results where metric = 'elbo' and name = 'elbo'"
[[reports]]
name = "near"
table = "3.2"
sql = '''
{SQL}, value from published
where "table" = '3.2' and name = 'significant_dims' and (keys ->> 'dataset') = 'mnist' and (keys ->> 'classes') = '1'
    and coalesce(keys ->> 'epochs', '40') = '40'
'''
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A store with four trainings, what a study asks of them, and a measurement that failed; and its page."""
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("report")
    hub = Hub.open(folder / "store", device="cpu")
    for latents in (2, 3):
        settings = {"data.subset": 100, "train.epochs": 2, "model.latent_dim": latents, "metric.elbo.split": "train"}
        hub.run("vae", ["elbo", "relevance"], seed=[0, 1], settings=settings)
    record = hub.recent()[1][0]
    hub.store.record_measurement(
        dataclasses.replace(record, id="f" * 24, metric=f"x{MARKUP}", status="failed", error=MARKUP), Result()
    )
    study, page, whole = folder / "four.toml", folder / "study.html", folder / "whole.html"
    study.write_text(STUDY)
    write_report(hub, [str(study)], path=page)
    found = write_report(hub, path=whole)
    return SimpleNamespace(hub=hub, study=study, page=page, whole=whole, found=found, folder=folder)
