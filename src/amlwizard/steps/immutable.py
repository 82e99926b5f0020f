"""Properties that Azure does not change on existing resources, and the recipe field behind each.

By resource type, from Microsoft's documentation and from observed errors: PropertyChangeNotAllowed
and OperationNotAllowed (AKS), AccountPropertyCannotBeUpdated (storage),
CannotChangeSubnetOnExistingPrivateEndpoint (private endpoints), InvalidResourceLocation (all).
A new size for a Machine Learning compute is ignored without an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from amlwizard.json_path import fold_case, value_at
from amlwizard.json_types import Document, JsonValue
from amlwizard.plan import Kept

Allows = Callable[[str, str], bool]


def never(found: str, wanted: str) -> bool:
    """The default `allows`: no change is possible."""
    return False


@dataclass(frozen=True, slots=True)
class Immutable:
    """A property by its dotted path, in which ``*`` stands for every item of a list, matched by
    name.

    `field` is the recipe field that decides it, or empty. `absent` is what a missing value means;
    if it is None, an unset value may be set, and omitting a value requests nothing. `allows` says
    which changes are possible after all. `back` converts the existing value to a value of the
    field.
    """

    path: str
    field: str = ""
    absent: JsonValue = None
    allows: Allows = never
    back: Callable[[JsonValue], JsonValue] = lambda found: found


def _kubernetes(found: str, wanted: str) -> bool:
    """Upgrades only, one minor version at a time; a version without a patch means any patch."""
    was, new = ([int(part) for part in text.split(".")] for text in (found, wanted))
    return was[: len(new)] <= new and new[1] - was[1] <= 1


def _to_overlay(found: str, wanted: str) -> bool:
    return (found, wanted) == ("none", "overlay")


def _storage_kind(found: str, wanted: str) -> bool:
    return wanted == "StorageV2" and found in ("Storage", "BlobStorage")


def _redundancy(found: str, wanted: str) -> bool:
    """Geo-replication can be changed; zone redundancy and premium disks cannot."""
    kinds = [(name.startswith("Premium"), "ZRS" in name) for name in (found, wanted)]
    return kinds[0] == kinds[1]


def _name(resource_id: JsonValue) -> str:
    return str(resource_id).rpartition("/")[2]


def _upwards(*order: str) -> Allows:
    return lambda found, wanted: (
        found in order and wanted in order and order.index(wanted) > order.index(found)
    )


REGION = Immutable("location", "sign_in.region")
POOL, PROFILE = "properties.agentPoolProfiles.*", "properties.networkProfile"
COMPUTE = "properties.properties"

IMMUTABLE: Mapping[str, tuple[Immutable, ...]] = {
    "Microsoft.ContainerService/managedClusters": (
        Immutable(f"{POOL}.vmSize", "serving.node_size"),
        Immutable(f"{POOL}.maxPods", "serving.max_pods"),
        Immutable(f"{POOL}.vnetSubnetID", "names.scoring_subnet", back=_name),
        Immutable(f"{POOL}.osType"),
        Immutable(f"{POOL}.type"),
        Immutable(f"{PROFILE}.serviceCidr", "addresses.service_cidr"),
        Immutable(f"{PROFILE}.dnsServiceIP", "addresses.dns_service_ip"),
        Immutable(f"{PROFILE}.podCidr", "addresses.pod_cidr"),
        Immutable(f"{PROFILE}.networkPlugin"),
        Immutable(
            f"{PROFILE}.networkPluginMode",
            "serving.network",
            absent="none",
            allows=_to_overlay,
            back=lambda mode: "overlay" if mode == "overlay" else "node-subnet",
        ),
        Immutable(f"{PROFILE}.loadBalancerSku"),
        Immutable(
            "properties.apiServerAccessProfile.enablePrivateCluster",
            "security.private_aks",
            absent=False,
        ),
        Immutable("properties.dnsPrefix"),
        Immutable("properties.nodeResourceGroup", "names.node_resource_group", back=_name),
        Immutable("properties.kubernetesVersion", "serving.kubernetes_version", allows=_kubernetes),
    ),
    "Microsoft.Storage/storageAccounts": (
        Immutable("kind", allows=_storage_kind),
        Immutable("sku.name", allows=_redundancy),
    ),
    "Microsoft.MachineLearningServices/workspaces": (
        Immutable("properties.storageAccount", "names.storage", back=_name),
        Immutable("properties.keyVault", "names.key_vault", back=_name),
    ),
    "Microsoft.MachineLearningServices/workspaces/computes": (
        Immutable("properties.computeType"),
        Immutable("properties.resourceId", "names.aks", back=_name),
        Immutable(f"{COMPUTE}.vmSize", "serving.build_node_size"),
        Immutable(f"{COMPUTE}.vmPriority"),
        Immutable(f"{COMPUTE}.subnet.id", "names.compute_subnet", back=_name),
        Immutable(f"{COMPUTE}.enableNodePublicIp"),
    ),
    "Microsoft.Databricks/workspaces": (
        Immutable(
            "properties.managedResourceGroupId", "names.databricks_managed_group", back=_name
        ),
        Immutable("properties.computeMode"),
        Immutable("sku.name", allows=_upwards("trial", "standard", "premium")),
    ),
    "Microsoft.Network/privateEndpoints": (
        Immutable("properties.subnet.id", "names.workspace_subnet", back=_name),
        Immutable("properties.privateLinkServiceConnections.*.properties.privateLinkServiceId"),
    ),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": (
        Immutable("properties.virtualNetwork.id"),
    ),
    "Microsoft.Network/publicIPAddresses": (
        Immutable("sku.name", allows=_upwards("Basic", "Standard")),
        Immutable("zones"),
        Immutable("properties.publicIPAddressVersion"),
    ),
    "Microsoft.Network/bastionHosts": (
        Immutable("sku.name", allows=_upwards("Developer", "Basic", "Standard", "Premium")),
    ),
    "Microsoft.Insights/components": (Immutable("properties.Application_Type"),),
}


def kept(kind: str, wanted: Document, found: Document) -> tuple[Kept, ...]:
    """The properties of a resource that keep their existing value although `wanted` differs. `kind`
    is the resource type."""
    rules = (REGION, *IMMUTABLE.get(kind, ()))
    those = [k for rule in rules for k in _kept(rule, wanted, found, rule.path, "")]
    if kind == "Microsoft.ContainerService/managedClusters":
        those += _new_pools(wanted, found)
    return tuple(those)


def _kept(
    rule: Immutable, wanted: Document, found: Document, path: str, above: str
) -> Iterator[Kept]:
    head, star, rest = path.partition(".*.")
    if star:
        for item in value_at(wanted, head) or ():
            for held in value_at(found, head) or ():
                if fold_case(held.get("name")) == fold_case(item.get("name")):
                    yield from _kept(rule, item, held, rest, f"{above}{head}.{item['name']}.")
        return
    old, new = (rule.absent if (v := value_at(d, path)) is None else v for d in (found, wanted))
    if old is None or new is None or _same(old, new) or rule.allows(str(old), str(new)):
        return
    yield Kept(f"{above}{path}", old, new, rule.field, rule.back(old) if rule.field else None)


def _same(found: object, wanted: object) -> bool:
    if isinstance(found, str) and isinstance(wanted, str):
        return found.replace(" ", "").lower() == wanted.replace(" ", "").lower()
    if isinstance(found, list) and isinstance(wanted, list):
        return sorted(map(str, found)) == sorted(map(str, wanted))
    return bool(found == wanted)


def _new_pools(wanted: Document, found: Document) -> Iterator[Kept]:
    """A PUT of a cluster cannot add a node pool: that is a separate operation."""
    path = "properties.agentPoolProfiles"
    held = [str(pool.get("name")) for pool in value_at(found, path) or ()]
    for pool in value_at(wanted, path) or ():
        if held and pool["name"].lower() not in (name.lower() for name in held):
            yield Kept(path, ", ".join(held), pool["name"])
