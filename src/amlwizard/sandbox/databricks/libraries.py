"""Libraries of a cluster: the node has what this environment has, and nothing else."""

from __future__ import annotations

import importlib.metadata
import time

from amlwizard.sandbox.databricks.clusters import Clusters
from amlwizard.sandbox.databricks.errors import invalid
from amlwizard.sandbox.kinds.base import Body

SECONDS = 50


class Libraries:
    def __init__(self, clusters: Clusters) -> None:
        self.clusters, self.clock = clusters, clusters.world.clock

    async def install(self, workspace: Body, body: Body) -> Body:
        cluster = self.clusters.find(workspace, body)
        for library in body.get("libraries", []):
            package = (library.get("pypi") or {}).get("package")
            if not package:
                raise invalid("Only PyPI libraries are offered here.")
            cluster["libraries"][package] = {"started": time.time(), "polls": 0}
        return {}

    async def status(self, workspace: Body, body: Body) -> Body:
        cluster = self.clusters.find(workspace, body)
        statuses = []
        for package, library in cluster["libraries"].items():
            library["polls"] += 1
            done = cluster["state"] == "RUNNING" and self.clock.done(
                library["started"], SECONDS, library["polls"]
            )
            problem = _cannot_install(package) if done else None
            statuses.append(
                {
                    "library": {"pypi": {"package": package}},
                    "status": ("FAILED" if problem else "INSTALLED") if done else "PENDING",
                    "messages": [problem] if problem else [],
                    "is_library_for_all_clusters": False,
                }
            )
        return {"cluster_id": cluster["id"], "library_statuses": statuses}


def _cannot_install(package: str) -> str | None:
    """A pin on anything else than what is here fails, and says so."""
    name, _, wanted = package.partition("==")
    try:
        have = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"Could not find a version that satisfies the requirement {package}"
    if wanted and wanted != have:
        return f"Could not find a version that satisfies the requirement {package} (from versions: {have})"
    return None
