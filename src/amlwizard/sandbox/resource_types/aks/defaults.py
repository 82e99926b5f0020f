"""Defaults that AKS adds to a cluster, its network profile and its node pools."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_types.base import Call, state_of
from amlwizard.sandbox.state import State

SKU = {"name": "Base", "tier": "Free"}
POOL = {
    "osDiskType": "Managed",
    "kubeletDiskType": "OS",
    "enableAutoScaling": False,
    "enableNodePublicIP": False,
    "scaleDownMode": "Delete",
    "osSKU": "Ubuntu",
    "nodeImageVersion": "AKSUbuntu-2204gen2containerd-202610.12.0",
    "upgradeSettings": {"maxSurge": "10%"},
    "enableFIPS": False,
    "securityProfile": {"enableVTPM": False, "enableSecureBoot": False},
}
NETWORK = {
    "networkPolicy": "none",
    "networkDataplane": "azure",
    "ipFamilies": ["IPv4"],
}
BALANCER = {"managedOutboundIPs": {"count": 1}, "backendPoolType": "NodeIPConfiguration"}
CLUSTER = {
    "supportPlan": "KubernetesOfficial",
    "servicePrincipalProfile": {"clientId": "msi"},
    "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage"},
    "securityProfile": {},
    "storageProfile": {
        "diskCSIDriver": {"enabled": True, "version": "v1"},
        "fileCSIDriver": {"enabled": True},
        "snapshotController": {"enabled": True},
    },
    "oidcIssuerProfile": {"enabled": False},
    "workloadAutoScalerProfile": {},
    "metricsProfile": {"costAnalysis": {"enabled": False}},
    "nodeProvisioningProfile": {"mode": "Manual"},
    "bootstrapProfile": {"artifactSource": "Direct"},
}


def fill(call: Call, pools: list[JsonObject]) -> None:
    p, kind = call.properties, call.body.setdefault("kind", "Base")
    call.body["type"] = "Microsoft.ContainerService/ManagedClusters"
    complete(call.body.setdefault("sku", {}), SKU)
    complete(p, CLUSTER)
    p.setdefault("resourceUID", uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower()).hex[:24])
    _network(call, p["networkProfile"])
    for pool in pools:
        _pool(pool, p)
    host = p.get("fqdn") or p["privateFQDN"]
    name, _, rest = host.partition(".")
    p["azurePortalFQDN"] = f"{name}.portal.{rest}"
    if p["networkProfile"]["networkPlugin"] == "azure" and kind == "Base":
        complete(p, {"windowsProfile": {"adminUsername": "azureuser", "enableCSIProxy": True}})
    if (p.get("apiServerAccessProfile") or {}).get("enablePrivateCluster"):
        access = {"privateDNSZone": "system", "enablePrivateClusterPublicFQDN": True}
        complete(p["apiServerAccessProfile"], access)
        p["privateLinkResources"] = [
            {
                "id": f"{call.id.text}/privateLinkResources/management",
                "name": "management",
                "type": "Microsoft.ContainerService/managedClusters/privateLinkResources",
                "groupId": "management",
                "requiredMembers": ["management"],
            }
        ]


def _network(call: Call, profile: JsonObject) -> None:
    complete(profile, NETWORK)
    profile["serviceCidrs"] = [profile["serviceCidr"]]
    if profile["networkPlugin"] == "kubenet":
        profile.setdefault("podCidr", "10.244.0.0/16")
    if profile.get("podCidr"):
        profile["podCidrs"] = [profile["podCidr"]]
    if profile["outboundType"] == "loadBalancer":
        complete(profile.setdefault("loadBalancerProfile", {}), BALANCER)


def _pool(pool: JsonObject, cluster: JsonObject) -> None:
    complete(pool, POOL)
    network = cluster["networkProfile"]
    crowded = 250 if network.get("networkPluginMode") == "overlay" else 30
    pool.setdefault("maxPods", 110 if network["networkPlugin"] == "kubenet" else crowded)
    pool["osDiskSizeGB"] = pool.get("osDiskSizeGB") or 128
    pool.setdefault("orchestratorVersion", cluster["kubernetesVersion"])
    pool["currentOrchestratorVersion"] = pool["orchestratorVersion"]
    pool["eTag"] = str(uuid.uuid4())


def shown(state: State, cluster: JsonObject) -> JsonObject:
    """Adds the kubelet identity and the outbound addresses, once they exist."""
    p: JsonObject = cluster["properties"]
    if state_of(cluster) == "Creating" or "networkProfile" not in p:
        return cluster
    rid = cluster["id"].lower()
    group = f"{cluster['id'].partition('/resource')[0]}/resourceGroups/{p['nodeResourceGroup']}"
    own = {key: str(uuid.uuid5(uuid.NAMESPACE_URL, f"{rid}/{key}")) for key in ("client", "object")}
    shown = {
        **p,
        "identityProfile": {
            "kubeletidentity": {
                "resourceId": f"{group}/providers/Microsoft.ManagedIdentity/"
                f"userAssignedIdentities/{cluster['name']}-agentpool",
                "clientId": own["client"],
                "objectId": own["object"],
            }
        },
    }
    balancer = p["networkProfile"].get("loadBalancerProfile")
    if balancer:
        address = uuid.uuid5(uuid.NAMESPACE_URL, f"{rid}/outbound")
        outbound = [{"id": f"{group}/providers/Microsoft.Network/publicIPAddresses/{address}"}]
        balancer = {**balancer, "effectiveOutboundIPs": outbound}
        shown["networkProfile"] = {**p["networkProfile"], "loadBalancerProfile": balancer}
    return {**cluster, "properties": shown}
