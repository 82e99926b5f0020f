"""MLflow's own server for all workspaces, as one worker of gunicorn loads it. The first segment of a
path names the workspace, whose database is in a folder of that name below the working directory.

MLflow takes its stores from two variables of a module. Here, these are proxies of the stores that
belong to the request's workspace.
"""

from __future__ import annotations

from amlwizard.sandbox.ml import lean_mlflow  # noqa: F401 - before MLflow

# isort: split
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import shift_path_info

from flask import request
from mlflow.server import app as server
from mlflow.server import handlers
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Models
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Runs
from werkzeug.local import LocalProxy

from amlwizard.sandbox.ml import tracking_database
from amlwizard.sandbox.ml.tracking_database import ARTIFACTS, DATABASE

WORKSPACE = "amlwizard.workspace"


class Stores(NamedTuple):
    runs: Runs
    models: Models


def stores(workspace: str) -> Stores:
    """Those of a workspace. A database has its name only once it is complete: what is left of one
    whose creation was interrupted is replaced."""
    database = Path(workspace, DATABASE).absolute()
    if not database.exists():
        unfinished = database.with_suffix(".new")
        unfinished.write_bytes(tracking_database.empty())
        unfinished.rename(database)
        for store in opened(database):  # it may have been deleted while it was open
            store.engine.dispose()
    return opened(database)


@cache
def opened(database: Path) -> Stores:
    return Stores(Runs(f"sqlite:///{database}", ARTIFACTS), Models(f"sqlite:///{database}"))


def requested() -> Stores:
    return stores(request.environ[WORKSPACE])


handlers._tracking_store = LocalProxy(lambda: requested().runs)
handlers._model_registry_store = LocalProxy(lambda: requested().models)


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    environ[WORKSPACE] = shift_path_info(environ)
    answer: Iterable[bytes] = server(environ, start_response)
    return answer
