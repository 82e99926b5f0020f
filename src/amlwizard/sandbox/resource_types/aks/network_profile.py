"""The network profile of an AKS cluster, and the subnets of its nodes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.aks.egress import default_route
from amlwizard.sandbox.resource_types.base import Call
from amlwizard.sandbox.resource_types.network import find_subnet, prefix, usage

RESERVED = [
    IPv4Network(text)
    for text in ("169.254.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24")
]


# The Kubernetes API server needs at least 8 service addresses.
LONGEST_SERVICES = 29
PODS = "networkProfile.podCIDR"


def complete(call: Call, pools: list[JsonObject]) -> None:
    profile = call.properties.setdefault("networkProfile", {})
    profile.setdefault("networkPlugin", "azure")
    profile.setdefault("loadBalancerSku", "standard")
    profile.setdefault("outboundType", "loadBalancer")
    service = prefix(profile.setdefault("serviceCidr", "10.0.0.0/16"), "networkProfile.serviceCIDR")
    target = "networkProfile.serviceCIDR"
    if not 13 <= service.prefixlen <= LONGEST_SERVICES:
        wrong = "large: it must be smaller than /12" if service.prefixlen < 13 else "small"
        raise ArmError(
            400, "InvalidParameter", f"The specified service CIDR {service} is too {wrong}.", target
        )
    usual = service[min(10, service.num_addresses - 2)]
    dns = _address(profile.setdefault("dnsServiceIP", str(usual)))
    overlay = profile.get("networkPluginMode") == "overlay"
    ranges = [(service, target)]
    if overlay:
        pods = prefix(profile.setdefault("podCidr", "10.244.0.0/16"), PODS)
        ranges.append((pods, PODS))
        if pods.overlaps(service):
            raise ArmError(
                400,
                "PodCidrOverlapServiceCidr",
                f"The specified pod CIDR {pods} is conflicted with the service CIDR {service}",
                PODS,
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


def _address(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise ArmError(
            400,
            "InvalidParameter",
            f"The DNS service IP {text} is not an IPv4 address.",
            "networkProfile.dnsServiceIP",
        ) from None


def _clear_of_vnet(vnet: JsonObject, ranges: list[tuple[IPv4Network, str]]) -> None:
    """The pod range must not overlap the address space of the VNET; the service range may."""
    for network, where in ranges:
        for space in vnet["properties"]["addressSpace"]["addressPrefixes"]:
            if where == PODS and network.overlaps(IPv4Network(space)):
                raise ArmError(
                    400,
                    "NetworkProfileCIDROverlapVNET",
                    f"NetworkProfile CIDR {network} overlaps with reserved VNET CIDR {space}",
                    where,
                )


def _node_subnet(
    call: Call,
    pool: JsonObject,
    subnet_id: str,
    ranges: list[tuple[IPv4Network, str]],
    overlay: bool,
) -> None:
    subnet = find_subnet(call.state, subnet_id)
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
    others = [u for u in usage(call.state, subnet_id) if "databricks" in u.lower()]
    if others:
        raise ArmError(
            400,
            "SubnetWithExternalResourcesCannotBeUsedByOtherResources",
            f"Subnet {subnet_id} referenced by {call.id.text} cannot be used because it contains "
            f"external resources. The external resources in this subnet are {others[0]}. You need "
            "to delete these external resources before deploying into this subnet.",
        )
    _way_out(call, subnet)
    vnet = call.state.get(subnet_id.rsplit("/", 2)[0])
    assert vnet
    for neighbour in vnet["properties"]["subnets"]:
        existing = IPv4Network(neighbour["properties"]["addressPrefix"])
        for network, where in ranges:
            if network.overlaps(existing):
                pods = where == PODS
                raise ArmError(
                    400,
                    "PodCidrOverlapExistingSubnetsCidr"
                    if pods
                    else "ServiceCidrOverlapExistingSubnetsCidr",
                    f"The specified {'pod' if pods else 'service'} CIDR {network} is conflicted "
                    f"with an existing subnet CIDR {existing}",
                    where,
                )
    _clear_of_vnet(vnet, ranges)
    network = IPv4Network(subnet["properties"]["addressPrefix"])
    nodes = pool.get("count", 1) + (_surge(pool) if _upgraded(call) else 0)
    need = nodes if overlay else nodes * (1 + pool.get("maxPods", 30))
    if need > network.num_addresses - 5:
        raise ArmError(
            400,
            "InsufficientSubnetSize",
            f"Pre-allocated IPs {need} exceeds IPs available {network.num_addresses - 5} in "
            f"{subnet['name']}: {subnet['name']} with address prefix {network} doesn't have "
            "enough capacity for IP addresses.",
        )


def _upgraded(call: Call) -> bool:
    """Whether the nodes are replaced, which needs addresses for surge nodes; a creation does not."""
    old = (call.old or {}).get("properties", {})
    wanted = call.properties.get("kubernetesVersion")
    return bool(old and wanted and wanted != old.get("kubernetesVersion"))


def _surge(pool: JsonObject) -> int:
    """The number of surge nodes; 10 % by default."""
    given = str((pool.get("upgradeSettings") or {}).get("maxSurge") or "10%")
    count = int(pool.get("count", 1))
    number, percent = given.removesuffix("%"), given.endswith("%")
    if not number.isdecimal():
        raise ArmError(
            400,
            "InvalidParameter",
            f"The value {given} of maxSurge is neither a number nor a percentage.",
            "agentPoolProfile.upgradeSettings.maxSurge",
        )
    return -(-count * int(number) // 100) if percent else int(number)


def _way_out(call: Call, subnet: JsonObject) -> None:
    """Outbound connectivity must exist before the nodes, unless it is the load balancer."""
    way, p = call.properties["networkProfile"]["outboundType"], subnet["properties"]
    if way == "userAssignedNATGateway" and not p.get("natGateway"):
        raise ArmError(
            400,
            "UserAssignedNATGatewayNotAssociatedWithSubnet",
            f"No NAT gateway is associated with subnet {subnet['id']}, which outboundType {way} "
            "needs. Please see https://aka.ms/aks/natgateway.",
            "networkProfile.outboundType",
        )
    if way != "userDefinedRouting":
        return
    table = call.state.get((p.get("routeTable") or {}).get("id", ""))
    if table is None:
        raise ArmError(
            400,
            "ExistingRouteTableNotAssociatedWithSubnet",
            f"An existing route table has not been associated with subnet {subnet['id']}. Please "
            "update the route table association",
            "networkProfile.outboundType",
        )
    if not default_route(call.state, subnet):
        raise ArmError(
            400,
            "DefaultRouteNotFoundInRouteTable",
            f"Route table {table['id']} has no route for 0.0.0.0/0, which outboundType {way} needs.",
            "networkProfile.outboundType",
        )
