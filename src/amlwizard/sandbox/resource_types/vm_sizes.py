"""VM sizes: their resources, quota families and use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.state import State


@dataclass(frozen=True)
class Machine:
    """A size as in Azure's list of SKUs; `memory` is in GiB."""

    vcpus: int
    memory: float
    family: str
    architecture: str = "x64"


def _series(
    family: str, pattern: str, gib_per_vcpu: float, *vcpus: int, architecture: str = "x64"
) -> dict[str, Machine]:
    return {pattern.format(n): Machine(n, n * gib_per_vcpu, family, architecture) for n in vcpus}


MACHINES: dict[str, Machine] = {
    "Standard_DS1_v2": Machine(1, 3.5, "standardDSv2Family"),
    "Standard_DS2_v2": Machine(2, 7, "standardDSv2Family"),
    "Standard_DS3_v2": Machine(4, 14, "standardDSv2Family"),
    "Standard_DS4_v2": Machine(8, 28, "standardDSv2Family"),
    "Standard_B1s": Machine(1, 1, "standardBSFamily"),
    "Standard_B1ms": Machine(1, 2, "standardBSFamily"),
    "Standard_B2s": Machine(2, 4, "standardBSFamily"),
    "Standard_B2ms": Machine(2, 8, "standardBSFamily"),
    "Standard_B4ms": Machine(4, 16, "standardBSFamily"),
    "Standard_B2ats_v2": Machine(2, 1, "standardBasv2Family"),
    **_series("standardDSv3Family", "Standard_D{}s_v3", 4, 2, 4, 8),
    **_series("standardDSv5Family", "Standard_D{}s_v5", 4, 2, 4, 8, 16),
    **_series("standardDDSv5Family", "Standard_D{}ds_v5", 4, 2, 4, 8, 16),
    **_series("standardDASv5Family", "Standard_D{}as_v5", 4, 2, 4, 8),
    **_series("standardDADSv5Family", "Standard_D{}ads_v5", 4, 2, 4, 8),
    **_series("standardDPSv5Family", "Standard_D{}ps_v5", 4, 2, 4, 8, architecture="Arm64"),
    **_series("standardESv5Family", "Standard_E{}s_v5", 8, 2, 4, 8),
    **_series("standardEDSv5Family", "Standard_E{}ds_v5", 8, 2, 4, 8),
    **_series("standardFSv2Family", "Standard_F{}s_v2", 2, 2, 4, 8),
}
SIZES = {name: machine.vcpus for name, machine in MACHINES.items()}
MEMORY_GIB = {name: machine.memory for name, machine in MACHINES.items()}


def family(size: str) -> str:
    return MACHINES[size].family


def spelled(size: str) -> str:
    """The canonical spelling of a size: Machine Learning ignores case."""
    return next((known for known in SIZES if known.lower() == size.lower()), size)


def vcpus(state: State, size: str) -> int:
    if size not in SIZES or size in state.data.limits.sizes_not_offered:
        raise ArmError(
            400,
            "VMSizeNotSupported",
            f"The VM size of {size} is not allowed in your subscription in this location. The "
            f"available VM sizes are {', '.join(SIZES)}.",
            "vmSize",
        )
    return SIZES[size]


def nodes(state: State) -> Iterator[tuple[str, int]]:
    """Sizes and counts of running nodes: AKS nodes, and those of active Databricks clusters."""
    for cluster in state.of_type("microsoft.containerservice/managedclusters"):
        for pool in cluster["properties"]["agentPoolProfiles"]:
            if pool.get("vmSize") in SIZES:
                yield pool["vmSize"], pool.get("count", 0)
    for workspace in state.data.databricks.values():
        for cluster in workspace.clusters.values():
            if cluster["state"] in ("PENDING", "RUNNING"):
                spec = cluster["spec"]
                yield spec["node_type_id"], nodes_of(spec)


def nodes_of(spec: JsonObject) -> int:
    """The nodes that a Databricks cluster begins with: a driver, and the fewest workers."""
    scale = spec.get("autoscale") or {}
    workers = scale.get("min_workers", spec.get("num_workers"))
    return 1 + int(workers or 0)


def cores_used(state: State, of: str = "") -> int:
    """vCPUs in use, of a family or of all."""
    return sum(SIZES[s] * n for s, n in nodes(state) if of in ("", family(s)))
