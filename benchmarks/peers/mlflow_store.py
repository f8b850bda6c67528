"""MLflow's side of the store comparison; prints seconds."""

import json
import logging
import os
import sys
import tempfile
import time

# Read on import; otherwise MLflow's telemetry thread would be timed along with the store.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

RECORDS, VALUES = 1000, 20


def record(client: MlflowClient, experiment: str, number: int) -> None:
    """Record the content of a measurement: its parameters, its values, and its success."""
    asked = {"metric": "benchmark", "n_samples": "100", "dataset": "digits", "seed": str(number)}
    run = client.create_run(experiment).info.run_id
    values = [Metric(f"value_{at}", 0.5, 0, at) for at in range(VALUES)]
    client.log_batch(run, metrics=values, params=[Param(name, value) for name, value in asked.items()])
    client.set_terminated(run)


def main() -> None:
    """Warm up with one measurement, and time many."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
        experiment = client.create_experiment("benchmark")
        record(client, experiment, RECORDS)
        started = time.perf_counter()
        for number in range(RECORDS):
            record(client, experiment, number)
        elapsed = time.perf_counter() - started
    sys.stdout.write(json.dumps({"records": elapsed}) + "\n")


main()
