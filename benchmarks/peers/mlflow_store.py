"""MLflow's side of the store comparison; prints seconds."""

import json
import logging
import os
import sys
import tempfile
import time

# Read on import; a thread that reports to MLflow's makers would be timed along with the store.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

RECORDS, VALUES = 1000, 20


def main() -> None:
    """Record each run with its metrics in one call."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
        experiment = client.create_experiment("benchmark")
        started = time.perf_counter()
        for _ in range(RECORDS):
            run = client.create_run(experiment)
            client.log_batch(run.info.run_id, metrics=[Metric(f"value_{at}", 0.5, 0, at) for at in range(VALUES)])
        elapsed = time.perf_counter() - started
    sys.stdout.write(json.dumps({"records": elapsed}) + "\n")


main()
