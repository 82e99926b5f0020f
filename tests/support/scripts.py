"""Asks models through scoring scripts behind Microsoft's inference server: a process for all of them,
which imports their libraries once and forks for each model under each script.

Run as a module, it takes the scripts and, on its standard input, requests by model folder; it prints what
was answered, by script and folder.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

IMPORTED = (
    "azure.monitor.opentelemetry.exporter", "azureml.ai.monitoring",
    "azureml_inference_server_http.server", "flask_cors",
    "inference_schema.parameter_types.pandas_parameter_type", "lightgbm", "mlflow.lightgbm", "mlflow.onnx",
    "mlflow.pyfunc.scoring_server", "mlflow.sklearn", "onnxruntime", "pydantic_settings", "sklearn.compose",
    "sklearn.ensemble", "sklearn.impute", "sklearn.linear_model", "sklearn.pipeline", "sklearn.preprocessing",
)  # fmt: skip
Answers = dict[str, Any]
"""``{"answers": [[STATUS, BODY], ...]}``, or ``{"ended": TRACEBACK}`` where the server does not start."""


def asked(
    scripts: Sequence[str], requests: dict[Path, list[Any]]
) -> dict[str, dict[Path, Answers]]:
    """What the models in these folders answer to JSON bodies under each of the scripts."""
    ran = subprocess.run(
        [sys.executable, "-m", "support.scripts", *scripts],
        input=json.dumps({str(folder): bodies for folder, bodies in requests.items()}),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    answers: dict[str, dict[str, Answers]] = json.loads(ran.stdout)
    return {
        script: {Path(folder): one for folder, one in by_folder.items()}
        for script, by_folder in answers.items()
    }


def _forked(script: str, folder: str, bodies: list[Any]) -> Answers:
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        with os.fdopen(writes, "w") as out:
            json.dump(_answers(script, folder, bodies), out)
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as told:
        answers: Answers = json.load(told)
    os.waitpid(child, 0)
    return answers


def _answers(script: str, folder: str, bodies: list[Any]) -> Answers:
    path = Path(folder)
    os.environ |= {
        "AML_APP_ROOT": tempfile.mkdtemp(), "AML_APP_INSIGHTS_ENABLED": "false",
        "AZUREML_ENTRY_SCRIPT": script, "AZUREML_MODEL_DIR": str(path.parent),
        "MLFLOW_MODEL_FOLDER": path.name,
    }  # fmt: skip
    try:
        from azureml_inference_server_http.server.entry import app
    except BaseException:  # noqa: BLE001 - a script may end with any
        return {"ended": traceback.format_exc()}
    client = app.test_client()
    given = [client.post("/score", json=body) for body in bodies]
    return {"answers": [[one.status_code, one.get_json(silent=True)] for one in given]}


def main() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    requests = json.load(sys.stdin)
    importlib.import_module("mlflow.pyfunc").load_model(
        next(iter(requests))
    )  # imports as much again
    gc.freeze()
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    answers = {
        script: {folder: _forked(script, folder, bodies) for folder, bodies in requests.items()}
        for script in sys.argv[1:]
    }
    json.dump(answers, out)
    out.close()


if __name__ == "__main__":
    main()
