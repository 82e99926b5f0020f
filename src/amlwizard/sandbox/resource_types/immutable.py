"""Immutable properties: a PUT that changes one is refused with the service's error code; a PUT that
omits one keeps its value."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject, JsonValue, value_at
from amlwizard.sandbox.resource_types.base import Call

Allows = Callable[[Any, Any], bool]


def never(old: JsonValue, new: JsonValue) -> bool:
    return False


def upwards(*order: str) -> Allows:
    """Only to a later item of `order`."""
    return lambda old, new: old in order and new in order and order.index(new) > order.index(old)


@dataclass(frozen=True)
class ImmutableProperty:
    """A property by its dotted path, in which ``*`` is each thing of a list by name, and how a change
    of it is refused: `said` may name it (``{property}``), and what it is and would be (``{old}``,
    ``{new}``). Without a `code` the service takes the change, and keeps what it has.

    `absent` is what a missing value means; where it is None, what was never set may be set. `before`:
    api-versions from that on allow it."""

    path: str
    code: str = ""
    message: str = ""
    target: str = ""
    status: int = 400
    absent: JsonValue = None
    allows: Allows = never
    before: str = ""


def _aks(
    path: str, called: str, absent: JsonValue = None, allows: Allows = never
) -> ImmutableProperty:
    message = f"Changing property '{called}' is not allowed."
    return ImmutableProperty(
        path, "PropertyChangeNotAllowed", message, called, absent=absent, allows=allows
    )


def _next_minor(old: str, new: str) -> bool:
    """Kubernetes is upgraded by one minor version at a time, and never downgraded."""
    if not re.fullmatch(r"\d+\.\d+(\.\d+)?", new):
        return True  # refused as a version that is not supported
    was, wanted = ([int(part) for part in text.split(".")] for text in (old, new))
    return was[: len(wanted)] <= wanted and wanted[1] - was[1] <= 1


def _overlay(old: str, new: str) -> bool:
    return (old, new) == ("none", "overlay")


def _same_redundancy(old: str, new: str) -> bool:
    """Geo-redundancy can be changed, zone redundancy and premium performance cannot."""
    kinds = [(name.startswith("Premium"), "ZRS" in name) for name in (old, new)]
    return kinds[0] == kinds[1]


READ_ONLY = (
    "The property '{property}' was specified in the input, but it cannot be updated as it is "
    "read-only. For more information, see - https://aka.ms/storageaccountupdate"
)
POOL = "properties.agentPoolProfiles.*"
PROFILE = "properties.networkProfile"
ZONES = "ResourceAvailabilityZonesCannotBeModified"
ZONES_SAID = (
    "Resource {id} has an existing availability zone constraint {old} and the request has "
    "availability zone constraint {new}, which do not match. Zones cannot be added/updated/removed "
    "once the resource is created. The resource cannot be updated from regional to zonal or "
    "vice-versa."
)

IMMUTABLE: dict[str, tuple[ImmutableProperty, ...]] = {
    "microsoft.containerservice/managedclusters": (
        *(
            _aks(f"{POOL}.{name}", f"agentPoolProfile.{name}")
            for name in (
                "vmSize",
                "maxPods",
                "vnetSubnetID",
                "osType",
                "type",
                "osDiskType",
                "osDiskSizeGB",
                "availabilityZones",
                "enableNodePublicIP",
            )
        ),
        *(
            _aks(f"{PROFILE}.{name}", f"networkProfile.{name}")
            for name in (
                "serviceCidr",
                "dnsServiceIP",
                "podCidr",
                "networkPlugin",
                "loadBalancerSku",
            )
        ),
        _aks(
            f"{PROFILE}.networkPluginMode",
            "networkProfile.networkPluginMode",
            absent="none",
            allows=_overlay,
        ),
        _aks(
            "properties.apiServerAccessProfile.enablePrivateCluster",
            "apiServerAccessProfile.enablePrivateCluster",
            absent=False,
        ),
        _aks("properties.dnsPrefix", "dnsPrefix"),
        _aks("properties.enableRBAC", "enableRBAC"),
        _aks("properties.nodeResourceGroup", "nodeResourceGroup"),
        ImmutableProperty(
            "properties.kubernetesVersion",
            "OperationNotAllowed",
            "Upgrading Kubernetes version {old} to {new} is not allowed. Available upgrades: see az "
            "aks get-upgrades. Please see https://aka.ms/aks-supported-k8s-ver for version details.",
            "kubernetesVersion",
            allows=_next_minor,
        ),
    ),
    "microsoft.storage/storageaccounts": (
        *(
            ImmutableProperty(
                f"properties.{name}", "AccountPropertyCannotBeUpdated", READ_ONLY, absent="unset"
            )
            for name in ("isHnsEnabled", "isNfsV3Enabled")
        ),
        ImmutableProperty(
            "kind",
            "AccountPropertyCannotBeUpdated",
            READ_ONLY,
            allows=lambda old, new: new == "StorageV2" and old in ("Storage", "BlobStorage"),
        ),
        ImmutableProperty(
            "sku.name",
            "StorageAccountTypeConversionNotAllowed",
            "Storage account type cannot be changed from {old} to {new}.",
            status=409,
            allows=_same_redundancy,
        ),
    ),
    "microsoft.keyvault/vaults": (
        ImmutableProperty(
            "properties.softDeleteRetentionInDays",
            "BadRequest",
            'The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.',
        ),
        ImmutableProperty(
            "properties.enableSoftDelete",
            "BadRequest",
            'The property "enableSoftDelete" can be set to false only for creating new vault. '
            "Enabling the 'soft delete' functionality is an irreversible action.",
            allows=lambda old, new: bool(new),
        ),
    ),
    "microsoft.machinelearningservices/workspaces": tuple(
        ImmutableProperty(
            f"properties.{name}",
            "ValidationError",
            f"{name} cannot be changed after the workspace was created.",
        )
        for name in ("storageAccount", "keyVault", "hbiWorkspace")
    ),
    "microsoft.machinelearningservices/workspaces/computes": (
        *(
            ImmutableProperty(f"properties.properties.{name}")
            for name in ("vmSize", "vmPriority", "subnet.id", "enableNodePublicIp")
        ),
        *(
            ImmutableProperty(
                path, "BadRequest", "The property {property} of a compute cannot be changed."
            )
            for path in ("properties.computeType", "properties.resourceId")
        ),
    ),
    "microsoft.machinelearningservices/workspaces/codes/versions": (
        ImmutableProperty("properties.codeUri", "UserError", "Asset paths cannot be updated."),
    ),
    "microsoft.machinelearningservices/workspaces/environments/versions": tuple(
        ImmutableProperty(
            f"properties.{name}",
            "UserError",
            "{property} of an environment version cannot be changed.",
        )
        for name in ("image", "condaFile", "build.contextUri")
    ),
    "microsoft.databricks/workspaces": (
        ImmutableProperty(
            "properties.managedResourceGroupId",
            "ApplicationUpdateFail",
            "The managed resource group of a workspace cannot be changed.",
        ),
        ImmutableProperty(
            "properties.parameters.customVirtualNetworkId.value",
            "VirtualNetworkIdChangeNotAllowed",
            "Updating required Virtual Network from {old} to {new} is not allowed.",
            before="2025-08-01-preview",
        ),
        *(
            ImmutableProperty(
                f"properties.{name}", "ApplicationUpdateFail", f"{name} cannot be changed."
            )
            for name in ("computeMode", "parameters.requireInfrastructureEncryption.value")
        ),
        ImmutableProperty(
            "sku.name",
            "ApplicationUpdateFail",
            "A workspace cannot be changed from {old} to {new}.",
            allows=upwards("trial", "standard", "premium"),
        ),
    ),
    "microsoft.network/privateendpoints": (
        ImmutableProperty(
            "properties.subnet.id",
            "CannotChangeSubnetOnExistingPrivateEndpoint",
            "Cannot change the subnet of private endpoint {id}: it is {old}.",
        ),
        ImmutableProperty(
            "properties.privateLinkServiceConnections.*.properties.privateLinkServiceId",
            "CannotChangePrivateLinkConnectionOnPrivateEndpoint",
            "Cannot change the private link connection on private endpoint {id}.",
        ),
    ),
    "microsoft.network/publicipaddresses": (
        ImmutableProperty("zones", ZONES, ZONES_SAID, absent=[]),
        ImmutableProperty(
            "sku.name",
            "PublicIPAddressSkuCannotBeChanged",
            "The sku of public IP address {id} cannot be changed from {old} to {new}.",
            allows=upwards("Basic", "Standard"),
        ),
        ImmutableProperty(
            "properties.publicIPAddressVersion",
            "PublicIPAddressVersionCannotBeChanged",
            "The version of public IP address {id} cannot be changed from {old} to {new}.",
        ),
    ),
    "microsoft.network/natgateways": (ImmutableProperty("zones", ZONES, ZONES_SAID, absent=[]),),
    "microsoft.network/bastionhosts": (
        ImmutableProperty(
            "sku.name",
            "BastionHostSkuDowngradeNotAllowed",
            "The sku of bastion host {id} cannot be changed from {old} to {new}.",
            allows=upwards("Developer", "Basic", "Standard", "Premium"),
        ),
    ),
    "microsoft.network/privatednszones/virtualnetworklinks": (
        ImmutableProperty(
            "properties.virtualNetwork.id",
            "BadRequest",
            "The virtual network of a link cannot be changed: delete the link {id} first.",
        ),
    ),
    "microsoft.insights/components": (
        ImmutableProperty(
            "properties.Application_Type",
            "BadRequest",
            "Application_Type cannot be changed from {old} to {new}.",
        ),
    ),
}


def keep_immutable(call: Call) -> None:
    """Refuse changes of immutable properties, and keep those that are omitted."""
    if call.old is None:
        return
    _same_pools(call)
    for fixed in IMMUTABLE.get(call.id.type, ()):
        if not fixed.before or call.version < fixed.before:
            _judge(call, fixed, call.old, call.body, fixed.path)


def _judge(
    call: Call, fixed: ImmutableProperty, was: JsonObject, wanted: JsonObject, path: str
) -> None:
    head, star, rest = path.partition(".*.")
    if star:
        for item in value_at(wanted, head) or ():
            for old in value_at(was, head) or ():
                if old.get("name") == item.get("name"):
                    _judge(call, fixed, old, item, rest)
        return
    held, new = value_at(was, path), value_at(wanted, path)
    old = fixed.absent if held is None else held
    if new is None:
        if held is not None:
            _put(wanted, path, held)
    elif old is None or _plain(old) == _plain(new) or fixed.allows(old, new):
        return
    elif not fixed.code:
        _put(wanted, path, held)
    else:
        name = path.rpartition(".")[2]
        message = fixed.message.format(property=name, old=old, new=new, id=call.id.text)
        raise ArmError(fixed.status, fixed.code, message, fixed.target or None)


def _put(document: JsonObject, path: str, value: JsonValue) -> None:
    *parents, last = path.split(".")
    for part in parents:
        if document.get(part) is None:
            document[part] = {}
        document = document[part]
    document[last] = copy.deepcopy(value)


def _same_pools(call: Call) -> None:
    """AKS adds node pools by an operation of their own."""
    if call.id.type != "microsoft.containerservice/managedclusters" or call.old is None:
        return
    was = {pool["name"] for pool in call.old["properties"]["agentPoolProfiles"]}
    given = call.properties.get("agentPoolProfiles") or []
    if any(pool.get("name") not in was for pool in given):
        raise ArmError(
            400,
            "BadRequest",
            "A new agent pool was introduced. Adding agent pools to an existing cluster is not "
            "allowed through managed cluster operations. For agent pool specific change, please use "
            "per agent pool operations: https://aka.ms/agent-pool-rest-api",
            "agentPoolProfiles",
        )


def _plain(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return list[JsonValue](sorted(map(str, value)))
    return value.lower() if isinstance(value, str) else value
