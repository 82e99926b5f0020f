"""Quotas and usage of a subscription per region, and the VM sizes that it is offered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.regions import REGIONS
from amlwizard.sandbox.resource_types.vm_sizes import MACHINES, MEMORY_GIB, SIZES, family, nodes
from amlwizard.sandbox.state import State

ADDRESSES = 1000
NETWORK = {
    "VirtualNetworks": "virtualnetworks",
    "NetworkSecurityGroups": "networksecuritygroups",
    "NatGateways": "natgateways",
    "PrivateEndpoints": "privateendpoints",
}


def compute(state: State, region: str) -> list[JsonObject]:
    _must_be(region)
    limits, used = state.data.limits, Counter[str]()
    for size, count in nodes(state):
        used[family(size)] += SIZES[size] * count
    regional = _usage("cores", "Total Regional vCPUs", used.total(), limits.cores)
    of_family = limits.family_cores
    families = dict.fromkeys(family(size) for size in SIZES)
    return [regional, *(_usage(f, f"{f} vCPUs", used[f], of_family) for f in families)]


def network(state: State, region: str) -> list[JsonObject]:
    _must_be(region)
    limits = state.data.limits
    addresses = sum(1 for _ in state.of_type("microsoft.network/publicipaddresses"))
    found = [
        _usage(
            name,
            name,
            addresses,
            ADDRESSES if limits.PublicIPAddresses is None else limits.PublicIPAddresses,
        )
        for name in ("PublicIPAddresses", "StaticPublicIPAddresses")
    ]
    for name, kind in NETWORK.items():
        used = sum(1 for _ in state.of_type(f"microsoft.network/{kind}"))
        found.append(_usage(name, name, used, getattr(limits, name)))
    return found


def machine_learning(state: State, region: str) -> list[JsonObject]:
    """Machine Learning has quotas of its own; a cluster scaled down to zero uses none of them."""
    _must_be(region)
    limit = state.data.limits.ml_cores
    names = ["TotalDedicatedCores", *dict.fromkeys(family(size) for size in SIZES)]
    stem = "Microsoft.MachineLearningServices"
    return [
        {
            **_usage(name, name, 0, limit),
            "id": f"/subscriptions/{state.subscription}/providers/{stem}/locations/{region}/usages/{name}",
            "type": f"{stem}/dedicatedCores/usages",
        }
        for name in names
    ]


def sizes(state: State, where: str) -> Iterator[JsonObject]:
    """VM SKUs, of the region in the filter or of all regions."""
    kept = state.data.limits.sizes_not_offered
    for region in REGIONS:
        if where and f"'{region}'" not in where:
            continue
        for size, cores in SIZES.items():
            barred = {
                "type": "Location",
                "values": [region],
                "restrictionInfo": {"locations": [region]},
                "reasonCode": "NotAvailableForSubscription",
            }
            yield {
                "resourceType": "virtualMachines",
                "name": size,
                "family": family(size),
                "locations": [region],
                "capabilities": [
                    {"name": "vCPUs", "value": str(cores)},
                    {"name": "MemoryGB", "value": str(MEMORY_GIB[size])},
                    {"name": "CpuArchitectureType", "value": MACHINES[size].architecture},
                ],
                "restrictions": [barred] if size in kept else [],
            }


def _must_be(region: str) -> None:
    if region.lower() not in REGIONS:
        raise ArmError(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for location '{region}'. The supported "
            f"locations are '{', '.join(REGIONS)}'.",
        )


def _usage(name: str, text: str, used: int, limit: int) -> JsonObject:
    return {
        "name": {"value": name, "localizedValue": text},
        "currentValue": used,
        "limit": limit,
        "unit": "Count",
    }
