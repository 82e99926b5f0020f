"""Clusters: their requirements and life cycle."""

from __future__ import annotations

import time
import uuid

from amlwizard.sandbox.databricks import access_modes, node_addresses, runtimes
from amlwizard.sandbox.databricks.drivers import Drivers
from amlwizard.sandbox.databricks.errors import DatabricksError, invalid
from amlwizard.sandbox.databricks.policies import with_policy, with_pool
from amlwizard.sandbox.databricks.workspace import data_of, vnet_of
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.network import find_subnet
from amlwizard.sandbox.resource_types.vm_sizes import MACHINES, SIZES, cores_used, nodes_of
from amlwizard.sandbox.state import State

START_SECONDS = 285
NODE_TYPES = [
    name
    for name, machine in MACHINES.items()
    if machine.vcpus >= 4 and machine.architecture == "x64" and not name.startswith("Standard_B")
]


class Clusters:
    def __init__(self, state: State, drivers: Drivers) -> None:
        self.state, self.drivers = state, drivers

    async def spark_versions(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        return {"versions": runtimes.versions()}

    async def node_types(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        missing = self.state.data.limits.sizes_not_offered
        return {
            "node_types": [
                {
                    "node_type_id": size,
                    "instance_type_id": size,
                    "description": size,
                    "memory_mb": int(MACHINES[size].memory * 1024),
                    "num_cores": float(SIZES[size]),
                    "is_deprecated": False,
                    "category": "General Purpose",
                    "node_info": {"status": ["NotAvailableInRegion"] if size in missing else []},
                }
                for size in NODE_TYPES
            ]
        }

    async def create(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        spec = self._checked(workspace, body)
        cluster_id = f"{time.strftime('%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}"
        cluster = {
            "id": cluster_id,
            "spec": spec,
            "state": "PENDING",
            "started": time.time(),
            "polls": 0,
            "libraries": {},
        }
        data_of(self.state, workspace).clusters[cluster_id] = cluster
        self._start(workspace, cluster)
        return {"cluster_id": cluster_id}

    async def edit(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        """Change the settings of a running cluster, which restarts, or of a terminated one."""
        cluster = self.find(workspace, body)
        spec = self._checked(workspace, body)
        if cluster["state"] not in ("RUNNING", "TERMINATED"):
            raise _unexpected(cluster)
        cluster["spec"] = {key: value for key, value in spec.items() if key != "cluster_id"}
        if cluster["state"] == "RUNNING":
            self.drivers.end(cluster["id"])
            self._restart(workspace, cluster)
        return {}

    async def get(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        return self._show(self.find(workspace, body))

    async def list_all(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        clusters = data_of(self.state, workspace).clusters
        return {"clusters": [self._show(self.find(workspace, {"cluster_id": c})) for c in clusters]}

    async def start(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        cluster = self.find(workspace, body)
        if cluster["state"] != "TERMINATED":
            raise _unexpected(cluster)
        self._restart(workspace, cluster)
        return {}

    async def delete(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        cluster = self.find(workspace, body)
        cluster["state"] = "TERMINATED"
        cluster["reason"] = {"code": "USER_REQUEST", "type": "SUCCESS", "parameters": {}}
        self.drivers.end(cluster["id"])
        return {}

    async def permanent_delete(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        cluster = self.find(workspace, body)
        del data_of(self.state, workspace).clusters[cluster["id"]]
        self.drivers.end(cluster["id"])
        return {}

    def find(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        cluster = data_of(self.state, workspace).clusters.get(body.get("cluster_id", ""))
        if cluster is None:
            raise invalid(f"Cluster {body.get('cluster_id')} does not exist")
        if cluster["state"] == "PENDING" and self.state.clock.done(
            cluster["started"], START_SECONDS, cluster["polls"]
        ):
            if cluster.get("fails"):
                cluster["state"] = "TERMINATED"
                cluster["reason"] = cluster["fails"]
            else:
                cluster["state"] = "RUNNING"
        if cluster["state"] == "RUNNING" and cluster["id"] not in self.drivers:
            cluster["state"] = "TERMINATED"
            cluster["reason"] = {"code": "INACTIVITY", "type": "SUCCESS", "parameters": {}}
        cluster["polls"] += 1
        return cluster

    def running(self, workspace: JsonObject, cluster_id: str) -> JsonObject:
        cluster = self.find(workspace, {"cluster_id": cluster_id})
        if cluster["state"] != "RUNNING":
            raise DatabricksError(
                400, "INVALID_STATE", f"Cluster {cluster_id} is not running: {cluster['state']}."
            )
        return cluster

    def restart_driver(self, workspace: JsonObject, cluster_id: str) -> None:
        """Start the driver of a running cluster again: execution contexts are lost."""
        cluster = self.running(workspace, cluster_id)
        self.drivers.end(cluster_id)
        self.drivers.start(cluster_id, workspace, cluster["spec"])

    def disrupt(self, workspace: JsonObject, disruption: str) -> None:
        """Disrupt every running cluster of a workspace: ``terminate`` or ``lose-contexts``."""
        for cluster_id, cluster in data_of(self.state, workspace).clusters.items():
            if cluster["state"] != "RUNNING":
                continue
            if disruption == "lose-contexts":
                self.restart_driver(workspace, cluster_id)
                continue
            self.drivers.end(cluster_id)
            cluster["state"] = "TERMINATED"
            said = "Databricks lost its connection to the driver."
            cluster["reason"] = _reason("COMMUNICATION_LOST", said, "CLOUD_FAILURE")

    def _restart(self, workspace: JsonObject, cluster: JsonObject) -> None:
        for library in cluster["libraries"].values():
            library.update(started=time.time(), polls=0)
        self._start(workspace, cluster)

    def _start(self, workspace: JsonObject, cluster: JsonObject) -> None:
        cluster.update(state="PENDING", started=time.time(), polls=0, reason=None)
        nodes = nodes_of(cluster["spec"])
        need = SIZES[cluster["spec"]["node_type_id"]] * nodes
        limit = self.state.data.limits.cores
        if cores_used(self.state) > limit:
            cluster["fails"] = _reason(
                "AZURE_QUOTA_EXCEEDED_EXCEPTION",
                f"Operation could not be completed as it results in exceeding approved Total Regional Cores quota: limit {limit}, needed {need}.",
            )
        elif not self._egress(workspace):
            cluster["fails"] = _reason(
                "NETWORK_CHECK_CONTROL_PLANE_FAILURE",
                "The node cannot reach the control plane: its subnets have no outbound access.",
            )
        elif refused := node_addresses.refusal(self.state, workspace, nodes):
            cluster["fails"] = _reason(
                "CLOUD_PROVIDER_LAUNCH_FAILURE", refused[1], "CLOUD_FAILURE", refused[0]
            )
        else:
            cluster.pop("fails", None)
            self.drivers.start(cluster["id"], workspace, cluster["spec"])

    def _checked(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        """The settings, with what pool and policy make of them."""
        data = data_of(self.state, workspace)
        spec = with_pool(data, with_policy(data, body))
        _check(spec)
        return spec

    def _egress(self, workspace: JsonObject) -> bool:
        if not workspace["properties"]["parameters"]["enableNoPublicIp"]["value"]:
            return True
        return all(
            s["properties"].get("natGateway")
            or s["properties"].get("defaultOutboundAccess") is not False
            for s in self._subnets(workspace)
        )

    def _subnets(self, workspace: JsonObject) -> list[JsonObject]:
        p = workspace["properties"]["parameters"]
        names = [
            (p.get(k) or {}).get("value")
            for k in ("customPublicSubnetName", "customPrivateSubnetName")
        ]
        found = [find_subnet(self.state, f"{vnet_of(workspace)}/subnets/{name}") for name in names]
        return [subnet for subnet in found if subnet]

    def _show(self, cluster: JsonObject) -> JsonObject:
        """The response for a cluster, which differs in places from what was requested."""
        spec = cluster["spec"]
        shown = {
            **{key: value for key, value in spec.items() if value != 0},
            "cluster_id": cluster["id"],
            "state": cluster["state"],
            "state_message": "",
        }
        master = "spark.master"
        if (spec.get("spark_conf") or {}).get(master) == "local[*]":
            shown["spark_conf"] = {**spec["spark_conf"], master: "local[*, 4]"}
        if cluster.get("reason"):
            shown["termination_reason"] = cluster["reason"]
            shown["state_message"] = cluster["reason"]["parameters"].get("azure_error_message", "")
        return shown


def _reason(code: str, message: str, kind: str = "CLIENT_ERROR", azure: str = "") -> JsonObject:
    """The termination reason; `azure` is the error code of the resource provider."""
    given = {"azure_error_code": azure} if azure else {}
    return {"code": code, "type": kind, "parameters": {**given, "azure_error_message": message}}


def _check(spec: JsonObject) -> None:
    """Refuse unknown runtimes and node types, with Databricks' messages."""
    for key in ("spark_version", "node_type_id"):
        if not spec.get(key):
            raise invalid(f"Missing required field '{key}'")
    node = spec["node_type_id"]
    if node not in NODE_TYPES:
        supported = ", ".join(NODE_TYPES)
        raise invalid(f"Node type {node} is not supported. Supported node types: {supported}")
    if not runtimes.is_offered(spec["spark_version"]):
        raise invalid(f"Invalid spark version {spec['spark_version']}.")
    access_modes.check(spec)
    scale = spec.get("autoscale")
    if scale and not scale.get("min_workers", 0) < scale.get("max_workers", 0):
        raise invalid("The value of max_workers must be greater than that of min_workers.")


def _unexpected(cluster: JsonObject) -> DatabricksError:
    return DatabricksError(
        400,
        "INVALID_STATE",
        f"Cluster {cluster['id']} is in unexpected state {cluster['state']}.",
    )
