"""Missing permissions, denials by policy, and what cannot be read."""

from __future__ import annotations

import shlex
from copy import deepcopy

import pytest
from support import Json
from support.breadth import narrowed
from support.faults import FAULTS
from support.preflights import CONTRIBUTOR, QUICKSTART, Cloud, Preflight, only

pytestmark = pytest.mark.xdist_group("preflight")


def test_a_contributor_cannot_assign_roles(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(**CONTRIBUTOR)
    found = only(preflight(), "role-action", "sign_in.subscription")
    assert "Microsoft.Authorization/roleAssignments/write" in found["what"]
    assert found["command"] == (
        "az role assignment create --assignee engineer@sandbox.example "
        f'--role "Role Based Access Control Administrator" --scope {cloud.subscription}'
    )


def test_a_reader_lacks_two_roles(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(allowed=["*/read"])
    found = preflight()
    assert [f["rule"] for f in found] == ["role-action", "role-action"]
    assert ['--role "Contributor"' in f["command"] for f in found] == [True, False]
    assert "virtualNetworks/write" in found[0]["what"] or "more" in found[0]["what"]


def test_providers_are_registered_by_the_run_if_it_may(cloud: Cloud, preflight: Preflight) -> None:
    subscription = cloud.sandbox.description["subscription"]
    state = deepcopy(cloud.start)
    del state["providers"][subscription]["Microsoft.Databricks"]
    cloud.sandbox.control("state", state, method="PUT")
    found = only(preflight(), "provider-not-registered", "sign_in.subscription", severity="warning")
    assert found["command"] == "az provider register --wait --namespace Microsoft.Databricks"
    cloud.state(denied=["*/register/action"])
    found = only(preflight(), "provider-not-registered", "sign_in.subscription")
    assert "Microsoft.Databricks/register/action" in found["why"]


def test_a_policy_that_forbids(cloud: Cloud, preflight: Preflight) -> None:
    kinds = ["Microsoft.Network/publicIPAddresses", "Microsoft.Network/natGateways"]
    cloud.state(policies=[{"name": "no-public-addresses", "types": kinds}])
    internal = ("--set", "serving.load_balancer=internal")
    own, of_aks = preflight(*internal)
    assert of_aks["fields"] == ["security.aks_outbound"] and "by itself" in of_aks["what"]
    found = only([own], "policy", "names.public_ip", "names.nat_gateway")
    assert all(kind in found["what"] for kind in kinds)
    assignment = (
        f"{cloud.subscription}/providers/Microsoft.Authorization/policyAssignments/"
        "no-public-addresses"
    )
    assert found["command"] == (
        f"az policy exemption create --name amlwizard-mlquick01 --policy-assignment {assignment} "
        f"--exemption-category Waiver --scope {cloud.subscription}"
    )
    assert preflight(*internal, "--set", "security.nat_gateway=false") == [of_aks]


def elsewhere(cloud: Cloud) -> None:
    """Assign a policy that does not concern the recipe: so each of its resources is asked about."""
    cloud.state(policies=[{"name": "no-batch", "types": ["Microsoft.Batch/batchAccounts"]}])


def questions(cloud: Cloud) -> int:
    return cloud.sandbox.received("POST .*/checkPolicyRestrictions")


def test_azure_policy_is_asked_only_where_policies_are_assigned(
    cloud: Cloud, preflight: Preflight
) -> None:
    before = questions(cloud)
    assert preflight() == [] and questions(cloud) == before
    elsewhere(cloud)
    assert preflight() == [] and questions(cloud) > before + 10


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403, "code": "AuthorizationFailed", "message": "You may not."},
        {"status": 200, "body": {}},
        {"status": 200, "body": {"value": [], "nextLink": "https://more"}},
    ],
)
def test_who_cannot_tell_whether_there_are_policies_asks(
    cloud: Cloud, preflight: Preflight, fault: Json
) -> None:
    cloud.state(policies=[{"name": "no-vaults", "types": ["Microsoft.KeyVault/vaults"]}])
    cloud.sandbox.fault("GET .*/policyAssignments", **fault)
    only(preflight(), "policy", "names.key_vault")


def test_a_policy_that_only_audits_is_no_finding(cloud: Cloud, preflight: Preflight) -> None:
    elsewhere(cloud)
    before = questions(cloud)
    audit = {
        "policyInfo": {"policyAssignmentId": "/x"},
        "evaluationResult": "NonCompliant",
        "effectDetails": {"policyEffect": "Audit"},
    }
    cloud.sandbox.fault(
        "POST .*/checkPolicyRestrictions",
        status=200,
        body={"contentEvaluationResult": {"policyEvaluations": [audit]}},
    )
    assert preflight() == [] and questions(cloud) > before


def test_what_cannot_be_looked_at_is_said_once(cloud: Cloud, commanded: Preflight) -> None:
    for what in ("virtualNetworks", "usages", "skus"):
        cloud.sandbox.fault(
            f"GET .*/{what}", status=403, code="AuthorizationFailed", message="You may not."
        )
    found = only(commanded(), "not-checked", "sign_in.subscription", severity="warning")
    for part in ("vCPU quota", "VM sizes", "virtual networks"):
        assert part in found["what"]
    assert "--role Reader" in found["command"]


@pytest.mark.parametrize(
    "fault", narrowed([FAULTS["lost"], FAULTS["503"], FAULTS["500"]], FAULTS["lost"])
)
def test_without_an_answer_of_azure_policy_it_goes_on(
    cloud: Cloud, preflight: Preflight, fault: Json
) -> None:
    """What it says before a write is advice: it judges the write itself."""
    elsewhere(cloud)
    cloud.sandbox.fault("POST .*/checkPolicyRestrictions", **fault)
    found = only(preflight(), "not-checked", "sign_in.subscription", severity="warning")
    assert "Could not be checked" in found["what"] and found["fix"]


def test_what_an_unregistered_provider_cannot_say_is_no_second_finding(
    cloud: Cloud, preflight: Preflight
) -> None:
    refusal = {"status": 409, "code": "MissingSubscriptionRegistration", "message": "register"}
    cloud.sandbox.fault("POST .*/Microsoft.Storage/checkNameAvailability", **refusal)
    elsewhere(cloud)
    cloud.sandbox.fault("POST .*/checkPolicyRestrictions", **refusal)
    found = only(preflight(), "not-checked", "sign_in.subscription", severity="warning")
    assert found["command"] == "az provider register --namespace Microsoft.PolicyInsights"


def test_the_notebooks_secrets(cloud: Cloud, preflight: Preflight) -> None:
    found = only(
        preflight("--set", "sign_in.notebook_login=service-principal"),
        "notebook-secrets",
        "sign_in.notebook_login",
        "sign_in.notebook_secret_scope",
        severity="warning",
    )
    assert (
        found["command"]
        == f"amlwizard replay {shlex.quote(str(QUICKSTART))} --target sandbox --until provision"
    )
