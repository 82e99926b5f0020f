"""Preflight: every state that a cloud can be in, through the command; nothing is ever written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
from support import RECIPES, Command, Json, Sandbox, recipe_of, running

from amlwizard import cli
from amlwizard.steps import steps_for
from amlwizard.steps.foundation import PROVIDERS

pytestmark = pytest.mark.xdist_group("preflight")

QUICKSTART = str(RECIPES / "quickstart.yaml")
QUESTIONS = ("/checkNameAvailability", "/checkPolicyRestrictions")


@dataclass
class Cloud:
    """A sandbox with registered providers, put back after each test."""

    sandbox: Sandbox
    start: Json = field(default_factory=dict)

    @property
    def subscription(self) -> str:
        return f"/subscriptions/{self.sandbox.description['subscription']}"

    @property
    def group(self) -> str:
        return f"{self.subscription}/resourceGroups/rg-mlquick01"

    def state(self, **changes: Any) -> None:
        self.sandbox.control("state", changes)

    def holds(self, *documents: Json) -> None:
        self.state(resources={document["id"].lower(): document for document in documents})

    def vnet(self, name: str, *prefixes: str, group: str = "", **properties: Any) -> Json:
        where = group or f"{self.subscription}/resourceGroups/rg-other"
        return document(
            f"{where}/providers/Microsoft.Network/virtualNetworks/{name}",
            **{
                "addressSpace": {"addressPrefixes": list(prefixes)},
                "subnets": [],
                "virtualNetworkPeerings": [],
                **properties,
            },
        )

    def our_group(self) -> Json:
        return {
            "id": self.group,
            "name": "rg-mlquick01",
            "type": "Microsoft.Resources/resourceGroups",
            "location": "westeurope",
            "tags": {"amlwizard": "mlquick01"},
            "properties": {"provisioningState": "Succeeded"},
        }


def document(resource_id: str, /, **properties: Any) -> Json:
    _, _, tail = resource_id.rpartition("/providers/")
    namespace, *rest = tail.split("/")
    return {
        "id": resource_id,
        "name": rest[-1],
        "type": "/".join([namespace, *rest[::2]]),
        "location": "westeurope",
        "tags": {},
        "properties": {"provisioningState": "Succeeded", **properties},
    }


@pytest.fixture(scope="module")
def registered() -> Iterator[Cloud]:
    with running("--approve", "--clock", "instant") as sandbox:
        arm = sandbox.cloud().arm
        for namespace in PROVIDERS:
            arm.post(
                f"/subscriptions/{arm.subscription}/providers/{namespace}/register", "2021-04-01"
            )
        yield Cloud(sandbox, sandbox.control("state", method="GET"))


@pytest.fixture
def cloud(registered: Cloud) -> Iterator[Cloud]:
    yield registered
    registered.sandbox.control("state", deepcopy(registered.start), method="PUT")
    registered.sandbox.control("faults", method="DELETE")


Preflight = Callable[..., list[Json]]


@pytest.fixture
def preflight(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Preflight:
    """The command; answers its findings, after making sure that it only asked."""
    monkeypatch.setenv("AMLWIZARD_SANDBOX", str(cloud.sandbox.file))

    def run(*options: str, recipe: str = QUICKSTART) -> list[Json]:
        before = len(cloud.sandbox.calls)
        capsys.readouterr()
        code = cli.main(
            ["preflight", recipe, "--target", "sandbox", "--approve", "--json", *options]
        )
        told = json.loads(capsys.readouterr().out)
        for call in cloud.sandbox.calls[before:]:
            method, path = call.split()
            reads = method == "GET" or path.endswith(QUESTIONS) or "/oauth2/v2.0/" in path
            assert reads, call
        assert cloud.sandbox.unknown == []
        errors = [f for f in told["findings"] if f["severity"] == "error"]
        assert (told["errors"], told["warnings"]) == (
            len(errors),
            len(told["findings"]) - len(errors),
        )
        assert code == (2 if errors else 0)
        return list(told["findings"])

    return run


def only(findings: list[Json], rule: str, *fields: str, severity: str = "error") -> Json:
    """The one finding, under these fields, with a cure as a command."""
    assert [f["rule"] for f in findings] == [rule], findings
    [finding] = findings
    assert finding["fields"] == list(fields) and finding["severity"] == severity
    assert finding["what"] and finding["fix"]
    return finding


def replaying(*settings: str) -> str:
    return f"amlwizard replay {QUICKSTART} " + " ".join(f"--set {s}" for s in settings)


def test_an_empty_subscription_is_ready(preflight: Preflight) -> None:
    assert preflight() == []


@pytest.mark.parametrize("recipe", ["article", "private"])
def test_so_it_is_for_the_other_recipes(recipe: str, preflight: Preflight) -> None:
    assert preflight(recipe=str(RECIPES / f"{recipe}.yaml")) == []


# -- names


@pytest.mark.parametrize(
    ("kind", "name", "field"),
    [
        ("Microsoft.Storage/storageAccounts", "stmlquick01", "names.storage"),
        ("Microsoft.ContainerRegistry/registries", "crmlquick01", "names.registry"),
        ("Microsoft.KeyVault/vaults", "kv-mlquick01", "names.key_vault"),
    ],
)
def test_a_name_that_is_taken(
    kind: str, name: str, field: str, cloud: Cloud, preflight: Preflight
) -> None:
    cloud.state(taken=[f"{kind}/{name}"])
    found = only(preflight(), "name-taken", field)
    other = found["cure"][field]
    assert name in found["what"] and other.startswith(name) and other != name
    assert found["command"] == replaying(f"{field}={other}")
    assert preflight("--set", f"{field}={other}") == []


def test_an_endpoint_name_that_is_taken_in_the_region(cloud: Cloud, preflight: Preflight) -> None:
    stem = f"{cloud.subscription}/resourceGroups/rg-other/providers"
    other = f"{stem}/Microsoft.MachineLearningServices/workspaces/mlw-other"
    cloud.holds(
        {**cloud.our_group(), "id": stem.removesuffix("/providers"), "name": "rg-other"},
        document(other),
        document(f"{other}/onlineEndpoints/MLE-mlquick01"),
    )
    found = only(preflight(), "name-taken", "names.endpoint")
    assert found["command"] == replaying("names.endpoint=mle-mlquick01-2")
    elsewhere = {**document(other), "location": "northeurope"}
    cloud.holds(elsewhere)
    assert preflight() == []


def test_a_managed_group_that_exists(cloud: Cloud, preflight: Preflight) -> None:
    group = f"{cloud.subscription}/resourceGroups/rg-mlquick01-dbw"
    cloud.holds({**cloud.our_group(), "id": group, "name": "rg-mlquick01-dbw"})
    found = only(preflight(), "name-taken", "names.databricks_managed_group")
    assert found["command"] == replaying("names.databricks_managed_group=rg-mlquick01-dbw-2")


def deleted_vault(cloud: Cloud, group: str, protected: bool = False) -> None:
    vault = f"{cloud.subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults"
    cloud.state(
        deleted={
            "vaults/kv-mlquick01": {
                "id": "x",
                "name": "kv-mlquick01",
                "type": "Microsoft.KeyVault/deletedVaults",
                "properties": {
                    "vaultId": f"{vault}/kv-mlquick01",
                    "location": "northeurope",
                    "scheduledPurgeDate": "2027-02-03T04:05:06.0000000Z",
                    "purgeProtectionEnabled": protected,
                },
            }
        }
    )


@pytest.mark.parametrize(
    ("group", "protected", "command"),
    [
        ("rg-mlquick01", False, "az keyvault recover --name kv-mlquick01 --location northeurope"),
        ("rg-mlquick01", True, "az keyvault recover --name kv-mlquick01 --location northeurope"),
        ("rg-other", False, "az keyvault purge --name kv-mlquick01 --location northeurope"),
        ("rg-other", True, replaying("names.key_vault=kv-mlquick01-2")),
    ],
)
def test_a_deleted_vault(
    group: str, protected: bool, command: str, cloud: Cloud, preflight: Preflight
) -> None:
    deleted_vault(cloud, group, protected)
    found = only(preflight(), "soft-deleted", "names.key_vault")
    assert found["command"] == command and "2027-02-03" in found["why"]


def test_a_deleted_workspace(cloud: Cloud, preflight: Preflight) -> None:
    workspace = (
        f"{cloud.group}/providers/Microsoft.MachineLearningServices/workspaces/mlw-mlquick01"
    )
    key = f"workspaces/{cloud.sandbox.description['subscription']}/rg-mlquick01/mlw-mlquick01"
    cloud.state(deleted={key: {"id": workspace, "location": "westeurope"}})
    purge = f'az rest --method delete --url "{workspace}?api-version=2025-09-01&forceToPurge=true"'
    found = only(preflight(), "soft-deleted", "names.workspace")
    assert found["command"] == (
        f"az group create --name rg-mlquick01 --location westeurope && {purge}"
    )
    cloud.holds(cloud.our_group())
    assert only(preflight(), "soft-deleted", "names.workspace")["command"] == purge
    cloud.sandbox.cloud().arm.send("DELETE", f"{workspace}?forceToPurge=true", "2025-09-01")
    assert preflight() == []


def test_a_group_in_another_region(cloud: Cloud, preflight: Preflight) -> None:
    cloud.holds({**cloud.our_group(), "location": "northeurope"})
    found = only(preflight(), "other-region", "names.resource_group", "sign_in.region")
    assert found["cure"] == {"sign_in.region": "northeurope"}
    assert found["command"] == replaying("sign_in.region=northeurope")


# -- what is offered


def test_a_size_that_is_not_offered_is_one_finding_with_all_its_fields(
    cloud: Cloud, preflight: Preflight
) -> None:
    cloud.state(limits={"sizes_not_offered": ["Standard_DS3_v2"]})
    fields = ("serving.node_size", "training.node_type", "serving.build_node_size")
    found = only(preflight(), "sku-not-offered", *fields)
    assert set(found["cure"]) == set(fields)
    [other] = set(found["cure"].values())
    assert found["command"] == replaying(*(f"{f}={other}" for f in fields))
    assert preflight(*(part for f in fields for part in ("--set", f"{f}={other}"))) == []


def test_a_size_that_does_not_exist(preflight: Preflight) -> None:
    found = only(preflight("--set", "serving.node_size=Standard_X9"), "sku-not-offered",
                 "serving.node_size")  # fmt: skip
    assert "no such size" in found["why"]


def test_a_region_without_a_service(cloud: Cloud, preflight: Preflight) -> None:
    missing = {"Microsoft.Databricks/workspaces": ["westeurope", "canadacentral"]}
    cloud.state(limits={"not_offered": missing})
    found = only(preflight(), "region-not-offered", "sign_in.region")
    assert "Microsoft.Databricks/workspaces" in found["what"]
    region = found["cure"]["sign_in.region"]
    assert found["command"] == replaying(f"sign_in.region={region}")
    assert preflight("--set", f"sign_in.region={region}") == []


def test_a_region_that_is_none_is_the_only_finding(preflight: Preflight) -> None:
    found = only(
        preflight("--set", "sign_in.region=westeuropa"), "region-not-offered", "sign_in.region"
    )
    assert found["cure"] == {"sign_in.region": "westeurope"}


def test_a_kubernetes_version_that_is_not_offered(cloud: Cloud, preflight: Preflight) -> None:
    cloud.sandbox.fault(
        "GET .*/kubernetesVersions",
        status=200,
        body={"values": [{"version": "1.36", "patchVersions": {"1.36.2": {}}}]},
    )
    assert preflight("--set", "serving.kubernetes_version='1.36'") == []
    found = only(
        preflight("--set", "serving.kubernetes_version='1.37'"),
        "kubernetes-version",
        "serving.kubernetes_version",
    )
    assert found["cure"] == {"serving.kubernetes_version": "1.36"}


# -- quota: 3 AKS nodes and one for upgrades, 1 Databricks node, 4 vCPUs each


def test_vcpus_of_the_region(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(limits={"cores": 20})
    assert preflight() == []
    cloud.state(limits={"cores": 19})
    found = only(
        preflight(),
        "vcpu-quota",
        "serving.nodes",
        "serving.node_size",
        "training.workers",
        "training.node_type",
    )
    assert "20 are needed, 19 are left" in found["what"] and "16 for 3 AKS nodes" in found["why"]
    scope = f"{cloud.subscription}/providers/Microsoft.Compute/locations/westeurope"
    assert found["command"] == (
        f"az quota update --resource-name cores --scope {scope} --limit-object value=20"
    )


def test_vcpus_of_a_family(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(limits={"family_cores": 19})
    found = preflight("--set", "training.node_type=Standard_E4s_v5")
    assert found == []
    found = preflight()
    assert [f["rule"] for f in found] == ["vcpu-quota"]
    assert "standardDSv2Family" in found[0]["what"]
    assert "--resource-name standardDSv2Family" in found[0]["command"]


def test_vcpus_of_machine_learning_are_counted_apart(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(limits={"ml_cores": 3})
    found = preflight()
    assert {f["rule"] for f in found} == {"ml-vcpu-quota"} and len(found) == 2
    assert all(f["fields"] == ["serving.build_node_size"] for f in found)
    assert "Microsoft.MachineLearningServices/locations/westeurope" in found[0]["command"]


def test_public_addresses(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(limits={"PublicIPAddresses": 3})
    assert preflight() == []
    cloud.state(limits={"PublicIPAddresses": 2})
    found = only(preflight(), "public-ip-quota", "names.public_ip", "serving.load_balancer")
    assert "3 are needed, 2 are left" in found["what"]
    assert "--resource-name publicipaddresses" in found["command"].lower()
    assert preflight("--set", "serving.load_balancer=internal") == []


def test_other_network_quotas(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(limits={"PrivateEndpoints": 4})
    found = only(preflight(), "network-quota", "sign_in.region")
    assert "5 are needed, 4 are left" in found["what"]


# -- rights


CONTRIBUTOR = {"allowed": ["*"], "denied": ["Microsoft.Authorization/*/Write"]}


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
    found = only(preflight(), "policy", "names.public_ip", "names.nat_gateway")
    assert all(kind in found["what"] for kind in kinds)
    assignment = (
        f"{cloud.subscription}/providers/Microsoft.Authorization/policyAssignments/"
        "no-public-addresses"
    )
    assert found["command"] == (
        f"az policy exemption create --name amlwizard-mlquick01 --policy-assignment {assignment} "
        f"--exemption-category Waiver --scope {cloud.subscription}"
    )
    assert preflight("--set", "security.nat_gateway=false") == []


def test_a_policy_that_only_audits_is_no_finding(cloud: Cloud, preflight: Preflight) -> None:
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
    assert preflight() == []


def test_what_cannot_be_looked_at_is_said_once(cloud: Cloud, preflight: Preflight) -> None:
    for what in ("virtualNetworks", "usages", "skus"):
        cloud.sandbox.fault(
            f"GET .*/{what}", status=403, code="AuthorizationFailed", message="You may not."
        )
    found = only(preflight(), "not-checked", "sign_in.subscription", severity="warning")
    for part in ("vCPU quota", "VM sizes", "virtual networks"):
        assert part in found["what"]
    assert "--role Reader" in found["command"]


def test_what_an_unregistered_provider_cannot_say_is_no_second_finding(
    cloud: Cloud, preflight: Preflight
) -> None:
    refusal = {"status": 409, "code": "MissingSubscriptionRegistration", "message": "register"}
    cloud.sandbox.fault("POST .*/Microsoft.Storage/checkNameAvailability", **refusal)
    assert preflight() == []
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
    assert found["command"] == f"amlwizard replay {QUICKSTART} --until provision"


# -- the network


def test_a_vnet_that_others_overlap_can_never_be_peered(cloud: Cloud, preflight: Preflight) -> None:
    remote = {
        "name": "to-far",
        "properties": {
            "remoteVirtualNetwork": {"id": "/subscriptions/x/y/virtualNetworks/vnet-far"},
            "remoteAddressSpace": {"addressPrefixes": ["10.100.128.0/17"]},
        },
    }
    cloud.holds(
        cloud.vnet("vnet-wide", "10.96.0.0/12", "fd00::/48"),
        cloud.vnet("vnet-apart", "10.1.0.0/16", virtualNetworkPeerings=[remote]),
        cloud.vnet("vnet-services", "10.0.0.0/16"),
    )
    found = only(preflight(), "vnet-overlap", "addresses.vnet", severity="warning")
    assert "vnet-wide (10.96.0.0/12)" in found["what"]
    assert "vnet-far (10.100.128.0/17)" in found["what"] and "vnet-services" not in found["what"]
    cure = found["cure"]
    assert cure["addresses.vnet"].endswith("/16") and len(cure) >= 6
    assert found["command"] == replaying(*(f"{k}={v}" for k, v in cure.items()))
    moved = [part for k, v in cure.items() for part in ("--set", f"{k}={v}")]
    assert preflight(*moved) == []


def ours(cloud: Cloud, *subnets: Json, **properties: Any) -> Json:
    return cloud.vnet("vnet-mlquick01", "10.100.0.0/16", group=cloud.group,
                      subnets=list(subnets), **properties)  # fmt: skip


def subnet(cloud: Cloud, name: str, prefix: str) -> Json:
    vnet = f"{cloud.group}/providers/Microsoft.Network/virtualNetworks/vnet-mlquick01"
    return {
        "id": f"{vnet}/subnets/{name}",
        "name": name,
        "properties": {"addressPrefix": prefix, "delegations": []},
    }


def test_what_our_vnet_is_peered_with_must_not_overlap(cloud: Cloud, preflight: Preflight) -> None:
    remote = {
        "name": "to-hub",
        "properties": {
            "remoteVirtualNetwork": {"id": "/subscriptions/x/y/virtualNetworks/vnet-hub"},
            "remoteAddressSpace": {"addressPrefixes": ["10.0.128.0/17"]},
        },
    }
    cloud.holds(cloud.our_group(), ours(cloud, virtualNetworkPeerings=[remote]))
    found = only(preflight(), "vnet-overlap", "addresses.service_cidr")
    assert "vnet-hub (10.0.128.0/17)" in found["what"]


def test_our_own_vnet_is_no_overlap(cloud: Cloud, preflight: Preflight) -> None:
    cloud.holds(cloud.our_group(), ours(cloud))
    assert preflight() == []


def foreign_workspace(cloud: Cloud) -> Json:
    vnet = f"{cloud.group}/providers/Microsoft.Network/virtualNetworks/vnet-mlquick01"
    stem = f"{cloud.subscription}/resourceGroups/rg-other/providers"
    return document(
        f"{stem}/Microsoft.Databricks/workspaces/dbw-other",
        workspaceId="1",
        parameters={
            "customVirtualNetworkId": {"value": vnet},
            "customPublicSubnetName": {"value": "snet-mlquick01-dbw-public"},
            "customPrivateSubnetName": {"value": "snet-elsewhere"},
        },
    )


def test_a_subnet_that_another_workspace_has(cloud: Cloud, preflight: Preflight) -> None:
    held = subnet(cloud, "snet-mlquick01-dbw-public", "10.100.200.0/24")
    cloud.holds(cloud.our_group(), ours(cloud, held), foreign_workspace(cloud))
    fields = ("names.databricks_public_subnet", "addresses.databricks_public")
    found = only(preflight(), "subnet-in-use", *fields)
    assert "dbw-other" in found["why"] and set(found["cure"]) == set(fields)
    assert found["command"] == replaying(*(f"{k}={v}" for k, v in found["cure"].items()))
    assert preflight(*(p for k, v in found["cure"].items() for p in ("--set", f"{k}={v}"))) == []


def test_a_subnet_in_use_keeps_its_range(cloud: Cloud, preflight: Preflight) -> None:
    held = subnet(cloud, "snet-mlquick01-workspace", "10.100.99.0/24")
    endpoint = document(
        f"{cloud.subscription}/resourceGroups/rg-other/providers/Microsoft.Network/"
        "privateEndpoints/pep-other",
        subnet={"id": held["id"]},
        privateLinkServiceConnections=[],
    )
    cloud.holds(cloud.our_group(), ours(cloud, held), endpoint)
    found = only(preflight(), "subnet-in-use", "addresses.workspace", "names.workspace_subnet")
    assert "pep-other" in found["why"]
    assert found["command"] == replaying("addresses.workspace=10.100.99.0/24")


def test_a_subnet_in_the_way(cloud: Cloud, preflight: Preflight) -> None:
    cloud.holds(cloud.our_group(), ours(cloud, subnet(cloud, "theirs", "10.100.110.128/25")))
    found = only(preflight(), "subnet-in-use", "addresses.compute")
    assert "theirs (10.100.110.128/25)" in found["what"]
    assert found["command"] == replaying(*(f"{k}={v}" for k, v in found["cure"].items()))
    assert preflight(*(p for k, v in found["cure"].items() for p in ("--set", f"{k}={v}"))) == []


# -- all at once, and in a run


def many_troubles(cloud: Cloud) -> None:
    deleted_vault(cloud, "rg-other")
    cloud.holds(cloud.vnet("vnet-wide", "10.96.0.0/12"))
    cloud.state(
        taken=["Microsoft.Storage/storageAccounts/stmlquick01"],
        limits={"cores": 3, "PublicIPAddresses": 0},
        policies=[{"name": "no-aks", "types": ["Microsoft.ContainerService/managedClusters"]}],
        **CONTRIBUTOR,
    )


TROUBLES = [
    "name-taken",
    "policy",
    "public-ip-quota",
    "role-action",
    "soft-deleted",
    "vcpu-quota",
]


def test_everything_is_found_at_once_errors_first(cloud: Cloud, preflight: Preflight) -> None:
    many_troubles(cloud)
    found = preflight()
    errors = [f["rule"] for f in found if f["severity"] == "error"]
    assert sorted(errors) == TROUBLES
    assert [f["rule"] for f in found[len(errors) :]] == ["vnet-overlap"]
    assert all(f["command"] for f in found)


def test_for_people_each_has_its_cure_as_a_command(
    cloud: Cloud, preflight: Preflight, command: Command
) -> None:
    many_troubles(cloud)
    found = preflight()
    told = command(
        "preflight", QUICKSTART, "--target", "sandbox", "--approve", **cloud.sandbox.environment
    )
    assert told.code == 2 and "6 errors, 1 warnings" in told.out
    for finding in found:
        assert finding["what"] in told.out and f"$ {finding['command']}" in told.out


def test_a_run_stops_before_its_first_write(cloud: Cloud, command: Command) -> None:
    many_troubles(cloud)
    before = len(cloud.sandbox.calls)
    ran = command(
        "replay", QUICKSTART, "--target", "sandbox", "--approve", "--json",
        **cloud.sandbox.environment,
    )  # fmt: skip
    assert ran.code == 2
    said = ran.final("preflight")
    found = said["outputs"]["findings"]
    assert sorted(f["rule"] for f in found if f["severity"] == "error") == TROUBLES
    assert said["what"].startswith("The cloud would refuse 6 things")
    assert all(f["what"] in said["why"] for f in found if f["severity"] == "error")
    others = {s: o for s, o in ran.outcomes.items() if s not in ("sign-in", "preflight")}
    assert set(others.values()) == {"blocked"}
    assert {ran.final(step)["because"] for step in others} == {"preflight"}
    writes = [c for c in cloud.sandbox.calls[before:] if c.split()[0] in ("PUT", "PATCH", "DELETE")]
    assert writes == []
    for finding in found:
        assert f"$ {finding['command']}" in ran.err


@pytest.mark.parametrize("name", ["quickstart", "article", "private"])
def test_every_other_step_comes_after_preflight(name: str) -> None:
    after = {step.id: set(step.after) for step in steps_for(recipe_of(name))}
    before: set[str] = {"preflight"}
    while grown := {s for s, needs in after.items() if needs & before} - before:
        before |= grown
    assert set(after) - before == {"sign-in"}


def test_preflight_knows_every_provider_that_the_run_registers(
    cloud: Cloud, preflight: Preflight
) -> None:
    state = deepcopy(cloud.start)
    state["providers"] = {}
    cloud.sandbox.control("state", state, method="PUT")
    [found] = preflight()
    assert {ns for ns in PROVIDERS if ns in found["command"]} == set(PROVIDERS)
