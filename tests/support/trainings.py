"""What trainings leave in a sandbox: runs in MLflow, secrets lent, execution contexts noted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from support import Sandbox

SAME = """SELECT value FROM tags JOIN runs USING (run_uuid)
WHERE key = 'amlwizard_training' AND status = 'FINISHED' GROUP BY value HAVING count(*) > 1"""


def _asked(cloud: Sandbox, query: str) -> list[Any]:
    databases = list(cloud.file.parent.rglob("mlflow.db"))
    if not databases:
        return []
    with closing(sqlite3.connect(databases[0])) as opened:
        return opened.execute(query).fetchall()


def runs(cloud: Sandbox) -> dict[str, str]:
    """Status by run id, of all runs, the oldest first."""
    return dict(_asked(cloud, "SELECT run_uuid, status FROM runs ORDER BY start_time"))


def done_twice(cloud: Sandbox) -> bool:
    """Whether one training has two runs that finished."""
    return bool(_asked(cloud, SAME))


def nothing_lent(cloud: Sandbox) -> bool:
    """Whether no secret is left in a scope, and no note of an execution context that is open."""
    return not any(s for w in cloud.state["databricks"].values() for s in w["scopes"].values())
