"""VM sizes: their vCPUs, the quota that they count in, and which of them run."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.sandbox.kinds.base import ArmError
from amlwizard.sandbox.world import World

SIZES = {
    "Standard_DS2_v2": 2,
    "Standard_DS3_v2": 4,
    "Standard_DS4_v2": 8,
    "Standard_D2s_v5": 2,
    "Standard_D4s_v5": 4,
    "Standard_D8s_v5": 8,
    "Standard_E4s_v5": 4,
    "Standard_F4s_v2": 4,
}
MEMORY_GIB = {
    "Standard_DS2_v2": 7,
    "Standard_DS3_v2": 14,
    "Standard_DS4_v2": 28,
    "Standard_D2s_v5": 8,
    "Standard_D4s_v5": 16,
    "Standard_D8s_v5": 32,
    "Standard_E4s_v5": 32,
    "Standard_F4s_v2": 8,
}
FAMILIES = {
    "Standard_DS": "standardDSv2Family",
    "Standard_D": "standardDSv5Family",
    "Standard_E": "standardESv5Family",
    "Standard_F": "standardFSv2Family",
}


def family(size: str) -> str:
    return next(name for start, name in FAMILIES.items() if size.startswith(start))


def vcpus(world: World, size: str) -> int:
    if size not in SIZES or size in world.data["limits"].get("sizes_not_offered", []):
        raise ArmError(
            400,
            "VMSizeNotSupported",
            f"The VM size of {size} is not allowed in your subscription in this location. The "
            f"available VM sizes are {', '.join(SIZES)}.",
            "vmSize",
        )
    return SIZES[size]


def nodes(world: World) -> Iterator[tuple[str, int]]:
    """Sizes and counts of what runs: AKS nodes, and Databricks nodes as long as they do."""
    for cluster in world.of_type("microsoft.containerservice/managedclusters"):
        for pool in cluster["properties"]["agentPoolProfiles"]:
            if pool.get("vmSize") in SIZES:
                yield pool["vmSize"], pool.get("count", 0)
    for workspace in world.data["databricks"].values():
        for cluster in workspace.get("clusters", {}).values():
            if cluster["state"] in ("PENDING", "RUNNING"):
                spec = cluster["spec"]
                yield spec["node_type_id"], 1 + spec.get("num_workers", 0)


def cores_used(world: World, of: str = "") -> int:
    """vCPUs in use: of a family, or all."""
    return sum(SIZES[s] * n for s, n in nodes(world) if of in ("", family(s)))
