"""AKS and the Azure Machine Learning extension on it."""

from __future__ import annotations

import uuid
from ipaddress import IPv4Address, IPv4Network

from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds import aks_nodes
from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind
from amlwizard.sandbox.kinds.network import find_subnet, prefix, usage
from amlwizard.sandbox.kinds.role_assignments import has_role
from amlwizard.sandbox.kinds.sizes import SIZES, cores_used, family, vcpus
from amlwizard.sandbox.world import World

RESERVED = [
    IPv4Network(text)
    for text in ("169.254.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24")
]
VERSIONS = ("1.34", "1.35", "1.36", "1.37")
DEFAULT_VERSION = "1.36"


def _cluster(call: Call) -> None:
    p = call.properties
    pools = p.get("agentPoolProfiles") or []
    if not pools and call.old:
        pools = p["agentPoolProfiles"] = call.old["properties"]["agentPoolProfiles"]
    if not pools:
        raise ArmError(
            400, "InvalidParameter", "Required parameter agentPoolProfiles is missing (null)."
        )
    if not call.body.get("identity") and not p.get("servicePrincipalProfile"):
        raise ArmError(
            400,
            "InvalidParameter",
            "Required parameter servicePrincipalProfile or identity is missing (null).",
            "identity",
        )
    wanted = p.get("kubernetesVersion") or (call.old or {}).get("properties", {}).get(
        "kubernetesVersion", DEFAULT_VERSION
    )
    if not any(wanted == v or wanted.startswith(f"{v}.") for v in VERSIONS):
        raise ArmError(
            400,
            "K8sVersionNotSupported",
            f"Managed cluster {call.id.name} is on version {wanted}, which is not supported in "
            "this region. Please use [az aks get-versions] command to get the supported version "
            "list in this region.",
        )
    p["kubernetesVersion"] = p["currentKubernetesVersion"] = wanted
    _network_profile(call, pools)
    _quota(call, pools)
    _identity(call, pools)
    for pool in pools:
        pool.setdefault("osType", "Linux")
        pool.setdefault("type", "VirtualMachineScaleSets")
        pool["provisioningState"] = "Succeeded"
        pool["powerState"] = {"code": "Running"}
    dns = p.setdefault("dnsPrefix", call.id.name)
    host = f"{dns}-{uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower()).hex[:8]}"
    access, region = p.get("apiServerAccessProfile") or {}, call.body["location"]
    private = access.get("enablePrivateCluster")
    if private:
        zone = f"{uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower())}.privatelink.{region}"
        p["privateFQDN"] = f"{host}.{zone}.azmk8s.io"
    if not private or access.get("enablePrivateClusterPublicFQDN", True):
        p["fqdn"] = f"{host}.hcp.{region}.azmk8s.io"
    p["powerState"] = {"code": "Running"}
    p.setdefault("nodeResourceGroup", f"MC_{call.id.group}_{call.id.name}_{call.body['location']}")
    p["maxAgentPools"] = 100
    aks_nodes.make(call.world, call.body)
    p.setdefault("enableRBAC", True)


def _network_profile(call: Call, pools: list[Body]) -> None:
    profile = call.properties.setdefault("networkProfile", {})
    profile.setdefault("networkPlugin", "azure")
    profile.setdefault("loadBalancerSku", "standard")
    profile.setdefault("outboundType", "loadBalancer")
    service = prefix(profile.setdefault("serviceCidr", "10.0.0.0/16"), "networkProfile.serviceCIDR")
    dns = IPv4Address(profile.setdefault("dnsServiceIP", str(service[10])))
    target = "networkProfile.serviceCIDR"
    if service.prefixlen < 13:
        raise ArmError(
            400,
            "InvalidParameter",
            f"The specified service CIDR {service} is too large: it must be smaller than /12.",
            target,
        )
    overlay = profile.get("networkPluginMode") == "overlay"
    ranges = [(service, target)]
    if overlay:
        pods = prefix(profile.setdefault("podCidr", "10.244.0.0/16"), "networkProfile.podCIDR")
        ranges.append((pods, "networkProfile.podCIDR"))
        if pods.overlaps(service):
            raise ArmError(
                400,
                "PodCidrOverlapServiceCidr",
                f"The specified pod CIDR {pods} is conflicted with the service CIDR {service}",
                "networkProfile.podCIDR",
            )
    for network, where in ranges:
        for bad in RESERVED:
            if network.overlaps(bad):
                raise ArmError(
                    400,
                    "InvalidParameter",
                    f"The range {network} overlaps with {bad}, which AKS reserves.",
                    where,
                )
    if dns not in service:
        raise ArmError(
            400,
            "DnsServiceIpOutOfServiceCidr",
            f"The DNS service IP {dns} is out of the range defined by service CIDR {service}.",
            "networkProfile.dnsServiceIP",
        )
    if dns in (service[0], service[1]):
        raise ArmError(
            400,
            "InvalidParameter",
            f"The DNS service IP {dns} must not be the first or second address of {service}.",
            "networkProfile.dnsServiceIP",
        )
    for pool in pools:
        subnet_id = pool.get("vnetSubnetID")
        if not subnet_id:
            continue
        _node_subnet(call, pool, subnet_id, ranges, overlay)


def _node_subnet(
    call: Call,
    pool: Body,
    subnet_id: str,
    ranges: list[tuple[IPv4Network, str]],
    overlay: bool,
) -> None:
    subnet = find_subnet(call.world, subnet_id)
    if subnet is None:
        raise ArmError(
            400, "InvalidParameter", f"The subnet {subnet_id} was not found.", "vnetSubnetID"
        )
    if subnet["properties"]["delegations"]:
        raise ArmError(
            400,
            "SubnetIsDelegated",
            f"AgentPoolProfile subnet with id {subnet_id} cannot be used as it's a delegated "
            "subnet. Please check https://aka.ms/adv-network-prerequest for more details.",
        )
    others = [u for u in usage(call.world, subnet_id) if "databricks" in u.lower()]
    if others:
        raise ArmError(
            400,
            "SubnetWithExternalResourcesCannotBeUsedByOtherResources",
            f"Subnet {subnet_id} referenced by {call.id.text} cannot be used because it contains "
            f"external resources. The external resources in this subnet are {others[0]}. You need "
            "to delete these external resources before deploying into this subnet.",
        )
    vnet = call.world.get(subnet_id.rsplit("/", 2)[0])
    assert vnet
    for neighbour in vnet["properties"]["subnets"]:
        existing = IPv4Network(neighbour["properties"]["addressPrefix"])
        for network, where in ranges:
            if network.overlaps(existing):
                pods = where.endswith("podCIDR")
                raise ArmError(
                    400,
                    "PodCidrOverlapExistingSubnetsCidr"
                    if pods
                    else "ServiceCidrOverlapExistingSubnetsCidr",
                    f"The specified {'pod' if pods else 'service'} CIDR {network} is conflicted "
                    f"with an existing subnet CIDR {existing}",
                    where,
                )
    network = IPv4Network(subnet["properties"]["addressPrefix"])
    nodes = pool.get("count", 1) + 1
    need = nodes if overlay else nodes * (1 + pool.get("maxPods", 30))
    if need > network.num_addresses - 5:
        raise ArmError(
            400,
            "InsufficientSubnetSize",
            f"Pre-allocated IPs {need} exceeds IPs available {network.num_addresses - 5} in "
            f"{subnet['name']}: {subnet['name']} with address prefix {network} doesn't have "
            "enough capacity for IP addresses.",
        )


def _quota(call: Call, pools: list[Body]) -> None:
    need = sum(vcpus(call.world, pool["vmSize"]) * pool.get("count", 1) for pool in pools)
    old = (call.old or {}).get("properties", {}).get("agentPoolProfiles", [])
    had = sum(SIZES.get(pool["vmSize"], 0) * pool.get("count", 1) for pool in old)
    limit = call.world.data["limits"].get("cores", 100)
    left = limit - cores_used(call.world) + had
    if need > left:
        raise ArmError(
            400,
            "ErrCode_InsufficientVCPUQuota",
            f"Insufficient regional vcpu quota left for location {call.body['location']}. left "
            f"regional vcpu quota {left}, requested quota {need}",
        )
    for name in {family(pool["vmSize"]) for pool in pools}:
        limit = call.world.data["limits"].get("family_cores", 100)
        left = limit - cores_used(call.world, name) + _cores(old, name)
        if _cores(pools, name) > left:
            raise ArmError(
                400,
                "ErrCode_InsufficientVCPUQuota",
                f"Insufficient vcpu quota requested {_cores(pools, name)}, remaining {left} for "
                f"family {name} for region {call.body['location']}.",
            )


def _cores(pools: list[Body], of: str) -> int:
    return sum(SIZES[p["vmSize"]] * p.get("count", 1) for p in pools if family(p["vmSize"]) == of)


def _identity(call: Call, pools: list[Body]) -> None:
    identity = call.body.get("identity") or {}
    if identity.get("type") == "SystemAssigned":
        identity["principalId"] = str(uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower()))
        identity["tenantId"] = call.world.tenant
    for resource_id in identity.get("userAssignedIdentities") or {}:
        found = call.must_exist(resource_id, "identity.userAssignedIdentities")
        principal = found["properties"]["principalId"]
        identity["userAssignedIdentities"][resource_id] = {
            "principalId": principal,
            "clientId": found["properties"]["clientId"],
        }
        for pool in pools:
            subnet = pool.get("vnetSubnetID")
            if subnet and not has_role(
                call.world, principal, subnet, "Network Contributor", "Contributor", "Owner"
            ):
                raise ArmError(
                    403,
                    "LinkedAuthorizationFailed",
                    f"The client '{found['properties']['clientId']}' with object id '{principal}' "
                    "has permission to perform action "
                    f"'Microsoft.ContainerService/managedClusters/write' on scope "
                    f"'{call.id.text}'; however, it does not have permission to perform action "
                    f"'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked "
                    f"scope(s) '{subnet}' or the linked scope(s) are invalid.",
                )


def _delete_cluster(world: World, rid: ResourceId, body: Body) -> None:
    for resource in list(world.resources):
        if resource.startswith(f"{rid.text.lower()}/providers/"):
            del world.resources[resource]


def _extension(call: Call) -> None:
    cluster = call.world.get(call.id.scope)
    if cluster is None:
        raise ArmError(404, "ResourceNotFound", f"{call.id.scope} does not exist.")
    p = call.properties
    call.require("properties.extensionType")
    if cluster["properties"]["provisioningState"] != "Succeeded":
        raise ArmError(
            409, "ClusterNotReady", f"The cluster {cluster['name']} is not in state Succeeded."
        )
    settings = {k.lower(): v for k, v in (p.get("configurationSettings") or {}).items()}
    # Taken, and never answered.
    protected = {k.lower() for k in p.pop("configurationProtectedSettings", None) or {}}
    on = {k for k, v in settings.items() if str(v).lower() == "true"}
    if p["extensionType"].lower() == "microsoft.azureml.kubernetes" and "enableinference" in on:
        if "inferencerouterservicetype" not in settings:
            call.fails = {
                "code": "ExtensionCreationFailed",
                "message": "inferenceRouterServiceType must be set when enableInference is True.",
            }
        has_tls = "sslcertpemfile" in protected or "sslsecret" in settings
        if "allowinsecureconnections" not in on and not (has_tls and "sslcname" in settings):
            call.fails = {
                "code": "ExtensionCreationFailed",
                "message": "Error: [E40007] INVALID_SSL_SETTING: the SSL key or certificate, or "
                "sslCname, is not valid.",
            }
        nodes = sum(pool.get("count", 1) for pool in cluster["properties"]["agentPoolProfiles"])
        if settings.get("inferencerouterha", "True").lower() == "true" and nodes < 3:
            call.fails = {
                "code": "ExtensionCreationFailed",
                "message": "Error: [E40002] INSUFFICIENT_NODE: inferenceRouterHA needs at least "
                f"3 nodes, the cluster has {nodes}.",
            }
    inward = settings.get("internalloadbalancerprovider", "").lower() == "azure"
    if call.fails is None and "enableinference" in on and not inward:
        aks_nodes.expose(call.world, cluster, "azureml/azureml-fe")
    call.body["identity"] = {
        "type": "SystemAssigned",
        "principalId": str(uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower())),
        "tenantId": call.world.tenant,
    }
    p.setdefault("autoUpgradeMinorVersion", True)
    p.setdefault("releaseTrain", "stable")
    p["version"] = p.get("version") or "1.2.51"
    p["statuses"] = []


def inference_settings(world: World, cluster_id: str) -> Body | None:
    """Settings (lower-case keys) of a working extension with inference, None where there is none."""
    for extension in world.of_type("microsoft.kubernetesconfiguration/extensions", cluster_id):
        p = extension["properties"]
        settings = {k.lower(): str(v) for k, v in (p.get("configurationSettings") or {}).items()}
        if (
            p["extensionType"].lower() == "microsoft.azureml.kubernetes"
            and p["provisioningState"] == "Succeeded"
            and settings.get("enableinference", "").lower() == "true"
        ):
            return settings
    return None


KINDS = [
    Kind(
        "Microsoft.ContainerService/managedClusters",
        _cluster,
        285,
        name=r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?",
        delete=_delete_cluster,
        delete_seconds=180,
    ),
    Kind("Microsoft.KubernetesConfiguration/extensions", _extension, 360, location=""),
]
