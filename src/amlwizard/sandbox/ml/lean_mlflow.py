"""Keeps MLflow's server from importing the SDK of Databricks: to be imported before MLflow.

Only MLflow's client of Unity Catalog uses the SDK, and a server of databases never does; its import
takes as long as the rest of the server's start, and 37 MB.
"""

from __future__ import annotations

import sys
from types import ModuleType

USER = "mlflow.store.artifact.databricks_sdk_models_artifact_repo"


class DatabricksSDKModelsArtifactRepository:
    """In the place of MLflow's."""


unused = ModuleType(USER)
vars(unused)[DatabricksSDKModelsArtifactRepository.__name__] = DatabricksSDKModelsArtifactRepository
sys.modules.setdefault(USER, unused)
