"""Public IP addresses, NAT gateways and route tables."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Call, ResourceType, state_of
from amlwizard.sandbox.resource_types.network.names import NAME, UPDATING, WEAK, guid
from amlwizard.sandbox.resource_types.network.shapes import NatGateway, RouteTable
from amlwizard.sandbox.state import State

PUBLIC = IPv4Network("203.0.113.0/24")

ADDRESS = {
    "sku": {"name": "Basic", "tier": "Regional"},
    "properties": {
        "publicIPAddressVersion": "IPv4",
        "publicIPAllocationMethod": "Dynamic",
        "idleTimeoutInMinutes": 4,
        "ipTags": [],
        "ddosSettings": {"protectionMode": "VirtualNetworkInherited"},
    },
}
GATEWAY = {
    "sku": {"name": "Standard", "tier": "Regional"},
    "properties": {"idleTimeoutInMinutes": 4, "type": "Public"},
}


def _public_ip(call: Call) -> None:
    given = call.body.get("sku") or {}
    sku = given.get("name", "Basic")
    if sku == "Basic" and given.get("tier") == "Global":
        raise ArmError(
            400,
            "GlobalPublicIPAddressNotSupportedForBasicPublicIpAddress",
            "Global publicIP addresses are only supported for standard SKU public IP addresses. "
            f"Public IP address {call.id.text} is not standard SKU.",
        )
    if sku == "Basic" and call.old is None:
        raise ArmError(
            400,
            "IPv4BasicSkuPublicIpCountLimitReached",
            "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in "
            "this region.",
        )
    if sku == "Standard" and call.properties.get("publicIPAllocationMethod") != "Static":
        raise ArmError(
            400,
            "PublicIPAddressInAvailabilityZoneOrStandardSkuMustBeStatic",
            f"Standard sku publicIp {call.id.text} must have AllocationMethod set to Static.",
        )
    if call.old is None:
        must_have_room(call.state)
    old = (call.old or {}).get("properties", {})
    call.properties["ipAddress"] = old.get("ipAddress") or next_address(call.state)
    complete(call.body, ADDRESS)
    call.properties["resourceGuid"] = guid(call.id)


def must_have_room(state: State, more: int = 1) -> None:
    limit = state.data.limits.PublicIPAddresses
    if limit is not None and len(_all(state)) + more > limit:
        raise ArmError(
            400,
            "PublicIPCountLimitReached",
            f"Cannot create more than {limit} public IP addresses for this subscription in this "
            "region.",
        )


def next_address(state: State) -> str:
    """A free public address."""
    used = {a["properties"].get("ipAddress") for a in _all(state)}
    return next(str(a) for a in PUBLIC.hosts() if str(a) not in used)


def _all(state: State) -> list[JsonObject]:
    return list(state.of_type("microsoft.network/publicipaddresses"))


def holders(state: State, address_id: str) -> Iterator[str]:
    """Ids of the resources that use a public address."""
    wanted = address_id.lower()
    for resource in state.resources.values():
        kind, p = resource.get("type", "").lower(), resource.get("properties", {})
        if kind == "microsoft.network/natgateways":
            given = [reference.get("id", "") for reference in p.get("publicIpAddresses", [])]
        elif kind in ("microsoft.network/bastionhosts", "microsoft.network/virtualnetworkgateways"):
            given = [
                (c["properties"].get("publicIPAddress") or {}).get("id", "")
                for c in p["ipConfigurations"]
            ]
        else:
            continue
        if wanted in (text.lower() for text in given):
            yield resource["id"]


def take(call: Call, reference: JsonObject | None, target: str) -> JsonObject:
    """The public address that a resource refers to. Raises ArmError if it is in use elsewhere."""
    address = call.must_exist((reference or {}).get("id"), target)
    other = next(
        (h for h in holders(call.state, address["id"]) if h.lower() != call.id.text.lower()), None
    )
    if other:
        raise ArmError(
            400,
            "PublicIPAddressInUse",
            f"Resource {call.id.text} is referencing public IP address {address['id']} that is "
            f"already allocated to resource {other}.",
        )
    return address


def _shown(state: State, address: JsonObject) -> JsonObject:
    """Adds who uses the address; hides the address itself during creation."""
    p = dict(address["properties"])
    if state_of(address) != "Succeeded":
        p.pop("ipAddress", None)
    for holder in holders(state, address["id"]):
        if "/natgateways/" in holder.lower():
            p["natGateway"] = {"id": holder}
        else:
            p["ipConfiguration"] = {"id": f"{holder}/ipConfigurations/default"}
    return {**address, "properties": p}


def _in_use(state: State, rid: ResourceId, body: JsonObject) -> None:
    holder = next(holders(state, rid.text), None)
    if holder:
        raise ArmError(
            400,
            "PublicIPAddressCannotBeDeleted",
            f"Public IP address {rid.text} can not be deleted since it is still allocated to "
            f"resource {holder}. In order to delete the public IP, disassociate/detach the Public "
            "IP address from the resource.",
        )


def _nat_gateway(call: Call) -> None:
    for reference in call.properties.get("publicIpAddresses", []):
        if call.state.get(reference.get("id")) is None:
            raise ArmError(404, "NotFound", f"Resource {reference.get('id')} not found.")
        take(call, reference, "properties.publicIpAddresses")
    complete(call.body, GATEWAY)
    call.properties["resourceGuid"] = guid(call.id)


def _gateway_in_use(state: State, rid: ResourceId, body: JsonObject) -> None:
    users = [
        subnet["id"]
        for vnet in state.of_type("microsoft.network/virtualnetworks")
        for subnet in vnet["properties"]["subnets"]
        if (subnet["properties"].get("natGateway") or {}).get("id", "").lower() == rid.text.lower()
    ]
    if users:
        raise ArmError(
            400,
            "InUseNatGatewayCannotBeDeleted",
            f"Nat Gateway {rid.text} cannot be deleted because it is in use by the following "
            f"resources: {', '.join(users)}.",
        )


def _route_table(call: Call) -> None:
    for route in call.properties.setdefault("routes", []):
        hop = route.get("properties", {})
        if hop.get("nextHopType") == "VirtualAppliance" and not hop.get("nextHopIpAddress"):
            raise ArmError(
                400,
                "NextHopIpAddressRequiredForVirtualAppliance",
                f"Route {route.get('name')} to a virtual appliance needs a nextHopIpAddress.",
            )
        route["id"] = f"{call.id.text}/routes/{route.get('name')}"
        route["type"] = "Microsoft.Network/routeTables/routes"
        hop.update(provisioningState="Succeeded", hasBgpOverride=False)
    call.properties.setdefault("disableBgpRoutePropagation", False)


def _table_in_use(state: State, rid: ResourceId, body: JsonObject) -> None:
    users = [
        subnet["id"]
        for vnet in state.of_type("microsoft.network/virtualnetworks")
        for subnet in vnet["properties"]["subnets"]
        if (subnet["properties"].get("routeTable") or {}).get("id", "").lower() == rid.text.lower()
    ]
    if users:
        raise ArmError(
            400,
            "InUseRouteTableCannotBeDeleted",
            f"Route table {rid.name} is in use and cannot be deleted.",
        )


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.Network/publicIPAddresses",
        _public_ip,
        2,
        name=NAME,
        creates=UPDATING,
        shown=_shown,
        etag=WEAK,
        unchanged_at_once=True,
        update_seconds=3,
        delete_seconds=11,
        blocked=_in_use,
    ),
    ResourceType(
        "Microsoft.Network/natGateways",
        _nat_gateway,
        12,
        shape=NatGateway,
        name=NAME,
        creates=UPDATING,
        etag=WEAK,
        unchanged_at_once=True,
        update_seconds=1,
        delete_seconds=10,
        blocked=_gateway_in_use,
    ),
    ResourceType(
        "Microsoft.Network/routeTables",
        _route_table,
        4,
        shape=RouteTable,
        name=NAME,
        creates=UPDATING,
        etag=WEAK,
        unchanged_at_once=True,
        blocked=_table_in_use,
    ),
]
