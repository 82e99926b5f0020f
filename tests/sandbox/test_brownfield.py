"""What others made before us is used, and loses nothing by it; the plan tells all that an update does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from support import Json, Sandbox, recipe_of, running

from amlwizard import engine
from amlwizard.cloud import Cloud
from amlwizard.plan import PlannedStep, in_order
from amlwizard.recipe import Recipe
from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("brownfield")

NETWORK = (
    "sign-in",
    "preflight",
    "providers",
    "resource-group",
    "public-ip",
    "nat-gateway",
    "vnet",
)
OUTSIDE = "100.64.32.0/20"
OURS = ("workspace", "compute", "scoring", "dbw-public", "dbw-private")


@dataclass
class Place:
    """A sandbox, and the part of a journey that ends with `last`."""

    sandbox: Sandbox
    cloud: Cloud

    @property
    def group(self) -> str:
        return f"/subscriptions/{self.cloud.arm.subscription}/resourceGroups/rg-mlquick01"

    def holds(self, of_type: str, name: str, /, **document: Any) -> str:
        """Something that is there; with our tag where `ours`."""
        resource_id = f"{self.group}/providers/{of_type}/{name}" if of_type else self.group
        tags = {"amlwizard": "mlquick01"} if document.pop("ours", False) else {}
        made = {
            "id": resource_id, "name": name or "rg-mlquick01", "location": "westeurope",
            "type": of_type or "Microsoft.Resources/resourceGroups", "tags": tags, **document,
        }  # fmt: skip
        made.setdefault("properties", {})["provisioningState"] = "Succeeded"
        self.sandbox.change(resources={resource_id.lower(): made})
        return resource_id

    def now(self, resource_id: str) -> Any:
        return self.sandbox.state["resources"][resource_id.lower()]

    def _job(self, recipe: Recipe) -> engine.Job:
        return engine.Job(recipe, "", self.cloud, "sandbox")

    def planned(self, step: str, recipe: Recipe, only: tuple[str, ...] = NETWORK) -> PlannedStep:
        plan = engine.survey(_part(recipe, (*only, step)), self._job(recipe), lambda event: None)
        return next(s for s in plan.steps if s.id == step)

    def built(self, recipe: Recipe, *more: str, of: tuple[str, ...] = NETWORK) -> list[Any]:
        """Everything that failed."""
        events: list[Any] = []
        engine.run(_part(recipe, (*of, *more)), self._job(recipe), events.append)
        return [e for e in events if getattr(e, "outcome", "") == "failed"]


def _part(recipe: Recipe, ids: tuple[str, ...]) -> list[Any]:
    return [s for s in in_order(steps_for(recipe)) if s.id in ids or s.id.startswith("nsg.")]


@pytest.fixture(scope="module")
def started() -> Iterator[tuple[Place, Json]]:
    with running("--approve", "--clock", "instant") as sandbox:
        place = Place(sandbox, sandbox.cloud())
        yield place, sandbox.state


@pytest.fixture
def place(started: tuple[Place, Json]) -> Place:
    place, state = started
    place.sandbox.control("state", state, "PUT")
    return place


def vnet(place: Place, *prefixes: str, ours: bool = False, subnets: Any = (), **more: Any) -> str:
    place.holds("", "", ours=ours)
    properties = {
        "addressSpace": {"addressPrefixes": list(prefixes)},
        "subnets": list(subnets),
        "virtualNetworkPeerings": [],
        **more,
    }
    return place.holds(
        "Microsoft.Network/virtualNetworks", "vnet-mlquick01", ours=ours, properties=properties
    )


def subnet(place: Place, name: str, prefix: str) -> Json:
    stem = f"{place.group}/providers/Microsoft.Network/virtualNetworks/vnet-mlquick01/subnets"
    return {
        "name": name,
        "id": f"{stem}/{name}",
        "properties": {
            "addressPrefix": prefix,
            "delegations": [],
            "provisioningState": "Succeeded",
        },
    }


def test_a_vnet_of_others_keeps_its_prefixes_and_servers(place: Place) -> None:
    servers = {"dnsServers": ["10.9.0.4"]}
    theirs = vnet(place, "10.100.0.0/16", OUTSIDE, dhcpOptions=servers)
    assert not [
        d for d in place.planned("vnet", recipe_of("quickstart")).differences if "addressSpace" in d
    ]
    assert place.built(recipe_of("quickstart")) == []
    found = place.now(theirs)["properties"]
    assert found["addressSpace"]["addressPrefixes"] == ["10.100.0.0/16", OUTSIDE]
    assert found["dhcpOptions"] == servers


def test_a_vnet_of_others_gets_our_range_beside_its_own(place: Place) -> None:
    theirs = vnet(place, OUTSIDE, subnets=[subnet(place, "snet-other", "100.64.32.0/24")])
    assert (
        "properties.addressSpace.addressPrefixes.10.100.0.0/16: missing"
        in place.planned("vnet", recipe_of("quickstart")).differences
    )
    assert place.built(recipe_of("quickstart")) == []
    found = place.now(theirs)["properties"]
    assert found["addressSpace"]["addressPrefixes"] == [OUTSIDE, "10.100.0.0/16"]
    assert "snet-other" in [s["name"] for s in found["subnets"]]


def test_of_our_own_vnet_a_prefix_goes_and_is_told(place: Place) -> None:
    own = vnet(place, "10.100.0.0/16", OUTSIDE, ours=True)
    step = place.planned("vnet", recipe_of("quickstart"))
    assert (
        f"properties.addressSpace.addressPrefixes.{OUTSIDE}: no longer wanted" in step.differences
    )
    assert place.built(recipe_of("quickstart")) == []
    assert place.now(own)["properties"]["addressSpace"]["addressPrefixes"] == ["10.100.0.0/16"]
    assert place.planned("vnet", recipe_of("quickstart")).action == "keep"


def test_a_prefix_that_others_use_stays_in_our_own_vnet(place: Place) -> None:
    theirs = subnet(place, "snet-other", "100.64.32.0/24")
    own = vnet(place, "10.100.0.0/16", OUTSIDE, ours=True, subnets=[theirs])
    assert not [
        d for d in place.planned("vnet", recipe_of("quickstart")).differences if "addressSpace" in d
    ]
    assert place.built(recipe_of("quickstart")) == []
    assert OUTSIDE in place.now(own)["properties"]["addressSpace"]["addressPrefixes"]


def test_rules_of_a_firewall_that_others_set_stay(place: Place) -> None:
    """Lists of references too: whom somebody let in is not shut out."""
    theirs = subnet(place, "snet-other", "100.64.32.0/24")
    theirs["properties"]["serviceEndpoints"] = [{"service": "Microsoft.Storage"}]
    vnet(place, "10.100.0.0/16", OUTSIDE, subnets=[theirs])
    acls = {
        "defaultAction": "Allow",
        "virtualNetworkRules": [{"id": theirs["id"], "action": "Allow"}],
        "ipRules": [{"value": "203.0.113.9", "action": "Allow"}],
    }
    account = place.holds(
        "Microsoft.Storage/storageAccounts",
        "stmlquick01",
        kind="StorageV2",
        sku={"name": "Standard_LRS"},
        properties={"networkAcls": acls},
    )
    recipe = recipe_of("quickstart", security__storage="service-endpoint")
    assert place.built(recipe, "storage") == []
    now = place.now(account)["properties"]["networkAcls"]
    assert [rule["id"].rpartition("/")[2] for rule in now["virtualNetworkRules"]] == [
        "snet-other", *(f"snet-mlquick01-{which}" for which in OURS)
    ]  # fmt: skip
    assert now["ipRules"] == acls["ipRules"] and now["defaultAction"] == "Deny"


def test_reserved_subnets_are_left_as_they_are(place: Place) -> None:
    theirs = subnet(place, "snet-ingress", "10.100.5.0/24")
    theirs["properties"]["serviceEndpoints"] = [{"service": "Microsoft.Sql"}]
    own = vnet(place, "10.100.0.0/16", subnets=[theirs])
    recipe = recipe_of(
        "quickstart", addresses__reserved="[{name: snet-ingress, range: 10.100.5.0/24}]"
    )
    told = place.planned("vnet", recipe)
    assert told.note == "left as they are: snet-ingress (10.100.5.0/24)"
    assert not any("ingress" in difference for difference in told.differences)
    assert place.built(recipe) == []
    now = {s["name"]: s["properties"] for s in place.now(own)["properties"]["subnets"]}
    assert now["snet-ingress"]["serviceEndpoints"][0]["service"] == "Microsoft.Sql"
    assert now["snet-ingress"]["addressPrefix"] == "10.100.5.0/24"
    assert {f"snet-mlquick01-{which}" for which in OURS} < now.keys()
    assert place.planned("vnet", recipe).action == "keep"


AKS = (*NETWORK, "aks-identity", "aks-role", "aks")
AUTOSCALED = {"serving__max_nodes": "6"}


@pytest.fixture(scope="module")
def autoscaled(started: tuple[Place, Json]) -> Json:
    """The state of the cloud with a cluster that is scaled by itself, and whose surge Azure chose."""
    place, state = started
    place.sandbox.control("state", state, "PUT")
    assert place.built(recipe_of("quickstart", **AUTOSCALED), of=AKS) == []
    return place.sandbox.state


@pytest.fixture
def cluster(place: Place, autoscaled: Json) -> Place:
    place.sandbox.control("state", autoscaled, "PUT")
    return place


def pool_of(place: Place) -> Json:
    cluster = f"{place.group}/providers/Microsoft.ContainerService/managedClusters/aks-mlquick01"
    [pool] = place.now(cluster)["properties"]["agentPoolProfiles"]
    return dict(pool)


def scaled(place: Place, count: int) -> None:
    """As the autoscaler leaves a pool behind."""
    cluster = f"{place.group}/providers/Microsoft.ContainerService/managedClusters/aks-mlquick01"
    document = place.now(cluster)
    document["properties"]["agentPoolProfiles"][0]["count"] = count
    place.sandbox.change(resources={cluster.lower(): document})


def test_how_many_nodes_an_autoscaler_keeps_is_no_difference(cluster: Place) -> None:
    pool = pool_of(cluster)
    assert (pool["enableAutoScaling"], pool["minCount"], pool["maxCount"]) == (True, 3, 6)
    scaled(cluster, 5)
    assert cluster.planned("aks", recipe_of("quickstart", **AUTOSCALED), AKS).action == "keep"
    # Another change leaves the nodes that there are, and nothing waits for three.
    wider = recipe_of("quickstart", serving__max_nodes="7", serving__max_surge="33%")
    assert cluster.built(wider, of=AKS) == []
    assert (pool_of(cluster)["count"], pool_of(cluster)["maxCount"]) == (5, 7)
    assert pool_of(cluster)["upgradeSettings"] == {"maxSurge": "33%"}
    assert cluster.planned("aks", wider, AKS).action == "keep"


def test_an_autoscaler_that_is_no_longer_wanted_is_switched_off(cluster: Place) -> None:
    scaled(cluster, 5)
    plain = recipe_of("quickstart")
    assert cluster.planned("aks", plain, AKS).action == "update"
    assert cluster.built(plain, of=AKS) == []
    assert not pool_of(cluster)["enableAutoScaling"] and pool_of(cluster)["count"] == 3
    assert cluster.planned("aks", plain, AKS).action == "keep"


def test_a_pool_whose_surge_azure_chose_gets_ours(cluster: Place) -> None:
    assert pool_of(cluster)["upgradeSettings"] == {"maxSurge": "1"}
    more = recipe_of("quickstart", **AUTOSCALED, serving__max_surge="2")
    assert cluster.planned("aks", more, AKS).action == "update"
