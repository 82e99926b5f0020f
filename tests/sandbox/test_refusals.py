"""The sandbox refuses what Azure refuses, with Azure's codes, or what runs on it proves nothing.

Each row changes one document of a platform that was built by a replay, and sends that through the
real ARM client. The documents are the journey's own, so that a row differs from what works in one
thing.
"""

from __future__ import annotations

import pytest
from support.platforms import Change, Platform, both, nothing, pool_in, setting, subnet, without

pytestmark = pytest.mark.xdist_group("refusals")

UNUSED = "10.100.30.0/24"
PROFILE = "properties.networkProfile"
COUNT = "properties.agentPoolProfiles.0.count"
OTHER_VNET = "vnet-other"
NOWHERE = "/subscriptions/x/resourceGroups/x/providers/Microsoft.Network/networkSecurityGroups/x"

# What is refused: the step whose document is changed, how, the new name where it is another
# resource, and Azure's answer.
ROWS: dict[str, tuple[str, Change, str, int, str]] = {
    "subnets that overlap": (
        "vnet", subnet(1, "addressPrefix", "10.100.100.128/25"), OTHER_VNET, 400,
        "NetcfgSubnetRangesOverlap",
    ),
    "a subnet outside its VNET": (
        "vnet", subnet(1, "addressPrefix", "10.101.0.0/24"), OTHER_VNET, 400, "NetcfgInvalidSubnet",
    ),
    "a subnet of four addresses": (
        "vnet", subnet(1, "addressPrefix", "10.100.30.0/30"), OTHER_VNET, 400, "NetcfgInvalidSubnet",
    ),
    "a prefix that is none": (
        "vnet", subnet(1, "addressPrefix", "10.100.30.0/33"), OTHER_VNET, 400,
        "InvalidAddressPrefixFormat",
    ),
    "a VNET without addresses": (
        "vnet", without("properties.addressSpace"), OTHER_VNET, 400, "InvalidRequestContent",
    ),
    "a security group that is not there": (
        "vnet", subnet(0, "networkSecurityGroup", {"id": NOWHERE}), OTHER_VNET, 400,
        "InvalidResourceReference",
    ),
    "a VNET without the subnet of its private endpoints": (
        "vnet", without("properties.subnets.0"), "", 400, "InUseSubnetCannotBeDeleted",
    ),
    "moving a subnet that is in use": (
        "vnet", subnet(2, "addressPrefix", UNUSED), "", 400, "InUseSubnetCannotBeUpdated",
    ),
    "taking a delegation away from Databricks": (
        "vnet", subnet(3, "delegations", []), "", 400, "SubnetMissingRequiredDelegation",
    ),
    "taking the security group away from Databricks": (
        "vnet", subnet(4, "networkSecurityGroup", None), "", 400,
        "NetworkSecurityGroupCannotBeRemovedDueToNipOnSubnet",
    ),
    "network policies on a subnet with private endpoints": (
        "vnet", subnet(0, "privateEndpointNetworkPolicies", "Enabled"), "", 400,
        "PrivateEndpointNetworkPoliciesCannotBeEnabledOnPrivateEndpointSubnet",
    ),
    "a security group without the rules of Databricks": (
        "nsg.databricks-public", setting("properties.securityRules", []), "", 400,
        "ConflictWithNetworkIntentPolicy",
    ),
    "a standard address that is dynamic": (
        "public-ip", setting("properties.publicIPAllocationMethod", "Dynamic"), "pip-other", 400,
        "PublicIPAddressInAvailabilityZoneOrStandardSkuMustBeStatic",
    ),
    "a private endpoint for a group that is none": (
        "private-endpoint.registry",
        setting("properties.privateLinkServiceConnections.0.properties.groupIds", ["blob"]),
        "pep-other", 400, "InvalidGroupId",
    ),
    "a vault of another tenant": (
        "key-vault", setting("properties.tenantId", "00000000-0000-0000-0000-000000000001"),
        "kv-other", 400, "BadRequest",
    ),
    "a vault that says false to purge protection": (
        "key-vault", setting("properties.enablePurgeProtection", False), "kv-other", 400,
        "BadRequest",
    ),
    "a Basic registry that is closed off": (
        "registry", setting("sku.name", "Basic"), "crother01", 400,
        "PublicNetworkAccessNotSupportedForSku",
    ),
    "a Basic registry with network rules": (
        "registry",
        both(setting("sku.name", "Basic"), setting("properties.publicNetworkAccess", "Enabled"),
             setting("properties.networkRuleSet", {"defaultAction": "Deny"})),
        "crother01", 400, "NetworkRulesNotSupportedForSku",
    ),
    "classic Application Insights": (
        "application-insights", without("properties.WorkspaceResourceId"), "appi-other", 400,
        "BadRequest",
    ),
    "a service range over a subnet": (
        "aks", both(setting(f"{PROFILE}.serviceCidr", "10.100.200.0/24"),
                    setting(f"{PROFILE}.dnsServiceIP", "10.100.200.10")),
        "aks-other", 400, "ServiceCidrOverlapExistingSubnetsCidr",
    ),
    "a DNS address outside the service range": (
        "aks", setting(f"{PROFILE}.dnsServiceIP", "10.9.0.10"), "aks-other", 400,
        "DnsServiceIpOutOfServiceCidr",
    ),
    "the first address of the service range for DNS": (
        "aks", setting(f"{PROFILE}.dnsServiceIP", "10.0.0.1"), "aks-other", 400, "InvalidParameter",
    ),
    "a service range that AKS keeps": (
        "aks", both(setting(f"{PROFILE}.serviceCidr", "172.30.0.0/16"),
                    setting(f"{PROFILE}.dnsServiceIP", "172.30.0.10")),
        "aks-other", 400, "InvalidParameter",
    ),
    "pods with addresses of the VNET": (
        "aks", setting(f"{PROFILE}.podCidr", "10.100.128.0/18"), "aks-other", 400,
        "NetworkProfileCIDROverlapVNET",
    ),
    "a service range of four addresses": (
        "aks", both(setting(f"{PROFILE}.serviceCidr", "10.0.0.0/30"),
                    without(f"{PROFILE}.dnsServiceIP")),
        "aks-other", 400, "InvalidParameter",
    ),
    "a tiny service range with an address for DNS": (
        "aks", both(setting(f"{PROFILE}.serviceCidr", "10.0.0.0/31"),
                    setting(f"{PROFILE}.dnsServiceIP", "10.0.0.1")),
        "aks-other", 400, "InvalidParameter",
    ),
    "nodes in a delegated subnet": ("aks", pool_in(3), "aks-other", 400, "SubnetIsDelegated"),
    "more nodes than addresses": (
        "aks", both(without(f"{PROFILE}.networkPluginMode"), without(f"{PROFILE}.podCidr"),
                    setting("properties.agentPoolProfiles.0.maxPods", 110)),
        "aks-other", 400, "InsufficientSubnetSize",
    ),
    "more cores than the quota": (
        "aks", setting(COUNT, 40), "aks-other", 400, "ErrCode_InsufficientVCPUQuota",
    ),
    "a Kubernetes that has retired": (
        "aks", setting("properties.kubernetesVersion", "1.20.9"), "aks-other", 400,
        "K8sVersionNotSupported",
    ),
    "a size that is not offered": (
        "aks", setting("properties.agentPoolProfiles.0.vmSize", "Standard_ND96"), "aks-other", 400,
        "VMSizeNotSupported",
    ),
    "nodes in a subnet that the identity may not join": (
        "aks", pool_in(1), "aks-other", 403, "LinkedAuthorizationFailed",
    ),
    "Databricks in subnets of another workspace": (
        "databricks", setting("properties.managedResourceGroupId", "/subscriptions/x/resourceGroups/rg-new"),
        "dbw-other", 409, "PrepareNetworkPoliciesRequestIsMissingNetworkIntentPolicies",
    ),
    "Databricks in subnets that are not delegated": (
        "databricks",
        both(setting("properties.managedResourceGroupId", "/subscriptions/x/resourceGroups/rg-new"),
             setting("properties.parameters.customPublicSubnetName.value", "snet-mlquick01-compute")),
        "dbw-other", 400, "SubnetMissingRequiredDelegation",
    ),
    "Databricks without a compute mode": (
        "databricks", without("properties.computeMode"), "dbw-other", 400, "InvalidComputeMode",
    ),
    "the standard tier of Databricks": (
        "databricks", setting("sku.name", "standard"), "dbw-other", 400, "SkuNotAvailable",
    ),
    "a managed group that exists": (
        "databricks", nothing, "dbw-other", 409, "ApplianceManagedResourceGroupConflict",
    ),
    "a workspace without its storage": (
        "workspace", without("properties.storageAccount"), "mlw-other", 400, "ValidationError",
    ),
    "another storage for a workspace": (
        "workspace", setting("properties.storageAccount", "/subscriptions/x/y"), "", 400,
        "ValidationError",
    ),
    "compute in a delegated subnet": (
        "build-compute",
        lambda body: body["properties"]["properties"]["subnet"].update(
            id=body["properties"]["properties"]["subnet"]["id"].replace("compute", "dbw-public")
        ),
        "cpu-other", 400, "UserError",
    ),
    "an endpoint on a compute that is not there": (
        "endpoint", setting("properties.compute", "/subscriptions/x/computes/none"), "mle-other", 400,
        "LinkedInvalidPropertyId",
    ),
    "a region that is none": (
        "storage", setting("location", "atlantis"), "stother01", 400,
        "LocationNotAvailableForResourceType",
    ),
    "moving a resource to another region": (
        "storage", setting("location", "eastus"), "", 409, "InvalidResourceLocation",
    ),
    "a name with a forbidden character": (
        "storage", nothing, "My-Storage", 400, "AccountNameInvalid",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ROWS)
def test_the_sandbox_refuses(platform: Platform, what: str) -> None:
    step, change, name, status, code = ROWS[what]
    before = platform.sandbox.state["resources"]
    error = platform.refused(step, change, name)
    assert (error.status, error.code) == (status, code), error
    assert error.why and error.fix
    assert platform.sandbox.state["resources"] == before, "a refusal changes nothing"


@pytest.mark.parametrize("step", ["vnet", "storage", "key-vault", "registry", "aks", "databricks"])
def test_the_same_documents_unchanged_are_taken(platform: Platform, step: str) -> None:
    platform.put(step, nothing)
