"""Private DNS: zones, their links to VNETs, the records of private endpoints, and what they resolve."""

from __future__ import annotations

from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind
from amlwizard.sandbox.world import World


def _zone(call: Call) -> None:
    if call.id.name.count(".") < 1:
        raise ArmError(400, "BadRequest", f"The zone name {call.id.name} needs two labels or more.")
    call.properties.setdefault("maxNumberOfRecordSets", 25000)
    call.properties.setdefault("numberOfRecordSets", 1)
    call.properties.setdefault("maxNumberOfVirtualNetworkLinks", 1000)
    call.properties.setdefault("numberOfVirtualNetworkLinks", 0)


def _still_linked(world: World, rid: ResourceId, body: Body) -> None:
    if any(world.of_type("microsoft.network/privatednszones/virtualnetworklinks", rid.text)):
        raise ArmError(
            409,
            "CannotDeleteResource",
            f"Can not delete resource before nested resources are deleted: {rid.text} still has "
            "virtual network links.",
        )


def _dns_link(call: Call) -> None:
    if call.world.get(call.id.parent) is None:
        raise ArmError(404, "ParentResourceNotFound", f"{call.id.parent} does not exist.")
    call.require("properties.virtualNetwork.id")
    vnet = call.must_exist(call.properties["virtualNetwork"]["id"], "properties.virtualNetwork")
    for other in call.world.of_type(
        "microsoft.network/privatednszones/virtualnetworklinks", call.id.parent
    ):
        same = other["properties"]["virtualNetwork"]["id"].lower() == vnet["id"].lower()
        if same and other["id"].lower() != call.id.text.lower():
            raise ArmError(
                409,
                "Conflict",
                f"The virtual network {vnet['id']} is already linked to this zone as "
                f"{other['name']}.",
            )
    call.properties.setdefault("registrationEnabled", False)
    call.properties["virtualNetworkLinkState"] = "Completed"


def _zone_group(call: Call) -> None:
    endpoint = call.world.get(call.id.parent)
    if endpoint is None:
        raise ArmError(404, "ParentResourceNotFound", f"{call.id.parent} does not exist.")
    for config in call.properties.get("privateDnsZoneConfigs", []):
        zone = call.must_exist(config["properties"].get("privateDnsZoneId"), "privateDnsZoneId")
        suffix = zone["name"].removeprefix("privatelink.")
        config["id"] = f"{call.id.text}/privateDnsZoneConfigs/{config['name']}"
        config["properties"]["recordSets"] = [
            {
                "recordType": "A",
                "recordSetName": dns["fqdn"].removesuffix(f".{suffix}"),
                "fqdn": f"{dns['fqdn'].removesuffix(suffix)}{zone['name']}",
                "ttl": 10,
                "provisioningState": "Succeeded",
                "ipAddresses": dns["ipAddresses"],
            }
            for dns in endpoint["properties"]["customDnsConfigs"]
            if dns["fqdn"].endswith(suffix)
        ]


def resolves_privately(world: World, target_id: str, group: str, vnet_id: str) -> str | None:
    """The private address that `vnet_id` finds for a target, None where it finds the public one.

    That takes a private endpoint, its zone group, and zones that are linked to the VNET.
    """
    linked = {
        link["id"].rsplit("/", 2)[0].lower()
        for link in world.of_type("microsoft.network/privatednszones/virtualnetworklinks")
        if link["properties"]["virtualNetwork"]["id"].lower() == vnet_id.lower()
    }
    for endpoint in world.of_type("microsoft.network/privateendpoints"):
        link = endpoint["properties"]["privateLinkServiceConnections"][0]["properties"]
        if (
            link["privateLinkServiceId"].lower() != target_id.lower()
            or group not in link["groupIds"]
        ):
            continue
        state = link["privateLinkServiceConnectionState"]["status"]
        if state != "Approved" or endpoint["properties"]["provisioningState"] != "Succeeded":
            continue
        for zone_group in world.of_type(
            "microsoft.network/privateendpoints/privatednszonegroups", endpoint["id"]
        ):
            for config in zone_group["properties"]["privateDnsZoneConfigs"]:
                zone = config["properties"]["privateDnsZoneId"].lower()
                records = config["properties"].get("recordSets") or []
                if zone in linked and records:
                    return records[0]["ipAddresses"][0]  # type: ignore[no-any-return]
    return None


KINDS = [
    Kind("Microsoft.Network/privateEndpoints/privateDnsZoneGroups", _zone_group, 35, location=""),
    Kind(
        "Microsoft.Network/privateDnsZones",
        _zone,
        35,
        accepts=202,
        location="global",
        blocked=_still_linked,
    ),
    Kind(
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        _dns_link,
        35,
        accepts=202,
        location="global",
    ),
]
