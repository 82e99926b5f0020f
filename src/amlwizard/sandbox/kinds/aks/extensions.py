"""Microsoft.KubernetesConfiguration/extensions: Azure Machine Learning on a cluster."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.kinds.aks import node_resource_group
from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind
from amlwizard.sandbox.world import World


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
        node_resource_group.expose(call.world, cluster, "azureml/azureml-fe")
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
    Kind("Microsoft.KubernetesConfiguration/extensions", _extension, 360, location=""),
]
