"""What each column means, in the database itself: ``select * from duckdb_columns()`` shows it in any client.

Migrations hold these texts, so that none is ever edited: a migration that makes or changes a column or a view says what
its columns mean.
"""

from collections.abc import Mapping

_PROCESS = "process that wrote it, a row of provenance"
_TRAINING = "id of the training that was measured; of a pair, the first; null for data, recipes and tables"
_OTHER = "of a pair, id of the second training"
_MEASUREMENT = "id of the measurement"
_STUDY = "name of the study"
_SCALE = "name of the scale at which the study was asked for"
_CELL = "point of the grid, counted from 0; null for an analysis of all points"
_SETTINGS = "what was set at the point, as JSON by name; of an analysis, its name"
_STARTED = "when it began, in UTC"
_SECONDS = "duration in seconds"
_STATUS = "done, or failed"
_ERROR = "why it failed; null if it did not"
_PARAMS = "parameters of the metric, as JSON"
_METRIC = "name of the metric"
_BETA = "parameter beta of the model, where it has one"
_LAYER = "name of the layer"
_POSITION = "position of the layer in its model, counted from 0"

_VALUE = {
    "name": "name of the value",
    "index_name": "what the position counts: latent, layer, factor ...; of a table, its name; null for a single number",
    "index": "position, counted from 0; of a table, the row; null for a single number",
    "label": "name of the position, where it has one",
    "keys": "of a table, the keys of the row, as JSON",
    "value": "the number; NaN where it is undefined",
}
_TRAINED = {
    "model": "name of the model, the learning objective",
    "network": "name of the network, the encoder and the decoder",
    "dataset": "name of the data",
    "seed": "seed of the training; of what has none, of the measurement",
    "latent_dim": "number of latents",
}
_RESULT = _TRAINED | {
    "beta": _BETA,
    "metric": _METRIC,
    **_VALUE,
    "params": _PARAMS,
    "recipe": "all that decides the weights, as JSON",
    "training": _TRAINING,
    "other": _OTHER,
    "measurement": _MEASUREMENT,
}
_SIGNATURE = _TRAINED | {
    "metric": _METRIC,
    "name": "name of the signature",
    "layer": _LAYER,
    "position": _POSITION,
    "signature": "space and vector, which cka(a, b) takes",
    "params": _PARAMS,
    "recipe": "all that decides the weights, as JSON",
    "training": "id of the training that was measured",
    "measurement": _MEASUREMENT,
}
_ASKED = {"study": _STUDY, "scale": _SCALE, "cell": _CELL, "settings": _SETTINGS}

_TABLES = {
    "provenance": {
        "id": "id of the process",
        "vaehub": "version of vaehub",
        "plugins": "version of each distribution that contributes plugins, as JSON",
        "python": "version of Python",
        "torch": "version of PyTorch",
        "platform": "operating system and processor",
        "git_commit": "commit of the folder that the process was started in, where it is a repository",
        "command_line": "command that started the process",
        "started": _STARTED,
    },
    "trainings": {
        "id": "digest of all that decides the weights",
        **_TRAINED,
        "seed": "seed of the training, which decides all its randomness",
        "beta": _BETA,
        "recipe": "all that decides the weights, as JSON",
        "status": _STATUS,
        "error": _ERROR,
        "notes": "what a reader must know, as a JSON list of phrases",
        "started": _STARTED,
        "seconds": f"{_SECONDS}; of a training that was resumed, since then",
        "device": "where it was computed: cpu, cuda ...",
        "weights": "file of the weights, in the folder arrays of the store",
        "provenance": _PROCESS,
    },
    "epochs": {
        "training": "id of the training",
        "epoch": "epoch, counted from 0",
        "part": "split of the data: train or validation",
        "name": "term of the loss: total, reconstruction, kl ...",
        "value": "mean over the observations of the split",
    },
    "measurements": {
        "id": "digest of all that decides the values",
        "metric": _METRIC,
        "params": _PARAMS,
        "seed": "seed of the measurement, which decides all its randomness",
        "model": "of a recipe that was measured, the name of its model; of a training, it has that",
        "network": "likewise the name of its network",
        "dataset": "of data or a recipe that was measured, the name of the data",
        "beta": f"of a recipe that was measured, {_BETA}",
        "recipe": "the recipe that was measured, as JSON",
        "subject": "what was measured, as JSON: a training, a pair, a dataset, a recipe or a table",
        "training": _TRAINING,
        "other": _OTHER,
        "request": "all that decides the values, as JSON",
        "status": _STATUS,
        "error": _ERROR,
        "started": _STARTED,
        "seconds": _SECONDS,
        "provenance": _PROCESS,
    },
    "measured_values": {"measurement": _MEASUREMENT, **_VALUE},
    "measured_signatures": {
        "measurement": _MEASUREMENT,
        "name": "name of the signature",
        "layer": _LAYER,
        "position": _POSITION,
        "space": "name of the space; signatures of different spaces cannot be compared",
        "vector": "vector of norm 1; NaN where nothing can be said of the layer",
    },
    "arrays": {
        "owner": "id of the training or measurement",
        "name": "name of the array in its file",
        "shape": "length of each axis",
        "dtype": "type of the numbers, as NumPy names it",
        "file": "HDF5 file, in the folder arrays of the store",
        "sha256": "checksum of the file",
    },
    "published": {
        "study": "the paper, by the name of its study",
        "table": "number of the table as printed; text for prose and captions",
        "keys": "what tells the values of a table apart, as JSON: model, network, dataset ...",
        "name": "what was measured or set",
        "value": "the number; null where words are printed",
        "printed": "the same with the digits of the paper",
        "spread": "spread of the runs behind it",
        "spread_kind": "se, sd or ci95; unknown where it is not said; null where none is printed",
        "n_runs": "number of runs behind it",
        "unit": "unit of the number",
        "note": "what is odd about it, or the words that are printed",
        "source": "digest of the file that it came in",
    },
    "studies": {
        "study": _STUDY,
        "scale": _SCALE,
        "title": "what it is about",
        "definition": "the study as it was last asked for, as JSON",
        "asked": "when it was last asked for, in UTC",
    },
    "cells": {
        **_ASKED,
        "metric": _METRIC,
        "training": "id of the training that the measurement needs",
        "measurement": "id of the measurement that the study asks for, done or not",
    },
    "results": {"study": "names of the studies that ask for it", **_RESULT},
    "study_results": _ASKED | _RESULT,
    "signatures": _SIGNATURE,
    "study_signatures": _ASKED | _SIGNATURE,
    "schema_version": {"version": "number of a migration", "migrated": "when it was carried out"},
}


def _statements(tables: Mapping[str, Mapping[str, str]]) -> str:
    return "".join(
        f"""comment on column "{table}"."{column}" is '{meaning}';\n"""
        for table, columns in tables.items()
        for column, meaning in columns.items()
    )


COMMENTS = _statements(_TABLES)
"""The statements, of the tables and views of the sixth schema."""

_LIKELIHOOD = "likelihood of the model, where it has a choice; values under different ones do not compare"
_EPOCHS = "passes over the training split, of a training whose length is not in steps"
_STEPS = "steps, of a training whose length is in steps"
_SPLIT = "split of the data that was measured, where the metric takes one"
_UNIT = "unit of the value, where its metric names one"
_COMPARED = {"likelihood": _LIKELIHOOD, "epochs": _EPOCHS, "steps": _STEPS, "split": _SPLIT}

COMMENTS_OF_SUMMARIES = _statements(
    {
        "trainings": {
            "likelihood": _LIKELIHOOD,
            "epochs": _EPOCHS,
            "steps": _STEPS,
            "setting": "digest of the recipe without its seed",
        },
        "measurements": {
            "likelihood": f"of a recipe that was measured, {_LIKELIHOOD}",
            "epochs": f"of a recipe that was measured, {_EPOCHS}",
            "steps": f"of a recipe that was measured, {_STEPS}",
            "split": _SPLIT,
            "setting": "digest of all that decides the values but seeds and trainings",
        },
        "measured_values": {"unit": _UNIT},
        "results": {"study": "names of the studies that ask for it", **_RESULT, **_COMPARED, "unit": _UNIT},
        "study_results": _ASKED | _RESULT | _COMPARED | {"unit": _UNIT},
        "summary": {
            **{name: _TRAINED[name] for name in ("model", "network", "dataset", "latent_dim")},
            "beta": _BETA,
            **_COMPARED,
            "metric": _METRIC,
            **{name: _VALUE[name] for name in ("name", "index_name", "index", "keys")},
            "label": "name of the position, where it has the same one in all measurements",
            "mean": "mean over seeds; a training that was measured with several counts once; NaN where a value is",
            "sd": "standard deviation over seeds, of the n - 1 kind; null of one value, NaN where one is infinite",
            "n": "number of trainings, or of pairs; of measurements, where no training was measured",
            "unit": _UNIT,
            "params": _PARAMS,
            "setting": "digest of all that the values have in common",
        },
    }
)
"""The statements, of what the seventh schema adds or makes anew."""
