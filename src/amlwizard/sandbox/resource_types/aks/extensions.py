"""Microsoft.KubernetesConfiguration/extensions: Azure Machine Learning on a cluster.

The Helm chart reads the settings that Microsoft's CLI and ARM template send, not the options of the
CLI, which translates them.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from dataclasses import dataclass, replace

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.aks import load_balancers, node_resource_group
from amlwizard.sandbox.resource_types.aks.shapes import Extension
from amlwizard.sandbox.resource_types.base import Call, ResourceType, state_of
from amlwizard.sandbox.resource_types.responses import CREATED, DELETED, UPDATED
from amlwizard.sandbox.resource_types.vm_sizes import MACHINES
from amlwizard.sandbox.state import State

AML = "microsoft.azureml.kubernetes"
FRONTEND = "azureml/azureml-fe"
ROUTER_REPLICAS = 3
# Settings that both the CLI and the template add by themselves: the id of the cluster, settings that
# must be present, and features that must be off (relay and service bus need connection strings).
NAMES_OF_THE_CLUSTER = (
    "cluster_name", "clusterid", "prometheus.prometheusspec.externallabels.cluster_name",
)  # fmt: skip
TRANSLATED = ("cluster_name_friendly", "domain", "jobschedulerlocation", "nginxingress.enabled")
TURNED_OFF = ("servicebus.enabled", "relayserver.enabled")
DEFAULTS = {
    "aksAssignedIdentity": {"type": "SystemAssigned"},
    "autoUpgradeMinorVersion": True,
    "configurationSettings": {},
    "isSystemExtension": False,
    "releaseTrain": "stable",
    "scope": {"cluster": {"releaseNamespace": "azureml"}},
    "statuses": [],
}


@dataclass(frozen=True)
class ExtensionFrontend:
    """How the scoring endpoints of a cluster are reached; `name` is the name in its certificate."""

    internal: bool
    tls: bool
    name: str


def _extension(call: Call) -> None:
    cluster = call.state.get(call.id.scope)
    if cluster is None:
        raise ArmError(404, "ResourceNotFound", f"{call.id.scope} does not exist.")
    p = call.properties
    call.require("properties.extensionType")
    if state_of(cluster) != "Succeeded":
        raise ArmError(
            409, "ClusterNotReady", f"The cluster {cluster['name']} is not in state Succeeded."
        )
    settings = _lower(p.get("configurationSettings"))
    protected = _lower(p.pop("configurationProtectedSettings", None))  # accepted, never returned
    sealed = call.state.seal(json.dumps(protected))
    call.state.data.protected[call.id.text.lower()] = sealed
    if p["extensionType"].lower() == AML and _true(settings, "enableinference"):
        internal = _true(settings, "scoringfe.servicetype.internalloadbalancer")
        reason = _unhealthy(call, cluster, settings, protected)
        if not reason and not internal:
            reason = node_resource_group.refusal(call.state, cluster, FRONTEND)
        if reason:
            call.fails = _failed(call, reason)
        else:
            ports = [80] if _true(settings, "allowinsecureconnections") else [443]
            load_balancers.expose(call.state, cluster, FRONTEND, ports, internal=internal)
    own = str(uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower()))
    if (call.body.get("identity") or {}).get("type") == "SystemAssigned":
        call.body["identity"].update(principalId=own, tenantId=call.state.tenant)
    complete(p, DEFAULTS)
    complete(p["aksAssignedIdentity"], {"principalId": own})
    p["version"] = p["currentVersion"] = p.get("version") or "1.2.51"


def _lower(settings: JsonObject | None) -> dict[str, str]:
    return {key.lower(): str(value) for key, value in (settings or {}).items()}


def _true(settings: dict[str, str], key: str) -> bool:
    return settings.get(key, "").lower() == "true"


def _unhealthy(
    call: Call, cluster: JsonObject, settings: dict[str, str], protected: dict[str, str]
) -> str:
    """The finding of the health check before the installation; empty if healthy."""
    if (call.body.get("identity") or {}).get("type") != "SystemAssigned":
        return "the extension has no system-assigned identity"
    if "inferencerouterservicetype" not in settings:
        return "inferenceRouterServiceType is not set"
    missing = [key for key in (*NAMES_OF_THE_CLUSTER, *TRANSLATED) if not settings.get(key)]
    if missing:
        return f"not set: {', '.join(missing)}"
    for key in NAMES_OF_THE_CLUSTER:
        if settings[key].lower() != cluster["id"].lower():
            return f"{key} is not the id of the cluster"
    for key in TURNED_OFF:
        if settings.get(key, "true").lower() != "false":
            return f"{key} without its connection"
    if not _true(settings, "allowinsecureconnections") and not _encrypts(settings, protected):
        return "E40007 INVALID_SSL_SETTING: the SSL key or certificate is not valid"
    sizes = [pool.get("vmSize") for pool in cluster["properties"]["agentPoolProfiles"]]
    if all(size in MACHINES and MACHINES[size].architecture != "x64" for size in sizes):
        return "no node for its images, which are built for x64"
    nodes = sum(pool.get("count", 1) for pool in cluster["properties"]["agentPoolProfiles"])
    if settings.get("inferencerouterha", "true").lower() == "true" and nodes < ROUTER_REPLICAS:
        return f"E40002 INSUFFICIENT_NODE: inferenceRouterHA takes 3 nodes, there are {nodes}"
    return ""


def _encrypts(settings: dict[str, str], protected: dict[str, str]) -> bool:
    """Whether certificate, key and host name for HTTPS are present."""
    if not settings.get("sslcname"):
        return False
    given = [_decoded(protected.get(key, "")) for key in ("scoringfe.sslcert", "scoringfe.sslkey")]
    return bool(settings.get("scoringfe.sslsecret")) or all(b"-----BEGIN " in g for g in given)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _failed(call: Call, reason: str) -> JsonObject:
    """Azure reports only that the health check failed; the finding is in a ConfigMap of the cluster,
    represented by `statuses` here."""
    verb, done = ("Update", "rolled back") if call.old else ("Create", "uninstalled")
    when = "pre-upgrade" if call.old else "pre-install"
    call.properties["statuses"] = [
        {"code": "HealthCheckFailed", "level": "Error", "message": f"arcml-healthcheck: {reason}"}
    ]
    return {
        "code": "ExtensionOperationFailed",
        "message": "The extension operation failed with the following error:  Error: [ InnerError: "
        "[Helm installation failed : Unable to create/update Kubernetes resources for the "
        f"extension : InnerError [release {call.id.name} failed, and has been {done} due to atomic "
        f"being set: failed {when}: pod healthcheck failed]]] occurred while doing the operation : "
        f"[{verb}] on the config, For general troubleshooting visit: "
        "https://aka.ms/k8s-extensions-TSG, For more application specific troubleshooting visit: "
        "Troubleshooting: https://aka.ms/arcmltsg.",
    }


def _delete_extension(state: State, rid: ResourceId, body: JsonObject) -> None:
    state.data.protected.pop(rid.text.lower(), None)
    cluster = state.get(rid.scope)
    if cluster and body["properties"]["extensionType"].lower() == AML:
        load_balancers.withdraw(state, cluster, FRONTEND)


def inference_settings(state: State, cluster_id: str) -> dict[str, str] | None:
    """Settings (lower-case keys) of the working inference extension; None if there is none."""
    for extension in state.of_type("microsoft.kubernetesconfiguration/extensions", cluster_id):
        p = extension["properties"]
        settings = _lower(p.get("configurationSettings"))
        if (
            p["extensionType"].lower() == AML
            and state_of(extension) == "Succeeded"
            and _true(settings, "enableinference")
        ):
            return settings
    return None


def frontend(state: State, cluster_id: str) -> ExtensionFrontend:
    """The frontend as configured by the working extension."""
    settings = inference_settings(state, cluster_id) or {}
    return ExtensionFrontend(
        internal=_true(settings, "scoringfe.servicetype.internalloadbalancer"),
        tls=bool(settings) and not _true(settings, "allowinsecureconnections"),
        name=settings.get("sslcname", ""),
    )


def certificate(state: State, cluster_id: str) -> tuple[bytes, bytes] | None:
    """Certificate and key (PEM) of the frontend; None if it has none."""
    for extension in state.of_type("microsoft.kubernetesconfiguration/extensions", cluster_id):
        sealed = state.data.protected.get(extension["id"].lower())
        protected = json.loads(state.unseal(sealed)) if sealed else {}
        if "scoringfe.sslcert" in protected:
            return _decoded(protected["scoringfe.sslcert"]), _decoded(protected["scoringfe.sslkey"])
    return None


def _shown(state: State, extension: JsonObject) -> JsonObject:
    """On AKS, `identity` is shown during creation and `aksAssignedIdentity` afterwards."""
    p = extension["properties"]
    if state_of(extension) == "Succeeded":
        return {key: value for key, value in extension.items() if key != "identity"}
    early = {key: value for key, value in p.items() if key != "aksAssignedIdentity"}
    return {**extension, "properties": early}


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.KubernetesConfiguration/extensions",
        _extension,
        428,
        shape=Extension,
        location="",
        creates=replace(CREATED, headers="AL").polled_with(word="Creating", tells=("id", "name")),
        updates=replace(UPDATED, headers="AL").polled_with(word="Updating", tells=("id", "name")),
        deletes=replace(DELETED, headers="A").polled_with(word="Deleting", tells=("id", "name")),
        delete_seconds=140,
        system_data=True,
        shown=_shown,
        delete=_delete_extension,
    ),
]
