"""Containers of deployments, and the models in them.

MLflow and scikit-learn take seconds to import: only the tests that run a container do."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amlwizard.cloud.container_log import last_exception
from support import forking

SERVER = ["azureml-ai-monitoring", "azureml-inference-server-http"]
NEEDED = [f"mlflow=={version('mlflow')}", "scikit-learn", *SERVER]
TARGET = [1.0, 2.0, 3.0]


@dataclass
class Container:
    process: Any
    log: Path
    ready: bool

    def ask(
        self, path: str, body: Any = None, query: str = "", **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        given = {"content-type": "application/json", **headers} if body is not None else {}
        asked = {"method": "GET" if body is None else "POST", "path": path, "query": query,
                 "headers": given, "body": base64.b64encode(raw).decode() if given else ""}  # fmt: skip
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        text = base64.b64decode(answer["body"]).decode()
        headers = {name.lower(): value for name, value in answer["headers"]}
        is_json = "json" in headers["content-type"]
        return answer["status"], headers, json.loads(text) if is_json else text

    def score(self, given: Any) -> tuple[int, Any]:
        status, _, body = self.ask("/score", {"input_data": given})
        return status, body

    @property
    def exception(self) -> str:
        return last_exception(self.log.read_text())


@contextmanager
def container(model: Path, folder: Path, *own: Path, anew: bool = False) -> Iterator[Container]:
    """The container of a model, with its files in `folder`. `own` are another scoring script, and the
    folder with another environment; `anew` where packages must be missing that a forked process has
    imported already."""
    log, begun = folder / "log", nullcontext() if anew else forking.stood_in_for()
    with log.open("wb") as written, begun, subprocess.Popen(
        [sys.executable, "-m", "amlwizard.sandbox.ml.scorer", str(model), *map(str, own)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=written, start_new_session=True,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder), "HOME": str(folder)},
    ) as process:  # fmt: skip
        assert process.stdout and process.stdin
        ready = bool(process.stdout.readline())
        if not ready:
            process.wait()
        yield Container(process, log, ready)
        process.kill()


@cache
def frame() -> Any:
    """Rows to fit a model to."""
    import pandas as pd

    return pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1, 0, 1]})


def predictions() -> list[float]:
    """Of the model of these rows, for the first two."""
    from sklearn.linear_model import Ridge

    return list(Ridge().fit(frame(), TARGET).predict(frame().head(2)))


def sklearn_model(folder: Path, data: Any, **options: Any) -> Path:
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.linear_model import Ridge

    fitted = Ridge().fit(data, TARGET)
    path = folder / "model"
    options.setdefault("signature", infer_signature(data, fitted.predict(data)))
    mlflow.sklearn.save_model(fitted, str(path), pip_requirements=NEEDED, **options)
    return path


def pyfunc_model(folder: Path, answer: Callable[[Any], Any], **options: Any) -> Path:
    import mlflow

    class Answering(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return answer(model_input)

    path = folder / "model"
    options.setdefault("pip_requirements", NEEDED)
    mlflow.pyfunc.save_model(str(path), python_model=Answering(), **options)
    return path


def split(columns: list[Any], *rows: list[Any], **more: Any) -> dict[str, Any]:
    return {"columns": columns, "data": [*rows], **more}
