#!/usr/bin/env bash
# Versions: mlflow-skinny 3.17.2, SQLAlchemy 2.1.9.
# Expected: a metric that is infinite comes back infinite, from a database as from files; NaN comes back as NaN.
# Seen: NaN does, from both. From a database infinity comes back as 1.7976931348623157e308, the largest number there is; from files as inf.
# Matters: a divergence that is infinite, a usual mark of a broken posterior, is a finite number after a round trip: it passes
#     isfinite and enters means. The same code answers differently with another tracking address.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check mlflow-skinny==3.17.2 sqlalchemy==2.1.9 alembic numpy pandas
cd "$work"
MLFLOW_ALLOW_FILE_STORE=true "$work/venv/bin/python" -W ignore - <<'PYTHON' 2>/dev/null
import math

import mlflow

back = {}
for name, address in {"database": "sqlite:///runs.db", "files": "file:./runs"}.items():
    mlflow.set_tracking_uri(address)
    mlflow.set_experiment("posterior")
    with mlflow.start_run() as run:
        mlflow.log_metric("kl", math.inf)
        mlflow.log_metric("elbo", math.nan)
    back[name] = mlflow.get_run(run.info.run_id).data.metrics
    print(mlflow.__version__, name, back[name])
assert back["files"]["kl"] == math.inf
assert back["database"]["kl"] == 1.7976931348623157e308
assert all(math.isnan(metrics["elbo"]) for metrics in back.values())
PYTHON
