"""The container of a deployment: Microsoft's inference server with one MLflow model behind it.

Arguments: the model's folder and, optionally, another entry script, and the folder with the
`conda.yaml` of another environment than the model's. Requests and responses are lines
of JSON on standard input and output, with bodies in base64; no port is opened. Standard error is the
container's log. Exits silently if the server does not start.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from amlwizard.sandbox.children import requests
from amlwizard.sandbox.ml import user_environment


class Response(Protocol):
    status_code: int
    data: bytes
    headers: Iterable[tuple[str, str]]


class Client(Protocol):
    """Flask's test client, as far as it is used here."""

    def open(self, path: str, **request: object) -> Response: ...


class InferenceServer(Protocol):
    def test_client(self) -> Client: ...


NO_CODE = Path(__file__).with_name("no_code.py")


def _server(
    folder: Path, script: Path = NO_CODE, environment: Path | None = None
) -> InferenceServer:
    """The server's Flask application, with the entry script and the model loaded."""
    folder = _copied(folder)
    if environment is not None:
        script = _copied(script.parent) / script.name
    os.environ |= {
        "AML_APP_ROOT": os.environ["TMPDIR"] if environment is None else str(script.parent),
        "AML_APP_INSIGHTS_ENABLED": "false",
        "AZUREML_ENTRY_SCRIPT": str(script),
        "AZUREML_MODEL_DIR": str(folder.parent),
    }
    if environment is None:
        os.environ["MLFLOW_MODEL_FOLDER"] = folder.name
    if environment is None or (environment / "conda.yaml").exists():
        user_environment.enter(environment or folder)
    from azureml_inference_server_http.server.entry import app

    server: InferenceServer = app
    return server


def _copied(folder: Path) -> Path:
    """The container's own files: what it writes beside them, as Python does, is in no blob."""
    return Path(shutil.copytree(folder, Path(tempfile.mkdtemp()) / folder.name))


def _answered(client: Client, asked: dict[str, str]) -> dict[str, object]:
    answer = client.open(
        asked["path"],
        method=asked["method"],
        query_string=asked["query"],
        headers=asked["headers"],
        data=base64.b64decode(asked["body"]),
    )
    return {
        "status": answer.status_code,
        "headers": list(answer.headers),
        "body": base64.b64encode(answer.data).decode(),
    }


def main() -> None:
    asked = requests()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    client = _server(*map(Path, sys.argv[1:])).test_client()
    answers.write('{"ready": true}\n')
    answers.flush()
    for line in asked:
        answers.write(json.dumps(_answered(client, json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
