"""The Databricks workspace, the Machine Learning workspace, and AKS attached to it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from amlwizard.errors import StepFailed
from amlwizard.plan import Context, Resource, Step
from amlwizard.steps.arm_step import arm_step
from amlwizard.steps.naming import Ids
from amlwizard.steps.private_link import WORKSPACE, ready_for

ML_API = "2025-09-01"
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
ROUTER_REPLICAS = 3


def databricks(recipe: Any) -> list[Step]:
    ids, n, security = Ids(recipe), recipe.names, recipe.security
    parameters = {
        "customVirtualNetworkId": {"value": ids.vnet},
        "customPublicSubnetName": {"value": n.databricks_public_subnet},
        "customPrivateSubnetName": {"value": n.databricks_private_subnet},
        "enableNoPublicIp": {"value": security.databricks_no_public_ip},
        "prepareEncryption": {"value": security.databricks_encryption},
    }
    properties = {
        "computeMode": "Hybrid",
        "managedResourceGroupId": "/subscriptions/{sign-in.subscription}/resourceGroups/"
        + n.databricks_managed_group,
        "parameters": parameters,
        "publicNetworkAccess": "Enabled",
        "requiredNsgRules": "AllRules",
    }
    return [
        arm_step(
            "databricks",
            "Databricks workspace",
            Resource(
                ids.of("Microsoft.Databricks/workspaces", n.databricks),
                "2026-01-01",
                ids.tracked(properties, sku={"name": "premium"}),
            ),
            after=("vnet",),
            outputs={"url": "properties.workspaceUrl"},
            az=(
                f"az databricks workspace create -g {n.resource_group} -n {n.databricks} "
                f"-l {recipe.sign_in.region} --sku premium --vnet {n.vnet} "
                f"--public-subnet {n.databricks_public_subnet} "
                f"--private-subnet {n.databricks_private_subnet} --prepare-encryption "
                f"--enable-no-public-ip {str(security.databricks_no_public_ip).lower()} "
                f"--managed-resource-group {n.databricks_managed_group}",
            ),
        )
    ]


def workspace(recipe: Any) -> list[Step]:
    ids, n = Ids(recipe), recipe.names
    properties = {
        "friendlyName": n.workspace,
        "storageAccount": "{storage.id}",
        "keyVault": "{key-vault.id}",
        "applicationInsights": "{application-insights.id}",
        "containerRegistry": "{registry.id}",
        "publicNetworkAccess": "Disabled",
        "imageBuildCompute": n.build_compute,
        "v1LegacyMode": False,
    }
    compute = {
        "computeType": "AmlCompute",
        "properties": {
            "vmSize": recipe.serving.build_node_size,
            "vmPriority": "Dedicated",
            "scaleSettings": {
                "minNodeCount": 0,
                "maxNodeCount": 1,
                "nodeIdleTimeBeforeScaleDown": "PT15M",
            },
            "subnet": {"id": ids.subnet("compute")},
            "enableNodePublicIp": False,
        },
    }
    return [
        arm_step(
            "workspace",
            "Machine Learning workspace",
            Resource(
                ids.workspace,
                ML_API,
                ids.tracked(properties, identity={"type": "SystemAssigned"}),
            ),
            after=("storage", "key-vault", "registry", "application-insights"),
            az=(
                f"az ml workspace create -g {n.resource_group} -n {n.workspace} "
                "--public-network-access Disabled "
                f"--image-build-compute {n.build_compute}",
            ),
        ),
        arm_step(
            "build-compute",
            "Image-build compute",
            Resource(
                f"{ids.workspace}/computes/{n.build_compute}",
                ML_API,
                {"location": recipe.sign_in.region, "properties": compute},
            ),
            after=("private-endpoint.workspace", "vnet"),
            az=(
                f"az ml compute create -g {n.resource_group} -w {n.workspace} "
                f"-n {n.build_compute} --type AmlCompute --size {recipe.serving.build_node_size} "
                f"--min-instances 0 --max-instances 1 --subnet {n.compute_subnet} "
                f"--vnet-name {n.vnet} --enable-node-public-ip false",
            ),
        ),
    ]


def kubernetes(recipe: Any) -> list[Step]:
    ids, n, region = Ids(recipe), recipe.names, recipe.sign_in.region
    identity = ids.of("Microsoft.ManagedIdentity/userAssignedIdentities", n.aks_identity)
    subnet = ids.subnet("scoring")
    role = str(uuid5(NAMESPACE_URL, f"{n.resource_group}/{n.aks_identity}/{n.scoring_subnet}"))
    role_definition = (
        "/subscriptions/{sign-in.subscription}/providers/Microsoft.Authorization/roleDefinitions/"
        + NETWORK_CONTRIBUTOR
    )
    return [
        arm_step(
            "aks-identity",
            "Identity of AKS",
            Resource(identity, "2024-11-30", ids.tracked()),
            after=("resource-group",),
            outputs={"principal": "properties.principalId"},
            az=(f"az identity create -g {n.resource_group} -n {n.aks_identity}",),
        ),
        arm_step(
            "aks-role",
            "Network Contributor for AKS",
            Resource(
                f"{subnet}/providers/Microsoft.Authorization/roleAssignments/{role}",
                "2022-04-01",
                {
                    "properties": {
                        "roleDefinitionId": role_definition,
                        "principalId": "{aks-identity.principal}",
                        "principalType": "ServicePrincipal",
                    }
                },
            ),
            after=("aks-identity", "vnet"),
            az=(
                "az role assignment create --role 'Network Contributor' "
                f"--assignee-object-id <{n.aks_identity}> "
                f"--assignee-principal-type ServicePrincipal --scope <{n.scoring_subnet}>",
            ),
        ),
        arm_step(
            "aks",
            "AKS cluster",
            Resource(ids.aks, "2025-07-01", _cluster(recipe, ids, identity, subnet)),
            after=("aks-role",),
            az=(_cluster_command(recipe),),
        ),
        arm_step(
            "aks-extension",
            "Machine Learning extension on AKS",
            Resource(
                f"{ids.aks}/providers/Microsoft.KubernetesConfiguration/extensions/azureml",
                "2024-11-01",
                {
                    "properties": {
                        "extensionType": "Microsoft.AzureML.Kubernetes",
                        "autoUpgradeMinorVersion": True,
                        "releaseTrain": "stable",
                        "scope": {"cluster": {"releaseNamespace": "azureml"}},
                        "configurationSettings": _settings(recipe),
                    }
                },
            ),
            after=("aks",),
            complete=_certificate,
            az=(
                f"az k8s-extension create -g {n.resource_group} -c {n.aks} -n azureml "
                "--cluster-type managedClusters --scope cluster "
                "--extension-type Microsoft.AzureML.Kubernetes --config "
                + " ".join(f"{k}={v}" for k, v in _settings(recipe).items()),
            ),
        ),
        arm_step(
            "kubernetes-compute",
            "AKS attached to the workspace",
            Resource(
                f"{ids.workspace}/computes/{n.kubernetes_compute}",
                ML_API,
                {
                    "location": region,
                    "identity": {"type": "SystemAssigned"},
                    "properties": {
                        "computeType": "Kubernetes",
                        "resourceId": ids.aks,
                        "properties": {"namespace": "default"},
                    },
                },
            ),
            after=("aks-extension", "workspace"),
            az=(
                f"az ml compute attach -g {n.resource_group} -w {n.workspace} "
                f"-n {n.kubernetes_compute} --type Kubernetes --namespace default "
                f"--identity-type SystemAssigned --resource-id {ids.aks}",
            ),
        ),
    ]


def _cluster(recipe: Any, ids: Ids, identity: str, subnet: str) -> dict[str, Any]:
    serving, a, security = recipe.serving, recipe.addresses, recipe.security
    profile: dict[str, Any] = {
        "networkPlugin": "azure",
        "serviceCidr": str(a.service_cidr),
        "dnsServiceIP": str(a.dns_service_ip),
        "loadBalancerSku": "standard",
        "outboundType": "loadBalancer",
    }
    if serving.network == "overlay":
        profile["networkPluginMode"] = "overlay"
        profile["podCidr"] = str(a.pod_cidr)
    properties: dict[str, Any] = {
        "dnsPrefix": recipe.names.aks.replace("_", "-")[:54],
        "agentPoolProfiles": [
            {
                "name": "default",
                "mode": "System",
                "count": serving.nodes,
                "vmSize": serving.node_size,
                "osType": "Linux",
                "type": "VirtualMachineScaleSets",
                "maxPods": serving.max_pods,
                "vnetSubnetID": subnet,
            }
        ],
        "networkProfile": profile,
    }
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


def _cluster_command(recipe: Any) -> str:
    n, a, serving = recipe.names, recipe.addresses, recipe.serving
    mode = f"--network-plugin-mode overlay --pod-cidr {a.pod_cidr} "
    private = (
        "--enable-private-cluster --disable-public-fqdn " if recipe.security.private_aks else ""
    )
    return (
        f"az aks create -g {n.resource_group} -n {n.aks} --node-count {serving.nodes} "
        f"--node-vm-size {serving.node_size} --network-plugin azure "
        f"{mode if serving.network == 'overlay' else ''}{private}"
        f"--vnet-subnet-id <{n.scoring_subnet}> --service-cidr {a.service_cidr} "
        f"--dns-service-ip {a.dns_service_ip} --assign-identity <{n.aks_identity}>"
    )


def _settings(recipe: Any) -> dict[str, str]:
    serving = recipe.serving
    settings = {
        "enableTraining": "False",
        "enableInference": "True",
        "inferenceRouterServiceType": "LoadBalancer",
        "inferenceRouterHA": str(serving.nodes >= ROUTER_REPLICAS),
        "allowInsecureConnections": str(serving.tls_certificate is None),
    }
    if serving.tls_name:
        settings["sslCname"] = serving.tls_name
    if serving.load_balancer == "internal":
        settings["internalLoadBalancerProvider"] = "azure"
    return settings


def _certificate(ctx: Context, body: dict[str, Any]) -> dict[str, Any]:
    """The extension's body with certificate and key: read when sent, shown nowhere."""
    serving = ctx.recipe.serving
    if not serving.tls_certificate:
        return body
    protected = {}
    for name, path in (
        ("sslCertPemFile", serving.tls_certificate),
        ("sslKeyPemFile", serving.tls_key),
    ):
        try:
            protected[name] = base64.b64encode(Path(path or "").expanduser().read_bytes()).decode()
        except OSError as error:
            raise StepFailed(
                f"The TLS file {path} cannot be read.",
                why=error.strerror or "",
                fix="Correct serving.tls_certificate and serving.tls_key.",
            ) from None
    properties = {**body["properties"], "configurationProtectedSettings": protected}
    return {**body, "properties": properties}


def after_private_link() -> tuple[str, ...]:
    """The steps after which the VNET reaches the workspace."""
    return ready_for(WORKSPACE)
