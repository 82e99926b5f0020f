"""Libraries of a cluster. Only packages of this Python environment can be "installed"."""

from __future__ import annotations

import importlib.metadata
import time

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from amlwizard.sandbox.databricks.clusters import Clusters
from amlwizard.sandbox.databricks.errors import invalid
from amlwizard.sandbox.databricks.runtimes import python_of
from amlwizard.sandbox.documents import JsonObject

SECONDS = 50


class Libraries:
    def __init__(self, clusters: Clusters) -> None:
        self.clusters, self.clock = clusters, clusters.state.clock

    async def install(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        cluster = self.clusters.find(workspace, body)
        for library in body.get("libraries", []):
            package = (library.get("pypi") or {}).get("package")
            if not package:
                raise invalid("Only PyPI libraries are offered here.")
            cluster["libraries"][package] = {"started": time.time(), "polls": 0}
        return {}

    async def status(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        cluster = self.clusters.find(workspace, body)
        statuses = []
        for package, library in cluster["libraries"].items():
            library["polls"] += 1
            done = cluster["state"] == "RUNNING" and self.clock.done(
                library["started"], SECONDS, library["polls"]
            )
            problem = _cannot_install(package, cluster["spec"]["spark_version"]) if done else None
            statuses.append(
                {
                    "library": {"pypi": {"package": package}},
                    "status": ("FAILED" if problem else "INSTALLED") if done else "PENDING",
                    "messages": [problem] if problem else [],
                    "is_library_for_all_clusters": False,
                }
            )
        return {"cluster_id": cluster["id"], "library_statuses": statuses}


def _cannot_install(package: str, spark_version: str) -> str | None:
    """The error if a package is pinned to a version that is not available here, or requires a newer
    Python than the runtime has; else None."""
    wanted = Requirement(package)
    try:
        have = importlib.metadata.distribution(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        return _failed(package, f"{_NO_VERSION} {package} (from versions: none)")
    if not wanted.specifier.contains(have.version, prereleases=True):
        return _failed(package, f"{_NO_VERSION} {package} (from versions: {have.version})")
    python = ".".join(map(str, python_of(spark_version)))
    needs = have.metadata["Requires-Python"] or ""
    if python not in SpecifierSet(needs):
        return _failed(
            package,
            "ERROR: Ignored the following versions that require a different python version: "
            f"{have.version} Requires-Python {needs}\n{_NO_VERSION} {package} (from versions: none)",
        )
    return None


_NO_VERSION = "ERROR: Could not find a version that satisfies the requirement"


def _failed(package: str, said: str) -> str:
    return (
        "Library installation attempted on the driver node of the cluster and failed. Error code: "
        f"DRIVER_LIBRARY_INSTALLATION_FAILURE. Error message: pip install '{package}' exited with "
        f"code 1. {said}"
    )
