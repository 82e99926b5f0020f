"""MLflow's own server as one worker of gunicorn loads it: what `mlflow server` comes to, which would
import MLflow twice, once to make the database and once to serve."""

from __future__ import annotations

import os

from mlflow.server import ARTIFACT_ROOT_ENV_VAR, BACKEND_STORE_URI_ENV_VAR, app
from mlflow.server.handlers import initialize_backend_stores

__all__ = ["app"]

initialize_backend_stores(
    os.environ[BACKEND_STORE_URI_ENV_VAR], None, os.environ[ARTIFACT_ROOT_ENV_VAR]
)
