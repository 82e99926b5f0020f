"""Scheduling of pods: allocatable resources of the nodes, and what is already running."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.base import state_of
from amlwizard.sandbox.resource_types.vm_sizes import MEMORY_GIB, SIZES
from amlwizard.sandbox.state import State

DEPLOYMENT = "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments"
# AKS, resource reservations: millicores by cores; memory for the kubelet and the eviction limit.
RESERVED_CPU = {1: 60, 2: 100, 4: 140, 8: 180, 16: 260, 32: 420, 64: 740}
MEGABYTE = 10**6 / 2**20
KUBELET_MIB, POD_MIB, EVICTION_MIB = 50 * MEGABYTE, 20 * MEGABYTE, 100
# Azure Machine Learning, reference of the extension: requests of its inference pods (m, Mi).
ROUTER = (900, 800)
EXTENSION = (
    (10, 20), (100, 128), (100, 512), (10, 32), (50, 256), (100, 128), (200, 200), (200, 200),
    (100, 64),
)  # fmt: skip
ON_EVERY_NODE = (10, 100)
UNITS = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024, "Ti": 1024**2, "M": MEGABYTE, "G": 1000 * MEGABYTE}

Pod = tuple[float, float]
"""Millicores and MiB."""


def unschedulable(state: State, cluster_id: str, pod: Pod, instances: int, own: str) -> bool:
    """Whether some instances stay pending. `own` is the deployment's id; its old pods are replaced."""
    cluster = state.get(cluster_id)
    if cluster is None:
        return False
    nodes = list(_nodes(cluster))
    routers = 3 if len(nodes) >= 3 else 1
    others = [p for d in _deployments(state, cluster_id, own) for p in pods_of(d)]
    pods = [*[ROUTER] * routers, *EXTENSION, *others, *[pod] * instances]
    return not _placed(nodes, pods)


def _nodes(cluster: JsonObject) -> Iterator[Pod]:
    for pool in cluster["properties"]["agentPoolProfiles"]:
        cores, memory = SIZES.get(pool["vmSize"]), MEMORY_GIB.get(pool["vmSize"])
        if cores is None or memory is None:
            continue
        reserved = max(m for held, m in RESERVED_CPU.items() if held <= cores)
        kubelet = min(KUBELET_MIB + POD_MIB * pool.get("maxPods", 30), memory * 1024 / 4)
        cpu, mib = 1000 * cores - reserved, memory * 1024 - kubelet - EVICTION_MIB
        # The autoscaler adds nodes for pending pods.
        most = pool.get("maxCount") if pool.get("enableAutoScaling") else None
        for _ in range(most or pool.get("count", 1)):
            yield cpu - ON_EVERY_NODE[0], mib - ON_EVERY_NODE[1]


def _deployments(state: State, cluster_id: str, own: str) -> Iterator[JsonObject]:
    for deployment in state.of_type(DEPLOYMENT):
        endpoint = state.get(deployment["id"].rsplit("/", 2)[0]) or {"properties": {}}
        compute = state.get(endpoint["properties"].get("compute")) or {"properties": {}}
        there = str(compute["properties"].get("resourceId", "")).lower() == cluster_id.lower()
        up = state_of(deployment) == "Succeeded"
        if there and up and deployment["id"].lower() != own.lower():
            yield deployment


def pods_of(deployment: JsonObject) -> list[Pod]:
    resources = deployment["properties"].get("containerResourceRequirements") or {}
    asked = resources.get("containerResourceRequests") or {}
    pod = (millicores(asked.get("cpu", "0")), mebibytes(asked.get("memory", "0")))
    return [pod] * int((deployment.get("sku") or {}).get("capacity") or 1)


def millicores(quantity: str) -> float:
    return float(quantity[:-1]) if quantity.endswith("m") else 1000 * float(quantity)


def mebibytes(quantity: str) -> float:
    for unit, factor in UNITS.items():
        if quantity.endswith(unit):
            return float(quantity.removesuffix(unit)) * factor
    return float(quantity) / 2**20


def _placed(nodes: Sequence[Pod], pods: Sequence[Pod]) -> bool:
    """Whether all fit: largest first, each on the node with most cores left."""
    left = [list(node) for node in nodes]
    for cpu, memory in sorted(pods, reverse=True):
        room = [node for node in left if node[0] >= cpu and node[1] >= memory]
        if not room:
            return False
        best = max(room)
        best[0] -= cpu
        best[1] -= memory
    return True
