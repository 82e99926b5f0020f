"""The database that MLflow's server keeps for a workspace, before anything was tracked."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

DATABASE = "mlflow.db"
ARTIFACTS = "mlflow-artifacts:/"


@cache
def empty() -> bytes:
    """As MLflow makes it. It leads each new database through all versions of its schema, which takes
    longer than to copy one: a process has it made once."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with TemporaryDirectory() as folder:
        database = Path(folder, DATABASE)
        SqlAlchemyStore(f"sqlite:///{database}", ARTIFACTS).engine.dispose()
        return database.read_bytes()
