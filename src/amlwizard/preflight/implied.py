"""Resources that Azure services create by themselves: no step writes them, but policies apply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amlwizard.cloud.facts import Planned
from amlwizard.design import api_versions
from amlwizard.json_path import value_at
from amlwizard.json_types import Document
from amlwizard.plan import GROUP

LONGEST_GROUP = 80
INTERNAL = "scoringFe.serviceType.internalLoadBalancer"


def implied(subscription: str, new: Sequence[Planned]) -> list[Planned]:
    """The resources that services will create for `new`, each under the step that causes it, with
    the parts of its body that are known in advance."""
    by_step = {planned.step: planned for planned in new}
    found: list[Planned] = []
    cluster, workspace = by_step.get("aks"), by_step.get("databricks")
    if cluster:
        found += _of_cluster(subscription, cluster)
    if cluster and (extension := by_step.get("aks-extension")):
        found += _of_extension(subscription, cluster, extension)
    if workspace:
        found += _of_databricks(workspace)
    return found


def node_group(cluster: Planned) -> str:
    """The name of the resource group that AKS creates for its nodes."""
    given = value_at(cluster.body, "properties.nodeResourceGroup")
    parts = ("MC", cluster.id.split("/")[4], cluster.name, str(cluster.body.get("location")))
    return str(given or "_".join(parts)[:LONGEST_GROUP])


def _of_cluster(subscription: str, cluster: Planned) -> Iterator[Planned]:
    group = f"/subscriptions/{subscription}/resourceGroups/{node_group(cluster)}"
    place = _place(cluster.body)
    yield Planned(cluster.step, group, GROUP, place, api_versions.RESOURCE_GROUPS)
    for pool in value_at(cluster.body, "properties.agentPoolProfiles") or ():
        yield _in(
            group, cluster.step, "Microsoft.Compute/virtualMachineScaleSets",
            f"aks-{pool['name']}-vmss", {**place, "sku": {"name": pool["vmSize"]}}, api_versions.COMPUTE,
        )  # fmt: skip
    if value_at(cluster.body, "properties.networkProfile.outboundType") == "loadBalancer":
        yield _address(group, cluster.step, "outbound", place)


def _of_extension(subscription: str, cluster: Planned, extension: Planned) -> Iterator[Planned]:
    settings = value_at(extension.body, "properties.configurationSettings") or {}
    if str(settings.get(INTERNAL)).lower() != "true":
        group = f"/subscriptions/{subscription}/resourceGroups/{node_group(cluster)}"
        yield _address(group, extension.step, "kubernetes", _place(cluster.body))


def _of_databricks(workspace: Planned) -> Iterator[Planned]:
    group = str(value_at(workspace.body, "properties.managedResourceGroupId"))
    place = _place(workspace.body)
    yield Planned(workspace.step, group, GROUP, place, api_versions.RESOURCE_GROUPS)
    account = {
        "allowSharedKeyAccess": True,
        "allowBlobPublicAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "publicNetworkAccess": "Enabled",
        "supportsHttpsTrafficOnly": True,
    }
    body = {**place, "kind": "BlobStorage", "sku": {"name": "Standard_GRS"}, "properties": account}
    kind = "Microsoft.Storage/storageAccounts"
    yield _in(group, workspace.step, kind, "dbstorage", body, api_versions.STORAGE)
    if value_at(workspace.body, "properties.parameters.enableNoPublicIp.value") is False:
        yield _address(group, workspace.step, "nodes", place)


def _place(body: Document) -> Document:
    """Region and tags, which services pass on to the resources that they create."""
    return {"location": body.get("location"), "tags": dict(body.get("tags") or {})}


def _address(group: str, step: str, name: str, place: Document) -> Planned:
    body = {
        **place,
        "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"},
    }
    return _in(group, step, "Microsoft.Network/publicIPAddresses", name, body, api_versions.NETWORK)


def _in(group: str, step: str, kind: str, name: str, body: Document, version: str) -> Planned:
    return Planned(step, f"{group}/providers/{kind}/{name}", kind, body, version)
