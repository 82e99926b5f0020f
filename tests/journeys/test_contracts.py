"""Requests and answers held against the API documents that Microsoft publishes.

They lie beside the checkout, not in it; where they are missing these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import RECIPES, Json, Sandbox, amlwizard, contracts, recipe_of
from support.breadth import breadth
from support.contracts import Waiver, check, serve
from support.journeys import Journey
from support.variants import WITH_SETTINGS

from amlwizard.cli import main
from amlwizard.plan.placeholders import resolve
from amlwizard.recipe import Recipe
from amlwizard.steps import steps_for

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not contracts.HERE, reason=contracts.REASON),
]

# What the documents have no operation for, by name: nobody but Azure can confirm these.
UNMATCHED = (
    Waiver("unmatched", "No document of Compute is held.", r"GET .*/Microsoft\.Compute/\S+ -> 200"),
    Waiver(
        "unmatched",
        "No document of Azure Policy is held.",
        r"GET .*/Microsoft\.Authorization/policyAssignments -> 200|"
        r"POST .*/Microsoft\.PolicyInsights/checkPolicyRestrictions -> 200",
    ),
    Waiver(
        "unmatched",
        "No document of load balancers is held.",
        r"GET .*/Microsoft\.Network/loadBalancers -> 200",
    ),
    Waiver(
        "unmatched",
        "The document names groups and resources as scopes, not the subscription.",
        r"GET /subscriptions/[^/]+/providers/Microsoft\.Authorization/permissions -> 200",
    ),
)
# What Azure was recorded to answer, and its documents leave out; an update sends it back, as it does
# all that was read.
RECORDED = tuple(
    Waiver(
        "unknown-property",
        "Azure was recorded to answer it.",
        operation=operation,
        where=rf"(request|response)\.(value\[\]\.)?({properties})",
    )
    for operation, properties in (
        (r"ManagedClusters_\w+", r"properties\.storageProfile\.diskCSIDriver\.version"),
        (r"NatGateways_\w+", r"properties\.type|sku\.tier"),
        (
            r"PrivateDnsZoneGroups_\w+",
            r"properties\.privateDnsZoneConfigs\[\]\.(etag|id|type|properties\.provisioningState)",
        ),
        (r"PrivateEndpoints_\w+", r"properties\.resourceGuid"),
        (r"Registries_\w+", r"properties\.policies\.softDeletePolicy"),
        (
            r"VirtualNetworkGateways_\w+",
            r"properties\.(ipConfigurations\[\]\.type|isMigrateToCSES|packetCaptureDiagnosticState)",
        ),
        (
            r"Workspaces_\w+",
            r"properties\.(acrSkuTier|allowRoleAssignmentOnRG|creationTime|"
            r"enableSoftwareBillOfMaterials|ipAllowlist|managedNetwork\.changeableIsolationModes|"
            r"notebookInfo\.isPrivateLinkEnabled|parameters\.enableFedRampCertification|"
            r"sasGetterUri|sdkTelemetryAppInsightsKey|softDeleteEnabled)",
        ),
    )
)
# Every warning of the checker that is as it should be, with the reason.
WAIVERS = (
    *UNMATCHED,
    *RECORDED,
    Waiver(
        "unknown-property",
        "AKS was recorded to refuse without the envelope that its document describes.",
        operation=r"ManagedClusters_\w+",
        where=r"response\.(code|details|message|subcode)",
    ),
    *(
        Waiver(
            kind,
            "Machine Learning was recorded to refuse a compute with all the fields of its error, "
            "null or not, and with what it says of itself beside them.",
            operation="Compute_CreateOrUpdate",
            where=rf"response\.({fields})",
        )
        for kind, fields in (
            ("null", r"error\.additionalInfo"),
            (
                "unknown-property",
                r"componentName|correlation|environment|location|time|error\.(debugInfo|"
                r"detailsUri|innerError|messageFormat|messageParameters|referenceCode|severity)",
            ),
        )
    ),
    Waiver(
        "unknown-property",
        "Databricks and private DNS were recorded to answer polls of a Location with a status.",
        operation=r"poll\(location\) of (Workspaces|PrivateZones|VirtualNetworkLinks)_CreateOrUpdate",
        where=r"response\.status",
    ),
    Waiver(
        "required",
        "Likewise: a status, and not yet the workspace.",
        operation=r"poll\(location\) of Workspaces_CreateOrUpdate",
        where=r"response\.(location|properties)",
    ),
    Waiver(
        "enum-case",
        "Storage was recorded to write what its keys permit in capitals.",
        operation="StorageAccounts_ListKeys",
        where=r"response\.keys\[\]\.permissions",
    ),
    Waiver(
        "body-unexpected",
        "Registries were recorded to answer a deletion with what was deleted.",
        operation="Registries_Delete",
        where="response",
    ),
    Waiver(
        "lro-retry-after",
        "The clock runs faster than Azure: waits of less than a second go into retry-after-ms, "
        "which the SDKs heed. On a clock of Azure's speed the standard header is there.",
    ),
    Waiver(
        "unknown-property",
        "Rules that name subnets are of api-version 2026-09-01-preview, which is newer than the "
        "documents; the name is that of azure-mgmt-containerregistry 15.1.0b3.",
        operation=r"Registries_\w+",
        where=r"(request|response)\.properties\.networkRuleSet\.virtualNetworkRules",
    ),
    Waiver(
        "unknown-property",
        "ARM itself answers for what is not there, in its own envelope; the document of this type "
        "alone describes errors without one.",
        operation="PrivateEndpoints_Get",
        where=r"response\.error",
    ),
    Waiver(
        "arm-type",
        "The published sample, too, names the type without the locations of its path.",
        operation="Vaults_GetDeleted",
        where=r"response\.type",
    ),
    Waiver(
        "readonly-sent",
        "An update sends back what was read with the changes laid over it, so that nothing that "
        "others made is lost; ARM has providers ignore read-only properties in a PUT.",
        operation=r"\w+_(CreateOrUpdate|Create)",
        where=r"request\..*",
    ),
    Waiver(
        "unknown-property",
        "Likewise: the document of storage accounts leaves read-only properties out of its PUT.",
        operation="StorageAccounts_Create",
        where=r"request\.properties\.(creationTime|primaryEndpoints|primaryLocation|"
        r"privateEndpointConnections|statusOfPrimary)",
    ),
)


def keeps_the_contracts(capture: Path, record: pytest.FixtureRequest) -> None:
    verdict = check(capture)
    print(f"{record.node.name}: {verdict.summary}")
    assert verdict.matched > 100
    assert not verdict.errors, "\n".join(verdict.errors)
    left = verdict.unwaived(WAIVERS)
    assert not left, "\n".join(left)


@pytest.mark.journey
@pytest.mark.xdist_group("journey")
@pytest.mark.parametrize("recipe", ["quickstart", "article", "private"])
def test_a_journey_keeps_the_contracts(recipe: str, request: pytest.FixtureRequest) -> None:
    journey: Journey = request.getfixturevalue(recipe)
    keeps_the_contracts(journey.capture, request)


def options_of(settings: Mapping[str, str]) -> list[str]:
    """Of a command, for settings by field."""
    given = (f"{field.replace('__', '.')}={value}" for field, value in settings.items())
    return [part for option in given for part in ("--set", option)]


UPDATED = next(n for n, (_, settings) in enumerate(WITH_SETTINGS) if "bastion" in settings.values())
"""Of `WITH_SETTINGS`, one of private."""


@pytest.mark.parametrize("which", [n for n in range(len(WITH_SETTINGS)) if n != UPDATED])
def test_a_platform_with_other_settings_keeps_the_contracts(
    which: int, sandbox: Callable[..., Sandbox], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    recipe, settings = WITH_SETTINGS[which]
    capture = tmp_path / "capture.jsonl"
    there = sandbox("--clock", "instant", "--capture", str(capture))
    ran = amlwizard(
        "replay", str(RECIPES / f"{recipe}.yaml"), "--target", "sandbox", "--until", "provision",
        *options_of(settings), AMLWIZARD_HOME=str(tmp_path / "home"), **there.environment,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert there.unknown == []
    keeps_the_contracts(capture, request)


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        breadth("quickstart", {}),
        breadth("article", {}),
        breadth("private", {}),
        WITH_SETTINGS[UPDATED],
    ],
    ids=["quickstart", "article", "private", "private with other settings"],
)
def test_updates_and_teardown_keep_the_contracts(
    recipe: str,
    settings: dict[str, str],
    sandbox: Callable[..., Sandbox],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """The platform is made, changed by somebody, put right, served from, and removed for good."""
    capture = tmp_path / "capture.jsonl"
    there = sandbox("--clock", "instant", "--capture", str(capture))
    for name, value in {**there.environment, "AMLWIZARD_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    common = [str(RECIPES / f"{recipe}.yaml"), "--target", "sandbox", *options_of(settings)]
    replay = ["replay", *common, "--until", "provision"]
    assert main(replay) == 0
    drifted = there.state
    changed = [made for made in _made(recipe_of(recipe, **settings), drifted) if _drift(*made)]
    there.control("state", drifted, "PUT")
    assert len(changed) > 10 and main(replay) == 0
    puts = [call.lower() for call in there.calls if call.startswith("PUT ")]
    assert all(puts.count(f"put {found['id']}".lower()) > 1 for _, found in changed)
    serve(recipe, there)
    assert main(["destroy", *common, "--purge", "--yes"]) == 0
    assert there.state["resources"] == {} and there.unknown == []
    keeps_the_contracts(capture, request)


def _made(recipe: Recipe, state: Json) -> Iterator[tuple[Json, Json]]:
    """What each step wants of its resource, and the resource itself."""
    subscription = next(iter(state["subscriptions"]))
    for step in steps_for(recipe):
        resource = step.resource
        if resource is None:
            continue
        address = resolve(resource.id, {"sign-in": {"subscription": subscription}})
        found = state["resources"].get(address.lower())
        if found:
            yield dict(resource.body), found


def _drift(wanted: Any, found: Any) -> bool:
    """Change the first number or switch that is wanted; whether there was one."""
    if isinstance(wanted, Mapping):
        for key, value in wanted.items():
            if key in found and isinstance(value, int):
                found[key] = not value if isinstance(value, bool) else value + 1
                return True
            if _drift(value, found.get(key)):
                return True
    if isinstance(wanted, list) and isinstance(found, list):
        return any(_drift(*both) for both in zip(wanted, found, strict=False))
    return False
