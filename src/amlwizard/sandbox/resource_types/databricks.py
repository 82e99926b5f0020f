"""Microsoft.Databricks/workspaces."""

from __future__ import annotations

import uuid
from dataclasses import replace
from ipaddress import IPv4Network

from pydantic import ConfigDict

from amlwizard.sandbox import policies
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject, JsonValue
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types import databricks_defaults
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.network import DATABRICKS, usage
from amlwizard.sandbox.resource_types.responses import DELETED, ArmResponse
from amlwizard.sandbox.resource_types.shapes import Document, Shape
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import Polls

# Rules that the network intent policy of the delegation adds to the NSGs of the subnets:
# direction, priority, source, destination, ports.
RULES: list[tuple[str, int, str, str, list[str]]] = [
    ("Inbound", 100, "VirtualNetwork", "VirtualNetwork", ["*"]),
    ("Outbound", 100, "VirtualNetwork", "AzureDatabricks", ["443", "3306", "8443-8451"]),
    ("Outbound", 101, "VirtualNetwork", "Sql", ["3306"]),
    ("Outbound", 102, "VirtualNetwork", "Storage", ["443"]),
    ("Outbound", 103, "VirtualNetwork", "VirtualNetwork", ["*"]),
    ("Outbound", 104, "VirtualNetwork", "EventHub", ["9093"]),
]
# The destination in the names of the rules.
CALLED = {
    "AzureDatabricks": "databricks-webapp",
    "Sql": "sql",
    "Storage": "storage",
    "EventHub": "eventhub",
}


class _Text(Shape):
    value: str = ""


class _Flag(Shape):
    value: bool = False


class _Parameters(Shape):
    """Other parameters are objects with a value, too."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, dict[str, JsonValue]]

    customVirtualNetworkId: _Text = _Text()
    customPublicSubnetName: _Text = _Text()
    customPrivateSubnetName: _Text = _Text()
    enableNoPublicIp: _Flag = _Flag()


class _Entities(Shape):
    managedDisk: dict[str, JsonValue] | None = None


class _WorkspaceEncryption(Shape):
    entities: _Entities = _Entities()


class _DatabricksProperties(Shape):
    computeMode: str = ""
    managedResourceGroupId: str = ""
    parameters: _Parameters = _Parameters()
    encryption: _WorkspaceEncryption = _WorkspaceEncryption()


class _Workspace(Document):
    properties: _DatabricksProperties = _DatabricksProperties()


def _workspace(call: Call) -> None:
    p = call.properties
    if call.version >= "2025-08-01-preview" and p.get("computeMode") not in (
        "Hybrid",
        "Serverless",
    ):
        raise ArmError(
            400,
            "InvalidComputeMode",
            "The property 'computeMode' is required: Hybrid or Serverless.",
            "properties.computeMode",
        )
    sku = (call.body.get("sku") or {}).get("name", "premium").lower()
    if sku == "standard" and call.old is None:
        raise ArmError(
            400,
            "SkuNotAvailable",
            "New workspaces of the standard tier cannot be created since 2026-04-01: use premium.",
            "sku.name",
        )
    group = p.get("managedResourceGroupId", "")
    if p.get("computeMode", "Hybrid") == "Hybrid":
        _check_managed_group(call, group)
    else:
        _check_serverless(p)
    given = p.get("parameters") or {}
    if given.get("customVirtualNetworkId"):
        _into_vnet(call, given)
    if call.old is None and group:
        _make_managed_group(call, group)
    number = uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower()).int % 10**16
    port = call.services.ports.port_of("databricks", call.id.text)
    p["workspaceId"] = str(number)
    p["workspaceUrl"] = f"127.0.0.1:{port}"
    databricks_defaults.fill(call)


def _check_managed_group(call: Call, group: str) -> None:
    if not group:
        raise ArmError(
            400,
            "ApplicationManagedResourceGroupIdMissing",
            "The managed resource group id is missing.",
            "properties.managedResourceGroupId",
        )
    if call.old is None and call.state.get(group):
        raise ArmError(
            409,
            "ApplianceManagedResourceGroupConflict",
            f"The managed resource group {group} already exists.",
        )
    if (
        group.lower()
        == f"/subscriptions/{call.id.subscription}/resourcegroups/{call.id.group}".lower()
    ):
        raise ArmError(
            400,
            "ApplicationManagedResourceGroupSame",
            "The managed resource group must not be the workspace's own resource group.",
        )


def _check_serverless(p: JsonObject) -> None:
    for key in ("parameters", "requiredNsgRules", "managedResourceGroupId"):
        if p.get(key):
            raise ArmError(
                400,
                "FeatureNotSupportedForServerlessWorkspace",
                f"The property '{key[0].upper()}{key[1:]}' is not supported for Serverless "
                "Workspace",
            )


def _make_managed_group(call: Call, group: str) -> None:
    """Create the managed group with the storage account of DBFS, unless a policy denies one of
    them."""
    shared = {"location": call.body["location"], "tags": dict(call.body.get("tags") or {})}
    done = {"provisioningState": "Succeeded"}
    made = {
        "id": group,
        "name": group.rsplit("/", 1)[-1],
        "type": "Microsoft.Resources/resourceGroups",
        **shared,
        "managedBy": call.id.text,
        "properties": {**done},
    }
    name = f"dbstorage{uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower()).hex[:13]}"
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/{name}"
    storage = {
        "id": account,
        "name": name,
        "type": "Microsoft.Storage/storageAccounts",
        **shared,
        "kind": "BlobStorage",
        "sku": {"name": "Standard_GRS", "tier": "Standard"},
        "properties": {
            **done,
            "allowSharedKeyAccess": True,
            "allowBlobPublicAccess": False,
            "minimumTlsVersion": "TLS1_2",
            "publicNetworkAccess": "Enabled",
            "supportsHttpsTrafficOnly": True,
            "privateEndpointConnections": [],
        },
    }
    for document in ({**made, "type": policies.GROUP}, storage):
        if violations := policies.denials(call.state, document):
            call.fails = {
                "code": "ApplianceDeploymentFailed",
                "message": "The operation to create appliance failed. Please check operations of "
                f"deployment '{call.id.name}' under resource group '{group}'. Error message: 'At "
                "least one resource deployment operation failed. RequestDisallowedByPolicy: "
                f"{policies.disallowed(document, violations)}'",
            }
            return
    for document in (made, storage):
        call.state.resources[document["id"].lower()] = document


def _keep_data(state: State, rid: ResourceId, body: JsonObject) -> None:
    """The managed group outlives the workspace, with its data, and is no longer managed."""
    group = (body["properties"].get("managedResourceGroupId") or "").lower()
    if group in state.resources:
        state.resources[group].pop("managedBy", None)


def _into_vnet(call: Call, given: JsonObject) -> None:
    vnet = call.must_exist(given["customVirtualNetworkId"].get("value"), "customVirtualNetworkId")
    if vnet["location"].lower() != call.body["location"].lower():
        raise ArmError(
            400,
            "InvalidVirtualNetworkLocation",
            f"The virtual network {vnet['id']} must be in the region of the workspace.",
        )
    length = min(
        IPv4Network(p).prefixlen for p in vnet["properties"]["addressSpace"]["addressPrefixes"]
    )
    if not 16 <= length <= 24:
        raise ArmError(
            400,
            "VirtualNetworkAddressSpaceInvalid",
            f"The address space of {vnet['name']} must be from /16 to /24.",
        )
    for key in ("customPublicSubnetName", "customPrivateSubnetName"):
        name = (given.get(key) or {}).get("value")
        subnet = next((s for s in vnet["properties"]["subnets"] if s["name"] == name), None)
        if subnet is None:
            raise ArmError(400, "InvalidSubnet", f"The subnet {name} is not in {vnet['id']}.", key)
        p = subnet["properties"]
        services = [d["properties"].get("serviceName") for d in p["delegations"]]
        if DATABRICKS not in services:
            raise ArmError(
                400,
                "SubnetMissingRequiredDelegation",
                f"Subnet {subnet['id']} requires any of the following delegation(s) "
                f"[{DATABRICKS}] to reference service association link.",
                key,
            )
        if not p.get("networkSecurityGroup"):
            raise ArmError(
                400,
                "SubnetMissingNetworkSecurityGroup",
                f"The subnet {subnet['id']} needs a network security group.",
                key,
            )
        if IPv4Network(p["addressPrefix"]).prefixlen > 26:
            raise ArmError(
                400,
                "InvalidSubnetSize",
                f"The subnet {name} ({p['addressPrefix']}) must be /26 or larger.",
                key,
            )
        users = [u for u in usage(call.state, subnet["id"]) if u.lower() != call.id.text.lower()]
        if users:
            raise ArmError(
                409,
                "PrepareNetworkPoliciesRequestIsMissingNetworkIntentPolicies",
                f"Failed to prepare subnet '{name}'. Please try again later. Error details: "
                f"'Network intent policy associated with subnet {subnet['id']} is not present in "
                "request.'",
                key,
            )
        _add_rules(call.state, p["networkSecurityGroup"]["id"])


def _add_rules(state: State, nsg_id: str) -> None:
    nsg = state.get(nsg_id)
    if nsg is None:
        return
    rules = nsg["properties"]["securityRules"]
    stem = "Microsoft.Databricks-workspaces_UseOnly_databricks-worker-to-"
    for direction, priority, source, target, ports in RULES:
        name = f"{stem}{CALLED.get(target) or f'worker-{direction.lower()}'}"
        if any(rule["name"] == name for rule in rules):
            continue
        rules.append(
            {
                "name": name,
                "id": f"{nsg['id']}/securityRules/{name}",
                "type": "Microsoft.Network/networkSecurityGroups/securityRules",
                "properties": {
                    "access": "Allow",
                    "direction": direction,
                    "priority": priority,
                    "protocol": "*" if ports == ["*"] else "Tcp",
                    "sourceAddressPrefix": source,
                    "sourcePortRange": "*",
                    "destinationAddressPrefix": target,
                    "destinationPortRanges": ports if len(ports) > 1 else [],
                    **({"destinationPortRange": ports[0]} if len(ports) == 1 else {}),
                    "provisioningState": "Succeeded",
                },
            }
        )


def _delete_workspace(state: State, rid: ResourceId, body: JsonObject) -> None:
    state.data.databricks.pop(rid.text.lower(), None)
    nsgs = {
        subnet["properties"]["networkSecurityGroup"]["id"].lower()
        for vnet in state.of_type("microsoft.network/virtualnetworks")
        for subnet in vnet["properties"]["subnets"]
        if subnet["id"].rsplit("/", 1)[-1] in _subnet_names(body)
        and subnet["properties"].get("networkSecurityGroup")
    }
    for nsg_id in nsgs:
        nsg = state.get(nsg_id)
        assert nsg
        nsg["properties"]["securityRules"] = [
            rule
            for rule in nsg["properties"]["securityRules"]
            if not rule["name"].startswith("Microsoft.Databricks-workspaces_UseOnly_")
        ]


def _subnet_names(body: JsonObject) -> set[str]:
    given = body["properties"].get("parameters", {})
    return {
        given.get(key, {}).get("value")
        for key in ("customPublicSubnetName", "customPrivateSubnetName")
    }


CREATED_BY_POLLS = ArmResponse(
    states=("Accepted", "Creating"), polls=Polls(status=202, word="Accepted")
)

RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.Databricks/workspaces",
        _workspace,
        171,
        shape=_Workspace,
        creates=CREATED_BY_POLLS,
        updates=replace(CREATED_BY_POLLS, states=("Updating",)),
        deletes=replace(DELETED, headers="L").polled_with(status=202, word="Accepted", worded=True),
        update_seconds=78,
        name=r"[A-Za-z0-9_-]{3,64}",
        system_data=True,
        shown=databricks_defaults.shown,
        retains=_keep_data,
        delete=_delete_workspace,
        delete_seconds=202,
    )
]
