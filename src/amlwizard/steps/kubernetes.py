"""AKS, its identity and roles, and its attachment to the workspace."""

from __future__ import annotations

from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.json_path import value_at
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _
from amlwizard.plan import Removal, Resource, Step
from amlwizard.recipe import Recipe, Serving
from amlwizard.steps.arm_step import arm_step
from amlwizard.steps.az_options import options
from amlwizard.steps.extension import extension
from amlwizard.steps.platform import after_private_link
from amlwizard.steps.roles import NETWORK_CONTRIBUTOR, pulls_and_reads, role_step

POOL = "default"

# recipe value -> outboundType of AKS
OUTBOUND = {
    "load-balancer": "loadBalancer",
    "nat-gateway": "userAssignedNATGateway",
    "user-defined-routing": "userDefinedRouting",
}

POOL_OPTIONS = {
    "--nodepool-name": "name",
    "--node-count": "count",
    "--node-vm-size": "vmSize",
    "--max-pods": "maxPods",
    "--vnet-subnet-id": "vnetSubnetID",
}
PROFILE = "properties.networkProfile"
NETWORK_OPTIONS = {
    "--network-plugin": f"{PROFILE}.networkPlugin",
    "--service-cidr": f"{PROFILE}.serviceCidr",
    "--dns-service-ip": f"{PROFILE}.dnsServiceIP",
    "--load-balancer-sku": f"{PROFILE}.loadBalancerSku",
    "--outbound-type": f"{PROFILE}.outboundType",
}
CLUSTER_OPTIONS = {
    "--network-plugin-mode": f"{PROFILE}.networkPluginMode",
    "--pod-cidr": f"{PROFILE}.podCidr",
    "--kubernetes-version": "properties.kubernetesVersion",
    "--node-resource-group": "properties.nodeResourceGroup",
}
RANGES = "properties.apiServerAccessProfile.authorizedIPRanges"
PRIVATE = "properties.apiServerAccessProfile.enablePrivateCluster"


def kubernetes(recipe: Recipe) -> list[Step]:
    """The steps from the cluster's identity to the attached compute with its roles."""
    ids, n = Ids(recipe), recipe.names
    identity = ids.of("Microsoft.ManagedIdentity/userAssignedIdentities", n.aks_identity)
    subnet = ids.subnet("scoring")
    cluster = _cluster(recipe, ids, identity, subnet)
    return [
        arm_step(
            "aks-identity",
            _("AKS identity"),
            Resource(identity, api_versions.MANAGED_IDENTITY, ids.tracked()),
            after=("resource-group",),
            outputs={"principal": "properties.principalId"},
            az=(f"az identity create {ids.cli_new} -n {n.aks_identity}",),
        ),
        role_step(
            "aks-role",
            role=NETWORK_CONTRIBUTOR,
            principal="{aks-identity.principal}",
            scope=subnet,
            after=("aks-identity", "vnet"),
            to=n.aks_identity,
        ),
        arm_step(
            "aks",
            _("AKS cluster"),
            Resource(ids.aks, api_versions.AKS, cluster),
            after=("aks-role",),
            az=(
                _cluster_command(recipe, ids, cluster),
                f"az aks nodepool update -g {n.resource_group} --cluster-name {n.aks} "
                f"-n {POOL} --max-surge {recipe.serving.max_surge}",
            ),
            suited=_suited,
            removal=Removal(also_removes=_("its nodes and load balancers")),
        ),
        extension(recipe, ids),
        _attached(recipe, ids),
        *pulls_and_reads(
            recipe, "kubernetes-compute", n.kubernetes_compute, after=("kubernetes-compute",)
        ),
    ]


ATTACH_OPTIONS = {
    "--type": "properties.computeType",
    "--namespace": "properties.properties.namespace",
    "--identity-type": "identity.type",
    "--resource-id": "properties.resourceId",
}


def _attached(recipe: Recipe, ids: Ids) -> Step:
    n = recipe.names
    body: MutableDocument = {
        "location": recipe.sign_in.region,
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "computeType": "Kubernetes",
            "resourceId": ids.aks,
            "properties": {"namespace": "default"},
        },
    }
    return arm_step(
        "kubernetes-compute",
        _("AKS attached to the workspace"),
        Resource(
            f"{ids.workspace}/computes/{n.kubernetes_compute}", api_versions.MACHINE_LEARNING, body
        ),
        after=("aks-extension", "workspace", *after_private_link(recipe)),
        outputs={"principal": "identity.principalId"},
        az=(
            f"az ml compute attach -g {n.resource_group} -w {n.workspace} "
            f"-n {n.kubernetes_compute} {options(body, ATTACH_OPTIONS)}",
        ),
        removal=Removal(query={"underlyingResourceAction": "Detach"}),
    )


def _cluster(recipe: Recipe, ids: Ids, identity: str, subnet: str) -> MutableDocument:
    serving, a, security = recipe.serving, recipe.addresses, recipe.security
    profile: MutableDocument = {
        "networkPlugin": "azure",
        "serviceCidr": str(a.service_cidr),
        "dnsServiceIP": str(a.dns_service_ip),
        "loadBalancerSku": "standard",
        "outboundType": OUTBOUND[security.aks_outbound],
    }
    if serving.network == "overlay":
        profile["networkPluginMode"] = "overlay"
        profile["podCidr"] = str(a.pod_cidr)
    properties: MutableDocument = {
        "dnsPrefix": _dns_prefix(recipe.names.aks),
        "agentPoolProfiles": [_pool(serving, subnet)],
        "networkProfile": profile,
        # Immutable, and the default for a body without it is not documented.
        "enableRBAC": True,
    }
    if recipe.names.node_resource_group:
        properties["nodeResourceGroup"] = recipe.names.node_resource_group
    if serving.kubernetes_version:
        properties["kubernetesVersion"] = serving.kubernetes_version
    if security.private_aks:
        properties["apiServerAccessProfile"] = {
            "enablePrivateCluster": True,
            "enablePrivateClusterPublicFQDN": False,
        }
    elif security.aks_authorized_ranges:
        properties["apiServerAccessProfile"] = {
            "authorizedIPRanges": [str(r) for r in security.aks_authorized_ranges]
        }
    return ids.tracked(
        properties,
        identity={"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
        sku={"name": "Base", "tier": "Free"},
    )


def _pool(serving: Serving, subnet: str) -> MutableDocument:
    pool: MutableDocument = {
        "name": POOL,
        "mode": "System",
        "count": serving.nodes,
        "vmSize": serving.node_size,
        "osType": "Linux",
        "type": "VirtualMachineScaleSets",
        "maxPods": serving.max_pods,
        "vnetSubnetID": subnet,
        # If omitted, Azure surges by a tenth of the nodes.
        "upgradeSettings": {"maxSurge": serving.max_surge},
    }
    if serving.max_nodes is not None:
        pool |= {
            "enableAutoScaling": True, "minCount": serving.nodes, "maxCount": serving.max_nodes,
        }  # fmt: skip
    return pool


def _suited(wanted: MutableDocument, found: Document) -> MutableDocument:
    return _without_ranges(_as_scaled(wanted, found), found)


def _without_ranges(wanted: MutableDocument, found: Document) -> MutableDocument:
    """Clear the authorised ranges if the recipe no longer has any: if omitted, Azure keeps them."""
    access = "apiServerAccessProfile"
    ranges = value_at(found, f"properties.{access}.authorizedIPRanges")
    if not ranges or access in wanted["properties"]:
        return wanted
    return {**wanted, "properties": {**wanted["properties"], access: {"authorizedIPRanges": []}}}


def _as_scaled(wanted: MutableDocument, found: Document) -> MutableDocument:
    """Keep the node count that the autoscaler chose, if it is between minimum and maximum. Switch
    an autoscaler off that the recipe no longer has."""
    pool = wanted["properties"]["agentPoolProfiles"][0]
    pools = value_at(found, "properties.agentPoolProfiles") or ()
    there: Document = next((other for other in pools if other.get("name") == pool["name"]), {})
    if there.get("enableAutoScaling") and "maxCount" not in pool:
        pool = {**pool, "enableAutoScaling": False, "minCount": None, "maxCount": None}
    elif "maxCount" in pool and pool["minCount"] <= there.get("count", 0) <= pool["maxCount"]:
        pool = {**pool, "count": there["count"]}
    return {**wanted, "properties": {**wanted["properties"], "agentPoolProfiles": [pool]}}


def _cluster_command(recipe: Recipe, ids: Ids, body: Document) -> str:
    [pool] = value_at(body, "properties.agentPoolProfiles")
    [identity] = value_at(body, "identity.userAssignedIdentities")
    parts = [
        f"az aks create {ids.cli_new} -n {recipe.names.aks} --tier free",
        options(body, {"--dns-name-prefix": "properties.dnsPrefix"}),
        options(pool, POOL_OPTIONS),
        options(body, NETWORK_OPTIONS),
        f"--assign-identity {identity} --no-ssh-key",
        "--enable-cluster-autoscaler" if pool.get("enableAutoScaling") else "",
        options(pool, {"--min-count": "minCount", "--max-count": "maxCount"}),
        options(body, CLUSTER_OPTIONS),
        "--enable-private-cluster --disable-public-fqdn" if value_at(body, PRIVATE) else "",
        options(body, {"--api-server-authorized-ip-ranges": RANGES}),
    ]
    return " ".join(filter(None, parts))


def _dns_prefix(cluster: str) -> str:
    return cluster.replace("_", "-")[:54]
