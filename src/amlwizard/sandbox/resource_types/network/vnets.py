"""Virtual networks."""

from __future__ import annotations

from ipaddress import IPv4Network

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.network.names import UPDATING, WEAK, guid
from amlwizard.sandbox.resource_types.network.shapes import VnetDocument
from amlwizard.sandbox.resource_types.network.subnets import (
    must_be_free,
    placed,
    prefix,
    with_users,
)
from amlwizard.sandbox.state import State

FORBIDDEN = [
    IPv4Network(text)
    for text in (
        "224.0.0.0/4",
        "255.255.255.255/32",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "168.63.129.16/32",
    )
]


def _vnet(call: Call) -> None:
    space = call.properties.get("addressSpace") or {}
    for allocation in space.get("ipamPoolPrefixAllocations") or []:
        call.must_exist((allocation.get("pool") or {}).get("id"), "properties.addressSpace")
    call.require("properties.addressSpace.addressPrefixes")
    prefixes = [
        prefix(text, call.id.text) for text in call.properties["addressSpace"]["addressPrefixes"]
    ]
    for network in prefixes:
        for bad in FORBIDDEN:
            if network.overlaps(bad):
                raise ArmError(
                    400,
                    "AddressPrefixNotAllowed" if network != bad else "InvalidAddressPrefix",
                    f"The address prefix {network} in resource {call.id.text} overlaps with "
                    f"reserved address range {bad}.",
                )
    given = call.properties.get("subnets")
    old = {s["name"]: s for s in (call.old or {}).get("properties", {}).get("subnets", [])}
    subnets = given if given is not None else list(old.values())
    kept = {s.get("name") for s in subnets}
    for name, subnet in old.items():
        if name not in kept:
            must_be_free(call.state, subnet["id"])
    done: list[JsonObject] = []
    for subnet in subnets:
        done.append(placed(call, subnet, old.get(subnet.get("name", "")), prefixes, done))
    call.properties["subnets"] = done
    call.properties["resourceGuid"] = guid(call.id)
    call.properties.setdefault("privateEndpointVNetPolicies", "Disabled")
    call.properties.setdefault("virtualNetworkPeerings", [])
    call.properties.setdefault("enableDdosProtection", False)


def _in_use(state: State, rid: ResourceId, body: JsonObject) -> None:
    for subnet in body["properties"]["subnets"]:
        must_be_free(state, subnet["id"])


def _shown(state: State, vnet: JsonObject) -> JsonObject:
    subnets = [with_users(state, subnet) for subnet in vnet["properties"]["subnets"]]
    return {**vnet, "properties": {**vnet["properties"], "subnets": subnets}}


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.Network/virtualNetworks",
        _vnet,
        10,
        shape=VnetDocument,
        creates=UPDATING,
        etag=WEAK,
        unchanged_at_once=True,
        update_seconds=1,
        delete_seconds=6,
        name=r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9_]",
        blocked=_in_use,
        shown=_shown,
    )
]
