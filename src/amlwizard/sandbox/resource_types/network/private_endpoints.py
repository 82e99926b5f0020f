"""Private endpoints: their targets, groups and addresses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Call, ResourceType, state_of
from amlwizard.sandbox.resource_types.locks import must_be_unlocked
from amlwizard.sandbox.resource_types.network.names import NAME, UPDATING, WEAK, guid
from amlwizard.sandbox.resource_types.network.private_dns import forget_records
from amlwizard.sandbox.resource_types.network.shapes import PrivateEndpoint
from amlwizard.sandbox.resource_types.network.subnets import find_subnet
from amlwizard.sandbox.state import State

# Private Link groups by type of the target, with their DNS zones.
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

STORAGE = "microsoft.storage/storageaccounts"
EXCLUSIVE = (
    "An operation is currently performing on this storage account that requires exclusive access."
)
IN_PROGRESS: JsonObject = {
    "code": "StorageAccountOperationInProgress",
    "message": f"Call to Microsoft.Storage/storageAccounts failed. Error message: {EXCLUSIVE}",
}
POLICIES_THAT_LET_IN = ("Disabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled")
CONNECTIONS = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")


def _private_endpoint(call: Call) -> None:
    call.require("properties.subnet.id")
    subnet = _subnet(call, call.properties["subnet"]["id"])
    automatic, by_hand = (call.properties.setdefault(key, []) for key in CONNECTIONS)
    if len([*automatic, *by_hand]) != 1:
        raise ArmError(
            400, "InvalidRequestFormat", "A private endpoint has exactly one connection."
        )
    link = link_of(call.body)
    target, group = _target_of(call, link)
    link["privateLinkServiceConnectionState"] = {
        "status": "Pending" if by_hand else "Approved",
        "description": "Awaiting approval" if by_hand else "Auto-approved",
        "actionsRequired": "None",
    }
    link["provisioningState"] = "Succeeded"
    for key in CONNECTIONS:
        for connection in call.properties[key]:
            connection.update(
                id=f"{call.id.text}/{key}/{connection.get('name', '')}",
                type=f"Microsoft.Network/privateEndpoints/{key}",
            )
    if occupied(call.state, target, call.id.text):
        call.fails = IN_PROGRESS
        link["privateLinkServiceConnectionState"]["status"] = "Pending"
        link["provisioningState"] = "Failed"
        call.properties.update(customDnsConfigs=[], networkInterfaces=[])
        return
    _complete(call, subnet, names_of(target, group))
    _connect(call, target, link["privateLinkServiceConnectionState"])


def _subnet(call: Call, subnet_id: str) -> JsonObject:
    subnet = find_subnet(call.state, subnet_id)
    if subnet is None:
        call.must_exist(subnet_id, "properties.subnet")
    assert subnet
    policies = subnet["properties"].get("privateEndpointNetworkPolicies")
    if policies not in POLICIES_THAT_LET_IN and call.version < "2022-01-01":
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
    return subnet


def _target_of(call: Call, link: JsonObject) -> tuple[JsonObject, str]:
    """The target resource and its group."""
    target = call.must_exist(link.get("privateLinkServiceId"), "privateLinkServiceId")
    groups = GROUPS.get(target["type"].lower(), {})
    group = str((link.get("groupIds") or [""])[0])
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
    return target, group


def _complete(call: Call, subnet: JsonObject, names: list[str]) -> None:
    """Assign an address of the subnet to each name, and add what Azure adds."""
    free = _free_addresses(call.state, subnet, call.id.text)
    call.properties["customDnsConfigs"] = [
        {"fqdn": name, "ipAddresses": [str(next(free))]} for name in names
    ]
    complete(call.properties, {"customNetworkInterfaceName": "", "ipConfigurations": []})
    call.properties["resourceGuid"] = guid(call.id)
    for configuration in call.properties["ipConfigurations"]:
        configuration["id"] = f"{call.id.text}/ipConfigurations/{configuration['name']}"
        configuration["type"] = "Microsoft.Network/privateEndpoints/ipConfigurations"
        configuration["properties"]["provisioningState"] = "Succeeded"
    call.properties["networkInterfaces"] = [
        {"id": f"{call.id.scope}/providers/Microsoft.Network/networkInterfaces/{call.id.name}.nic"}
    ]


def _connect(call: Call, target: JsonObject, connected: JsonObject) -> None:
    """Add the connection to the document of the target."""
    connections = target["properties"].setdefault("privateEndpointConnections", [])
    name = f"{call.id.name}.{uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower())}"
    connections[:] = [
        c
        for c in connections
        if c["properties"]["privateEndpoint"]["id"].lower() != call.id.text.lower()
    ]
    connections.append(_connection(target, name, call.id.text, connected))


def occupied(state: State, target: JsonObject, but: str = "") -> bool:
    """Whether an operation runs on a storage account or on one of its private endpoints other than
    `but`: storage accepts one at a time."""
    if target["type"].lower() != STORAGE:
        return False
    users = (
        endpoint["id"]
        for endpoint in state.of_type("microsoft.network/privateendpoints")
        if link_of(endpoint)["privateLinkServiceId"].lower() == target["id"].lower()
    )
    return any(
        state.running_operation(user)
        for user in (target["id"], *users)
        if user.lower() != but.lower()
    )


def link_of(endpoint: JsonObject) -> JsonObject:
    """The properties of the endpoint's only connection."""
    automatic, by_hand = (endpoint["properties"].get(key, []) for key in CONNECTIONS)
    link: JsonObject = (automatic or by_hand)[0]["properties"]
    return link


def _connection(
    target: JsonObject, name: str, endpoint_id: str, connected: JsonObject
) -> JsonObject:
    """The connection in the target's document. Vaults omit its name; storage spells a member differently."""
    kind = target["type"].lower()
    action = "actionRequired" if kind.endswith("storageaccounts") else "actionsRequired"
    envelope = {"name": name, "type": f"{target['type']}/privateEndpointConnections"}
    return {
        "id": f"{target['id']}/privateEndpointConnections/{name}",
        **({} if kind.endswith("vaults") else envelope),
        "properties": {
            "privateEndpoint": {"id": endpoint_id},
            "privateLinkServiceConnectionState": {
                "status": connected["status"],
                "description": connected["description"],
                action: connected["actionsRequired"],
            },
            "provisioningState": "Succeeded",
        },
    }


def names_of(target: JsonObject, group: str) -> list[str]:
    """The public host names of a target, one address each."""
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


def in_network(endpoint: JsonObject, network: str) -> bool:
    """Whether a private endpoint is in a subnet or VNET (an id)."""
    subnet = str(endpoint["properties"]["subnet"]["id"]).lower()
    return f"{subnet}/".startswith(f"{network.lower()}/")


def _free_addresses(state: State, subnet: JsonObject, but: str) -> Iterator[IPv4Address]:
    network = IPv4Network(subnet["properties"]["addressPrefix"])
    used = {
        address
        for endpoint in state.of_type("microsoft.network/privateendpoints")
        if endpoint["id"].lower() != but.lower() and in_network(endpoint, subnet["id"])
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


def _target(state: State, body: JsonObject) -> JsonObject | None:
    link = link_of(body)
    return state.get(link["privateLinkServiceId"])


def _target_is_locked(state: State, rid: ResourceId, body: JsonObject) -> None:
    """Refuse a deletion if the target is locked: the connection belongs to the target."""
    target = _target(state, body)
    if target:
        try:
            must_be_unlocked(
                state, f"{target['id']}/privateEndpointConnections/{rid.name}", "delete"
            )
        except ArmError as locked:
            raise ArmError(
                409,
                "ScopeLocked",
                f"Call to {target['type']} failed. Error message: {locked.message}",
            ) from None


def _delete_private_endpoint(state: State, rid: ResourceId, body: JsonObject) -> None:
    for group in state.of_type("microsoft.network/privateendpoints/privatednszonegroups", rid.text):
        forget_records(state, group)
    target = _target(state, body)
    if target:
        target["properties"]["privateEndpointConnections"] = [
            c
            for c in target["properties"].get("privateEndpointConnections", [])
            if c["properties"]["privateEndpoint"]["id"].lower() != rid.text.lower()
        ]


def _shown(state: State, endpoint: JsonObject) -> JsonObject:
    """The DNS configuration is shown after creation, and only while there is no zone group."""
    p = endpoint["properties"]
    groups = state.of_type(f"{endpoint['type']}/privateDnsZoneGroups", endpoint["id"])
    if state_of(endpoint) == "Succeeded" and next(groups, None) is None:
        return endpoint
    return {**endpoint, "properties": {**p, "customDnsConfigs": []}}


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.Network/privateEndpoints",
        _private_endpoint,
        32,
        shape=PrivateEndpoint,
        name=NAME,
        creates=UPDATING,
        etag=WEAK,
        update_seconds=32,
        shown=_shown,
        delete_seconds=12,
        blocked=_target_is_locked,
        delete=_delete_private_endpoint,
    )
]
