"""Private DNS zones, their links to VNETs and their records; DNS zone groups."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from amlwizard.sandbox.arm_error import ArmError, bare
from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.network.names import UPDATING, WEAK
from amlwizard.sandbox.resource_types.network.shapes import DnsRecord, ZoneGroup, ZoneLink
from amlwizard.sandbox.resource_types.responses import (
    AT_ONCE,
    CREATED_AT_ONCE,
    DELETED,
    GONE_AT_ONCE,
    ArmResponse,
)
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import Polls

LINKS = "microsoft.network/privatednszones/virtualnetworklinks"
RECORDS = "microsoft.network/privatednszones/a"
# Private zones whose public suffix is not just the name without privatelink.
PUBLIC_SUFFIX = {"privatelink.vaultcore.azure.net": "vault.azure.net"}

ZONE = {
    "maxNumberOfRecordSets": 25000,
    "maxNumberOfVirtualNetworkLinks": 1000,
    "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
    "numberOfRecordSets": 1,
    "numberOfVirtualNetworkLinks": 0,
    "numberOfVirtualNetworkLinksWithRegistration": 0,
}


def public_suffix(zone: str) -> str:
    """The public suffix that a private zone stands for."""
    return PUBLIC_SUFFIX.get(zone.lower(), zone.lower().removeprefix("privatelink."))


def _zone(call: Call) -> None:
    if call.id.name.count(".") < 1:
        raise ArmError(400, "BadRequest", f"The zone name {call.id.name} needs two labels or more.")
    complete(call.properties, ZONE)


def _has_links(state: State, rid: ResourceId, body: JsonObject) -> None:
    links = list(state.of_type(LINKS, rid.text))
    if links:
        nested = ", ".join(f"'{link['id'].partition('/providers/')[2]}'" for link in links)
        raise ArmError(
            409,
            "CannotDeleteResource",
            "Cannot delete resource while nested resources exist. Some existing nested resource "
            f"IDs include: {nested}. Please delete all nested resources before deleting this "
            "resource.",
        )


def _dns_link(call: Call) -> None:
    call.parent()
    call.require("properties.virtualNetwork.id")
    vnet = call.must_exist(call.properties["virtualNetwork"]["id"], "properties.virtualNetwork")
    zone = call.id.names[0]
    for other in call.state.of_type(LINKS):
        same = other["properties"]["virtualNetwork"]["id"].lower() == vnet["id"].lower()
        if not same or other["id"].lower() == call.id.text.lower():
            continue
        if other["id"].lower().startswith(f"{call.id.parent.lower()}/"):
            raise ArmError(
                409,
                "Conflict",
                f"The virtual network {vnet['id']} is already linked to this zone as "
                f"{other['name']}.",
            )
        linked = other["id"].split("/")[-3]
        if linked.lower() == zone.lower():
            # Accepted by Azure; the operation fails.
            call.fails = {
                "code": "BadRequest",
                "message": "A virtual network cannot be linked to multiple zones with overlapping "
                f"namespaces. You tried to link virtual network with '{zone}' and '{linked}' "
                "zones.",
            }
    call.properties.setdefault("registrationEnabled", False)
    call.properties.setdefault("resolutionPolicy", "Default")
    call.properties["virtualNetworkLinkState"] = "Completed"


# -- records


def _record(call: Call) -> None:
    zone = call.parent()
    given = call.properties.get("aRecords") or []
    try:
        addresses = [str(IPv4Address(record["ipv4Address"])) for record in given]
    except ValueError as problem:
        raise ArmError(400, "BadRequest", f"The address of {call.id.name}: {problem}.") from None
    _complete(call.body, zone, addresses, call.properties.get("ttl", 3600))


def _complete(record: JsonObject, zone: JsonObject, addresses: list[str], ttl: int) -> None:
    record["properties"] = {
        **record.get("properties", {}),
        "ttl": ttl,
        "fqdn": f"{record['name']}.{zone['name']}.",
        "aRecords": [{"ipv4Address": address} for address in addresses],
        "isAutoRegistered": False,
    }


def addresses_of(state: State, zone: JsonObject, name: str) -> list[str]:
    """The addresses of a name (without the zone) in a private zone."""
    record = state.get(f"{zone['id']}/A/{name}")
    return [r["ipv4Address"] for r in record["properties"]["aRecords"]] if record else []


def zones_of(state: State, vnet_id: str) -> Iterator[tuple[JsonObject, bool]]:
    """The private zones that are linked to a VNET, and whether it falls back to the public DNS for
    names that are missing in one."""
    for link in state.of_type(LINKS):
        p = link["properties"]
        works = p.get("provisioningState", "Succeeded") != "Failed"
        if works and p["virtualNetwork"]["id"].lower() == vnet_id.lower():
            zone = state.get(link["id"].rsplit("/", 2)[0])
            if zone:
                yield zone, p.get("resolutionPolicy") == "NxDomainRedirect"


# -- zone groups: the records of a private endpoint


def _zone_group(call: Call) -> None:
    endpoint = call.parent()
    if call.old:
        forget_records(call.state, call.old)
    for config in call.properties.get("privateDnsZoneConfigs", []):
        zone = call.must_exist(config["properties"].get("privateDnsZoneId"), "privateDnsZoneId")
        config["id"] = f"{call.id.text}/privateDnsZoneConfigs/{config.get('name', '')}"
        config["type"] = (
            "Microsoft.Network/privateEndpoints/privateDnsZoneGroups/privateDnsZoneConfigs"
        )
        config["properties"]["provisioningState"] = "Succeeded"
        config["properties"]["recordSets"] = [
            _written(call.state, zone, dns, endpoint)
            for dns in endpoint["properties"]["customDnsConfigs"]
            if dns["fqdn"].endswith(f".{public_suffix(zone['name'])}")
        ]


def _written(state: State, zone: JsonObject, dns: JsonObject, endpoint: JsonObject) -> JsonObject:
    """Write the record of a name into a zone. Returns the record set of the zone group."""
    name = dns["fqdn"].removesuffix(f".{public_suffix(zone['name'])}")
    record_id = f"{zone['id']}/A/{name}"
    record: JsonObject = {
        "id": record_id,
        "name": name,
        "type": "Microsoft.Network/privateDnsZones/A",
    }
    _complete(record, zone, dns["ipAddresses"], 10)
    record["properties"]["metadata"] = {
        "creator": f"created by private endpoint {endpoint['name']}"
    }
    state.resources[record_id.lower()] = record
    return {
        "recordType": "A",
        "recordSetName": name,
        "fqdn": f"{name}.{zone['name']}",
        "ttl": 10,
        "provisioningState": "Succeeded",
        "ipAddresses": dns["ipAddresses"],
    }


def forget_records(state: State, group: JsonObject) -> None:
    for config in group["properties"].get("privateDnsZoneConfigs", []):
        for record in config["properties"].get("recordSets", []):
            record_id = f"{config['properties']['privateDnsZoneId']}/A/{record['recordSetName']}"
            state.resources.pop(record_id.lower(), None)


def _delete_zone_group(state: State, rid: ResourceId, body: JsonObject) -> None:
    forget_records(state, body)


# Zones and links respond with an empty object; polls respond 202 while in progress.
ACCEPTED = ArmResponse(202, "AL", "{}", polls=Polls(status=202))
REMOVED = DELETED.polled_with(status=202)

RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        _zone_group,
        2,
        shape=ZoneGroup,
        location="",
        missing="NotFound",
        creates=UPDATING,
        etag=WEAK,
        update_seconds=1,
        delete_seconds=10,
        delete=_delete_zone_group,
    ),
    ResourceType(
        "Microsoft.Network/privateDnsZones",
        _zone,
        31,
        location="global",
        creates=ACCEPTED,
        updates=ACCEPTED,
        deletes=REMOVED,
        etag="{}",
        update_seconds=31,
        delete_seconds=33,
        blocked=_has_links,
    ),
    ResourceType(
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        _dns_link,
        48,
        shape=ZoneLink,
        location="global",
        creates=ACCEPTED,
        updates=ACCEPTED,
        deletes=REMOVED,
        etag='"{}"',
        update_seconds=34,
        delete_seconds=32,
    ),
    ResourceType(
        "Microsoft.Network/privateDnsZones/A",
        _record,
        0,
        shape=DnsRecord,
        location="",
        states=False,
        missing="NotFound",
        refusal=bare,
        creates=CREATED_AT_ONCE,
        updates=AT_ONCE,
        deletes=GONE_AT_ONCE,
        etag="{}",
    ),
]
