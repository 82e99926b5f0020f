"""Microsoft.Network: the VNET and all that hangs on it."""

from __future__ import annotations

import uuid
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind
from amlwizard.sandbox.world import World

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
DEFAULT_RULES = [
    ("AllowVnetInBound", "Inbound", "Allow", 65000, "VirtualNetwork", "VirtualNetwork"),
    ("AllowAzureLoadBalancerInBound", "Inbound", "Allow", 65001, "AzureLoadBalancer", "*"),
    ("DenyAllInBound", "Inbound", "Deny", 65500, "*", "*"),
    ("AllowVnetOutBound", "Outbound", "Allow", 65000, "VirtualNetwork", "VirtualNetwork"),
    ("AllowInternetOutBound", "Outbound", "Allow", 65001, "*", "Internet"),
    ("DenyAllOutBound", "Outbound", "Deny", 65500, "*", "*"),
]
NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9_])?"
DATABRICKS = "Microsoft.Databricks/workspaces"


def prefix(text: Any, target: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except (ValueError, TypeError):
        raise ArmError(
            400,
            "InvalidAddressPrefixFormat",
            f"Address prefix {text} of resource {target} is not formatted correctly. It should "
            "follow CIDR notation, for example 10.0.0.0/24.",
        ) from None


def _nsg(call: Call) -> None:
    taken: dict[tuple[str, int], str] = {}
    for rule in call.properties.setdefault("securityRules", []):
        p = rule.setdefault("properties", {})
        for need in ("access", "direction", "protocol", "priority"):
            if p.get(need) is None:
                raise ArmError(
                    400,
                    "SecurityRuleMissingRequiredField",
                    f"Security rule {rule.get('name')} lacks the field {need}.",
                )
        if not 100 <= p["priority"] <= 4096:
            raise ArmError(
                400,
                "SecurityRuleInvalidPriority",
                f"Security rule has invalid Priority. Value provided: {p['priority']} Allowed "
                f"range 100-4096. Rule: {rule['name']}.",
            )
        key = (p["direction"], p["priority"])
        if key in taken:
            raise ArmError(
                400,
                "SecurityRuleConflict",
                f"Security rule {rule['name']} conflicts with rule {taken[key]}. Rules cannot "
                "have the same Priority and Direction.",
            )
        taken[key] = rule["name"]
        p["provisioningState"] = "Succeeded"
        rule.update(
            id=f"{call.id.text}/securityRules/{rule['name']}",
            type="Microsoft.Network/networkSecurityGroups/securityRules",
        )
    _keep_databricks_rules(call)
    call.properties["defaultSecurityRules"] = [
        {
            "name": name,
            "id": f"{call.id.text}/defaultSecurityRules/{name}",
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "access": access,
                "direction": direction,
                "priority": priority,
                "protocol": "*",
                "sourceAddressPrefix": source,
                "destinationAddressPrefix": target,
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "provisioningState": "Succeeded",
            },
        }
        for name, direction, access, priority, source, target in DEFAULT_RULES
    ]


def _keep_databricks_rules(call: Call) -> None:
    """Rules that a Databricks workspace put here cannot be taken away (network intent policy)."""
    if not call.old:
        return
    owned = [
        rule
        for rule in call.old["properties"].get("securityRules", [])
        if rule["name"].startswith("Microsoft.Databricks-workspaces_UseOnly_")
    ]
    given = {rule["name"] for rule in call.properties["securityRules"]}
    if any(rule["name"] not in given for rule in owned):
        raise ArmError(
            400,
            "ConflictWithNetworkIntentPolicy",
            "Found conflicts with NetworkIntentPolicy. Details: Network Security Group cannot have "
            "resources which conflict with its subnets' network intent policies. Network Security "
            f"Group: {call.id.text} conflicts with Network Intent Policy: adb-"
            f"{call.body.get('location')}-{uuid.uuid5(uuid.NAMESPACE_URL, call.id.text)}.",
        )


def _public_ip(call: Call) -> None:
    sku = (call.body.get("sku") or {}).get("name", "Standard")
    if sku == "Standard" and call.properties.get("publicIPAllocationMethod") != "Static":
        raise ArmError(
            400,
            "PublicIPAddressInAvailabilityZoneOrStandardSkuMustBeStatic",
            f"Standard sku publicIp {call.id.text} must have AllocationMethod set to Static.",
        )
    limit = call.world.data["limits"].get("PublicIPAddresses")
    if call.old is None and limit is not None:
        used = sum(1 for _ in call.world.of_type("microsoft.network/publicipaddresses"))
        if used >= limit:
            raise ArmError(
                400,
                "PublicIPCountLimitReached",
                f"Cannot create more than {limit} public IP addresses for this subscription in "
                "this region.",
            )
    number = sum(1 for _ in call.world.of_type("microsoft.network/publicipaddresses"))
    old = (call.old or {}).get("properties", {})
    call.properties["ipAddress"] = old.get("ipAddress", str(IPv4Address("203.0.113.10") + number))
    call.properties.setdefault("publicIPAddressVersion", "IPv4")
    call.properties.setdefault("idleTimeoutInMinutes", 4)


def _nat_gateway(call: Call) -> None:
    for reference in call.properties.get("publicIpAddresses", []):
        call.must_exist(reference.get("id"), "properties.publicIpAddresses")
    call.properties.setdefault("idleTimeoutInMinutes", 4)


def _vnet(call: Call) -> None:
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
            _must_be_free(call.world, subnet["id"])
    done: list[Body] = []
    for subnet in subnets:
        done.append(_subnet(call, subnet, old.get(subnet.get("name", "")), prefixes, done))
    call.properties["subnets"] = done
    call.properties["resourceGuid"] = str(uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower()))
    call.properties.setdefault("virtualNetworkPeerings", [])
    call.properties.setdefault("enableDdosProtection", False)


def _subnet(
    call: Call, subnet: Body, old: Body | None, prefixes: list[IPv4Network], others: list[Body]
) -> Body:
    name = subnet.get("name")
    vnet = call.id.text if call.id.type.endswith("virtualnetworks") else call.id.parent
    subnet_id = f"{vnet}/subnets/{name}"
    p = dict(subnet.get("properties") or {})
    text = p.get("addressPrefix") or (p.get("addressPrefixes") or [None])[0]
    network = prefix(text, subnet_id)
    if not any(network.subnet_of(parent) for parent in prefixes) or network.prefixlen > 29:
        raise ArmError(
            400,
            "NetcfgInvalidSubnet",
            f"Subnet '{name}' is not valid in virtual network '{vnet.rsplit('/', 1)[-1]}'.",
        )
    for other in others:
        if network.overlaps(IPv4Network(other["properties"]["addressPrefix"])):
            raise ArmError(
                400,
                "NetcfgSubnetRangesOverlap",
                f"Subnet '{name}' is not valid because its IP address range overlaps with that of "
                f"an existing subnet '{other['name']}' in virtual network "
                f"'{vnet.rsplit('/', 1)[-1]}'.",
            )
    for key, target in (
        ("networkSecurityGroup", "networkSecurityGroup"),
        ("natGateway", "natGateway"),
    ):
        if p.get(key):
            call.must_exist(p[key].get("id"), f"properties.{target}")
    users = usage(call.world, subnet_id)
    services = {d["properties"].get("serviceName") for d in p.get("delegations", [])}
    if any("/microsoft.databricks/workspaces/" in user.lower() for user in users):
        if DATABRICKS not in services:
            raise ArmError(
                400,
                "SubnetMissingRequiredDelegation",
                f"Subnet {subnet_id} requires any of the following delegation(s) "
                f"[{DATABRICKS}] to reference service association link "
                f"{subnet_id}/serviceAssociationLinks/adb.",
            )
        if not p.get("networkSecurityGroup"):
            raise ArmError(
                400,
                "NetworkSecurityGroupCannotBeRemovedDueToNipOnSubnet",
                f"The network security group of subnet {subnet_id} cannot be removed: a network "
                "intent policy is on the subnet.",
            )
    if users and old and network != IPv4Network(old["properties"]["addressPrefix"]):
        raise ArmError(
            400,
            "InUseSubnetCannotBeUpdated",
            f"Subnet {name} is in use and cannot be updated.",
        )
    if (
        any("/privateendpoints/" in user.lower() for user in users)
        and p.get("privateEndpointNetworkPolicies") == "Enabled"
    ):
        raise ArmError(
            400,
            "PrivateEndpointNetworkPoliciesCannotBeEnabledOnPrivateEndpointSubnet",
            f"Private endpoint network policies cannot be enabled on private endpoint subnet "
            f"{subnet_id}.",
        )
    for delegation in p.get("delegations", []):
        delegation["id"] = f"{subnet_id}/delegations/{delegation.get('name')}"
        delegation["type"] = "Microsoft.Network/virtualNetworks/subnets/delegations"
        delegation["properties"]["provisioningState"] = "Succeeded"
        delegation["properties"].setdefault(
            "actions", ["Microsoft.Network/virtualNetworks/subnets/join/action"]
        )
    for endpoint in p.get("serviceEndpoints", []):
        endpoint["provisioningState"] = "Succeeded"
        endpoint.setdefault("locations", [call.body.get("location", "westeurope")])
    p.setdefault("delegations", [])
    p.setdefault("privateEndpointNetworkPolicies", "Disabled")
    p.setdefault("privateLinkServiceNetworkPolicies", "Enabled")
    if "defaultOutboundAccess" not in p and call.version > "2026-03-31" and old is None:
        p["defaultOutboundAccess"] = False
    p["addressPrefix"] = str(network)
    p.pop("addressPrefixes", None)
    p["provisioningState"] = "Succeeded"
    return {
        "name": name,
        "id": subnet_id,
        "type": "Microsoft.Network/virtualNetworks/subnets",
        "properties": p,
    }


def _one_subnet(call: Call) -> None:
    """PUT of one subnet: its place is inside the document of its VNET."""
    vnet_id = call.id.parent
    vnet = call.world.get(vnet_id)
    if vnet is None:
        raise ArmError(404, "ParentResourceNotFound", f"{vnet_id} does not exist.")
    prefixes = [IPv4Network(p) for p in vnet["properties"]["addressSpace"]["addressPrefixes"]]
    subnets = vnet["properties"]["subnets"]
    others = [s for s in subnets if s["name"].lower() != call.id.name.lower()]
    old = next((s for s in subnets if s not in others), None)
    call.body["name"] = call.id.name
    call.body["location"] = vnet["location"]
    done = _subnet(call, call.body, old, prefixes, others)
    call.body.clear()
    call.body.update(done)
    vnet["properties"]["subnets"] = [*others, done]


def _delete_subnet(world: World, rid: ResourceId, body: Body) -> None:
    _must_be_free(world, rid.text)
    vnet = world.get(rid.parent)
    if vnet:
        vnet["properties"]["subnets"] = [
            s for s in vnet["properties"]["subnets"] if s["id"].lower() != rid.text.lower()
        ]


def _delete_vnet(world: World, rid: ResourceId, body: Body) -> None:
    for subnet in body["properties"]["subnets"]:
        _must_be_free(world, subnet["id"])


def _must_be_free(world: World, subnet_id: str) -> None:
    users = usage(world, subnet_id)
    if users:
        raise ArmError(
            400,
            "InUseSubnetCannotBeDeleted",
            f"Subnet {subnet_id.rsplit('/', 1)[-1]} is in use by {users[0]} and cannot be deleted. "
            "In order to delete the subnet, delete all the resources within the subnet. See "
            "aka.ms/deletesubnet.",
        )


def usage(world: World, subnet_id: str) -> list[str]:
    """Ids of the resources that have addresses in a subnet."""
    wanted, name = subnet_id.lower(), subnet_id.rsplit("/", 1)[-1].lower()
    vnet = subnet_id.rsplit("/", 2)[0].lower()
    users = []
    for resource in world.resources.values():
        kind, p = resource.get("type", "").lower(), resource.get("properties", {})
        if kind == "microsoft.network/privateendpoints":
            subnets = [p["subnet"]["id"]]
        elif kind == "microsoft.containerservice/managedclusters":
            subnets = [pool.get("vnetSubnetID") or "" for pool in p["agentPoolProfiles"]]
        elif kind == "microsoft.machinelearningservices/workspaces/computes":
            subnets = [((p.get("properties") or {}).get("subnet") or {}).get("id", "")]
        elif kind in ("microsoft.network/bastionhosts", "microsoft.network/virtualnetworkgateways"):
            subnets = [
                c["properties"].get("subnet", {}).get("id", "") for c in p["ipConfigurations"]
            ]
        elif kind == "microsoft.databricks/workspaces":
            given = p.get("parameters") or {}
            same = given.get("customVirtualNetworkId", {}).get("value", "").lower() == vnet
            names = [
                given.get(key, {}).get("value", "").lower()
                for key in ("customPublicSubnetName", "customPrivateSubnetName")
            ]
            if same and name in names:
                users.append(resource["id"])
            continue
        else:
            continue
        if wanted in (text.lower() for text in subnets):
            users.append(resource["id"])
    return users


def find_subnet(world: World, subnet_id: str | None) -> Body | None:
    if not subnet_id:
        return None
    vnet = world.get(subnet_id.rsplit("/", 2)[0])
    for subnet in (vnet or {}).get("properties", {}).get("subnets", []):
        if subnet["id"].lower() == subnet_id.lower():
            return subnet  # type: ignore[no-any-return]
    return None


# Private Link groups of a target type, and the DNS zones under which their names are found.
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "microsoft.machinelearningservices/workspaces": {
        "amlworkspace": ("privatelink.api.azureml.ms", "privatelink.notebooks.azure.net")
    },
    "microsoft.storage/storageaccounts": {
        "blob": ("privatelink.blob.core.windows.net",),
        "file": ("privatelink.file.core.windows.net",),
    },
    "microsoft.keyvault/vaults": {"vault": ("privatelink.vaultcore.azure.net",)},
    "microsoft.containerregistry/registries": {"registry": ("privatelink.azurecr.io",)},
}


def _private_endpoint(call: Call) -> None:
    call.require("properties.subnet.id")
    subnet_id = call.properties["subnet"]["id"]
    subnet = find_subnet(call.world, subnet_id)
    if subnet is None:
        call.must_exist(subnet_id, "properties.subnet")
    assert subnet
    if (
        subnet["properties"].get("privateEndpointNetworkPolicies")
        not in (
            "Disabled",
            "NetworkSecurityGroupEnabled",
            "RouteTableEnabled",
        )
        and call.version < "2022-01-01"
    ):
        raise ArmError(
            400,
            "PrivateEndpointCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled",
            f"Private endpoint {call.id.text} cannot be created in a subnet {subnet_id} since it "
            "has private endpoint network policies enabled.",
        )
    if subnet["properties"]["delegations"]:
        raise ArmError(
            400,
            "PrivateEndpointCannotBeCreatedInDelegatedSubnet",
            f"Private endpoint {call.id.text} cannot be created in subnet {subnet_id}: the subnet "
            "is delegated.",
        )
    links = call.properties.get("privateLinkServiceConnections") or []
    if len(links) != 1:
        raise ArmError(
            400, "InvalidRequestFormat", "A private endpoint has exactly one connection."
        )
    link = links[0]["properties"]
    target = call.must_exist(link.get("privateLinkServiceId"), "privateLinkServiceId")
    groups = GROUPS.get(target["type"].lower(), {})
    group = (link.get("groupIds") or [""])[0]
    if group not in groups:
        raise ArmError(
            400,
            "InvalidGroupId" if group else "MissingGroupId",
            f"Call to {target['type']} failed. Error message: Group id '{group}' is not one of "
            f"{', '.join(groups) or 'none'}.",
        )
    if target["type"].endswith("registries") and target["sku"]["name"] != "Premium":
        raise ArmError(
            400,
            "PrivateEndpointNotSupportedForSku",
            f"The registry {target['name']} does not support private endpoints in SKU "
            f"{target['sku']['name']}: Premium is required.",
        )
    link["privateLinkServiceConnectionState"] = {
        "status": "Approved",
        "description": "Auto-approved",
        "actionsRequired": "None",
    }
    link["provisioningState"] = "Succeeded"
    links[0].update(
        id=f"{call.id.text}/privateLinkServiceConnections/{links[0]['name']}",
        type="Microsoft.Network/privateEndpoints/privateLinkServiceConnections",
    )
    names = _names(target, group)
    free = _free_addresses(call.world, subnet, call.id.text)
    call.properties["customDnsConfigs"] = [
        {"fqdn": name, "ipAddresses": [str(next(free))]} for name in names
    ]
    call.properties["networkInterfaces"] = [
        {"id": f"{call.id.scope}/providers/Microsoft.Network/networkInterfaces/{call.id.name}.nic"}
    ]
    call.properties.setdefault("manualPrivateLinkServiceConnections", [])
    connections = target["properties"].setdefault("privateEndpointConnections", [])
    name = f"{call.id.name}.{uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower())}"
    connections[:] = [
        c
        for c in connections
        if c["properties"]["privateEndpoint"]["id"].lower() != call.id.text.lower()
    ]
    connections.append(
        {
            "id": f"{target['id']}/privateEndpointConnections/{name}",
            "name": name,
            "type": f"{target['type']}/privateEndpointConnections",
            "properties": {
                "privateEndpoint": {"id": call.id.text},
                "privateLinkServiceConnectionState": dict(
                    link["privateLinkServiceConnectionState"]
                ),
                "provisioningState": "Succeeded",
            },
        }
    )


def _names(target: Body, group: str) -> list[str]:
    """Public names that the private endpoint answers for, one address each."""
    name, region = target["name"].lower(), target.get("location", "")
    if group == "amlworkspace":
        guid = target["properties"]["workspaceId"]
        return [
            f"{guid}.workspace.{region}.api.azureml.ms",
            f"{guid}.workspace.{region}.cert.api.azureml.ms",
            f"ml-{name}-{region}-{guid}.{region}.notebooks.azure.net",
        ]
    if group == "vault":
        return [f"{name}.vault.azure.net"]
    if group == "registry":
        return [f"{name}.azurecr.io", f"{name}.{region}.data.azurecr.io"]
    return [f"{name}.{group}.core.windows.net"]


def _free_addresses(world: World, subnet: Body, but: str) -> Any:
    network = IPv4Network(subnet["properties"]["addressPrefix"])
    used = {
        address
        for endpoint in world.of_type("microsoft.network/privateendpoints")
        if endpoint["id"].lower() != but.lower()
        for config in endpoint["properties"].get("customDnsConfigs", [])
        for address in config["ipAddresses"]
    }
    last = network.num_addresses - 1
    for offset in range(4, last):
        if str(network[offset]) not in used:
            yield network[offset]
    raise ArmError(
        400,
        "SubnetIsFull",
        f"Subnet {subnet['name']} with address prefix {network} does not have enough capacity "
        "for IP addresses.",
    )


def _delete_private_endpoint(world: World, rid: ResourceId, body: Body) -> None:
    link = body["properties"]["privateLinkServiceConnections"][0]["properties"]
    target = world.get(link["privateLinkServiceId"])
    if target:
        target["properties"]["privateEndpointConnections"] = [
            c
            for c in target["properties"].get("privateEndpointConnections", [])
            if c["properties"]["privateEndpoint"]["id"].lower() != rid.text.lower()
        ]


def _zone(call: Call) -> None:
    if call.id.name.count(".") < 1:
        raise ArmError(400, "BadRequest", f"The zone name {call.id.name} needs two labels or more.")
    call.properties.setdefault("maxNumberOfRecordSets", 25000)
    call.properties.setdefault("numberOfRecordSets", 1)
    call.properties.setdefault("maxNumberOfVirtualNetworkLinks", 1000)
    call.properties.setdefault("numberOfVirtualNetworkLinks", 0)


def _delete_zone(world: World, rid: ResourceId, body: Body) -> None:
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


def _with_ip_configurations(call: Call) -> None:
    """Bastion hosts and VPN gateways: each configuration names a subnet and a public address."""
    wanted = "AzureBastionSubnet" if "bastion" in call.id.type else "GatewaySubnet"
    configurations = call.properties.get("ipConfigurations") or []
    if not configurations:
        raise ArmError(400, "InvalidRequestFormat", "ipConfigurations must not be empty.")
    for configuration in configurations:
        p = configuration["properties"]
        subnet = find_subnet(call.world, (p.get("subnet") or {}).get("id"))
        if subnet is None or subnet["name"] != wanted:
            raise ArmError(
                400,
                "InvalidSubnetName",
                f"The subnet of {call.id.name} must be named {wanted}.",
            )
        length = IPv4Network(subnet["properties"]["addressPrefix"]).prefixlen
        if length > (26 if wanted == "AzureBastionSubnet" else 29):
            raise ArmError(
                400,
                "BastionSubnetTooSmall" if "Bastion" in wanted else "GatewaySubnetTooSmall",
                f"The subnet {wanted} is too small: /{length}.",
            )
        call.must_exist((p.get("publicIPAddress") or {}).get("id"), "publicIPAddress")


KINDS = [
    Kind("Microsoft.Network/networkSecurityGroups", _nsg, 4, name=NAME),
    Kind("Microsoft.Network/publicIPAddresses", _public_ip, 5, name=NAME),
    Kind("Microsoft.Network/natGateways", _nat_gateway, 13, name=NAME),
    Kind(
        "Microsoft.Network/virtualNetworks",
        _vnet,
        9,
        name=r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9_]",
        delete=_delete_vnet,
    ),
    Kind(
        "Microsoft.Network/virtualNetworks/subnets",
        _one_subnet,
        6,
        location="",
        name=NAME,
        delete=_delete_subnet,
    ),
    Kind(
        "Microsoft.Network/privateEndpoints",
        _private_endpoint,
        50,
        name=NAME,
        delete=_delete_private_endpoint,
    ),
    Kind("Microsoft.Network/privateEndpoints/privateDnsZoneGroups", _zone_group, 35, location=""),
    Kind(
        "Microsoft.Network/privateDnsZones",
        _zone,
        35,
        accepts=202,
        location="global",
        delete=_delete_zone,
    ),
    Kind(
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        _dns_link,
        35,
        accepts=202,
        location="global",
    ),
    Kind("Microsoft.Network/bastionHosts", _with_ip_configurations, 420),
    Kind("Microsoft.Network/virtualNetworkGateways", _with_ip_configurations, 1800),
]
