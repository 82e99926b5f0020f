"""Names and locations of what Azure creates by itself: node resource groups, linked DNS zones."""

from __future__ import annotations

from threading import Event as CancelEvent
from typing import Any

import pytest
from support import recipe_of
from support.platforms import Platform, setting

from amlwizard import engine, rules
from amlwizard.design.private_endpoints import links
from amlwizard.errors import CloudError
from amlwizard.recipe import Recipe, sections_of
from amlwizard.steps import steps_for
from amlwizard.steps.private_link import ready_for

pytestmark = pytest.mark.xdist_group("refusals")

BLOB = "privatelink.blob.core.windows.net"
FILE = "privatelink.file.core.windows.net"
ZONES, NETWORK = "2024-06-01", "2025-05-01"
LONG = {
    "names__resource_group": "rg-contoso-dataplatform-machinelearning-nonprod-westeurope-001",
    "names__aks": "aks-contoso-mlplatform-nonprod-westeurope-001",
}


def quiet(*_: Any, **__: Any) -> None: ...


def step(recipe: Recipe, name: str) -> Any:
    return next(step for step in steps_for(recipe) if step.id == name)


# -- the node resource group


def test_a_node_group_of_more_than_80_characters_is_refused(platform: Platform) -> None:
    error = platform.refused("aks", setting("properties.nodeResourceGroup", "g" * 81), "aks-other")
    assert (error.status, error.code) == (400, "InvalidParameter")
    assert "The maximum length is 80" in error.why and "is 81" in error.why


def test_check_says_so_and_its_cure_is_clean() -> None:
    recipe = recipe_of("quickstart", **LONG)

    def found(recipe: Recipe) -> list[Any]:
        return [f for f in rules.check(sections_of(recipe)) if f.rule == "NM-5"]

    (finding,) = found(recipe)
    assert finding.severity == "error" and "122 characters" in finding.what
    ((path, value),) = finding.cure.items()
    cured = recipe_of("quickstart", **LONG, **{path.replace(".", "__"): value})
    assert found(cured) == []
    assert step(cured, "aks").resource.body["properties"]["nodeResourceGroup"] == value
    assert f"--node-resource-group {value}" in step(cured, "aks").az[0]


def test_the_node_group_is_named_by_aks_unless_the_recipe_names_it() -> None:
    body = step(recipe_of("quickstart"), "aks").resource.body["properties"]
    assert "nodeResourceGroup" not in body and body["enableRBAC"] is True


# -- storage without shared keys


def test_a_workspace_by_key_on_an_account_without_keys_is_refused(platform: Platform) -> None:
    platform.put("storage", setting("properties.allowSharedKeyAccess", False))
    error = platform.refused("workspace", setting("properties.friendlyName", "w"), "mlw-other")
    assert error.status == 400 and "KeyBasedAuthenticationNotPermitted" in error.why
    by_identity = setting("properties.systemDatastoresAuthMode", "Identity")
    platform.put("workspace", by_identity, "mlw-other")  # taken


def test_without_shared_keys_identities_have_the_roles_that_they_need(platform: Platform) -> None:
    recipe = recipe_of("quickstart", security__shared_keys="false")
    assert step(recipe, "storage").resource.body["properties"]["allowSharedKeyAccess"] is False
    workspace = step(recipe, "workspace").resource.body["properties"]
    assert workspace["systemDatastoresAuthMode"] == "Identity"
    job = engine.Job(recipe, "", platform.cloud, "sandbox")
    principal = platform.sandbox.state["resources"][platform.outputs["workspace"]["id"].lower()]
    outputs = {
        **platform.outputs,
        "workspace": {
            **platform.outputs["workspace"],
            "principal": principal["identity"]["principalId"],
        },
    }
    ctx = engine.context(job, outputs, CancelEvent())
    for role in ("workspace-blob-data", "workspace-file-data"):
        assert step(recipe, role).apply(ctx, quiet)
        assert step(recipe, role).read(ctx).state == "ready"
    with_keys = recipe_of("quickstart")
    assert "allowSharedKeyAccess" not in step(with_keys, "storage").resource.body["properties"]
    assert not any(s.id == "workspace-blob-data" for s in steps_for(with_keys))


# -- sizes of nodes


@pytest.mark.parametrize("size", ["Standard_B1s", "Standard_DS1_v2", "Standard_B2ats_v2"])
def test_a_system_pool_of_small_nodes_is_refused(platform: Platform, size: str) -> None:
    change = setting("properties.agentPoolProfiles.0.vmSize", size)
    error = platform.refused("aks", change, "aks-other")
    assert (error.status, error.code) == (400, "SystemPoolSkuTooLow")
    assert "more than 2 cores and 4GB memory. Nodepool name: default." in error.why


def test_defaults_are_sizes_that_the_sandbox_has(platform: Platform) -> None:
    arm = platform.cloud.arm
    path = f"/subscriptions/{arm.subscription}/providers/Microsoft.Compute/skus"
    found = arm.every(f"{path}?$filter=location eq 'westeurope'", "2021-07-01")
    by_name = {sku["name"]: {c["name"]: c["value"] for c in sku["capabilities"]} for sku in found}
    recipe = recipe_of("quickstart")
    for name in (
        recipe.serving.node_size,
        recipe.training.node_type,
        recipe.serving.build_node_size,
    ):
        assert by_name[name]["CpuArchitectureType"] == "x64"
    # The compute that builds images counts against a quota of Machine Learning's own.
    for name in (recipe.serving.node_size, recipe.training.node_type):
        assert name.endswith("_v5"), "of a current family, whose quota new subscriptions get"
    assert by_name["Standard_D4ps_v5"]["CpuArchitectureType"] == "Arm64"


# -- private zones


def test_a_vnet_is_linked_to_one_zone_of_a_name(platform: Platform) -> None:
    arm, vnet = platform.cloud.arm, platform.outputs["vnet"]["id"]
    hub = f"/subscriptions/{arm.subscription}/resourceGroups/rg-hub-dns"
    arm.put(hub, "2025-04-01", {"location": "westeurope"}, quiet, CancelEvent())

    def linked(zone: str) -> Any:
        address = f"{hub}/providers/Microsoft.Network/privateDnsZones/{zone}"
        arm.put(address, ZONES, {"location": "global"}, quiet, CancelEvent())
        link = {"virtualNetwork": {"id": vnet}, "registrationEnabled": False}
        body = {"location": "global", "properties": link}
        return arm.put(f"{address}/virtualNetworkLinks/spoke", ZONES, body, quiet, CancelEvent())

    with pytest.raises(CloudError) as error:
        linked("privatelink.api.azureml.ms")
    assert error.value.code == "BadRequest"
    assert "multiple zones with overlapping namespaces" in error.value.why
    assert linked("privatelink.redis.cache.windows.net")["properties"]["virtualNetworkLinkState"]


def test_links_ask_outside_for_what_their_zone_does_not_have() -> None:
    """An account that has a private endpoint elsewhere is still found."""
    recipe = recipe_of("private")
    links = [s for s in steps_for(recipe) if s.id.startswith("dns-link.")]
    assert len(links) == 6
    for link in links:
        assert link.resource
        assert link.resource.body["properties"]["resolutionPolicy"] == "NxDomainRedirect"
        assert "--resolution-policy NxDomainRedirect" in link.az[0]


def before(recipe: Recipe, name: str) -> set[str]:
    """All the steps that end before one begins."""
    after = {s.id: s.after for s in steps_for(recipe)}
    found: set[str] = set()
    left = list(after[name])
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += after[one]
    return found


WAITS = {
    "train": ("workspace", "storage-blob"),
    "kubernetes-compute": ("workspace",),
    "endpoint": ("workspace",),
    "deployment": ("workspace", "registry", "storage-blob"),
    "score": ("workspace", "registry", "storage-blob"),
}


@pytest.mark.parametrize("name", WAITS)
def test_what_goes_to_private_addresses_waits_for_their_names(name: str) -> None:
    """For the records of the endpoints, and for the links by which the VNET finds them."""
    recipe = recipe_of("private")
    names = {link.name: ready_for(recipe, link) for link in links(recipe)}
    for target in WAITS[name]:
        assert any(step.startswith("dns-link.") for step in names[target])
        assert set(names[target]) <= before(recipe, name), target


def test_trusted_services_are_let_into_every_registry() -> None:
    """Said, and not left to a default, where rules name subnets too."""
    for recipe in ("quickstart", "article"):
        body = step(recipe_of(recipe), "registry").resource.body
        assert body["properties"]["networkRuleBypassOptions"] == "AzureServices"


# -- what is said and read


def test_prepare_encryption_is_said_where_it_is_asked_for() -> None:
    said = {
        wanted: "--prepare-encryption"
        in step(recipe_of("quickstart", security__databricks_encryption=wanted), "databricks").az[0]
        for wanted in ("true", "false")
    }
    assert said == {"true": True, "false": False}
