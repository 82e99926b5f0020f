"""What the sandbox refuses because of what else there is: names, tokens, rights, time."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from threading import Event as CancelEvent
from typing import Any

import httpx
import pytest
from support import PATIENCE, Sandbox, existing, running
from support.platforms import Platform, both, nothing, setting, without

from amlwizard.errors import CloudError
from amlwizard.notebook.access import api_of

pytestmark = pytest.mark.xdist_group("refusals")

TAKEN = {
    "storage": (409, "StorageAccountAlreadyTaken"),
    "key-vault": (409, "VaultAlreadyExists"),
    "registry": (409, "AlreadyInUse"),
}


@pytest.mark.parametrize("step", TAKEN)
def test_names_that_are_unique_in_the_world_are_refused_to_the_second(
    platform: Platform, step: str
) -> None:
    resource_id = platform.document(step)[0]
    kind = resource_id.partition("/providers/")[2].rpartition("/")[0]
    platform.sandbox.change(taken=[f"{kind}/takenname01"])
    error = platform.refused(step, nothing, "takenname01")
    assert (error.status, error.code) == TAKEN[step]
    assert "unique" in error.fix


@pytest.mark.parametrize(
    ("step", "code"),
    [("storage", "NetworkAclsValidationFailure"), ("key-vault", "VirtualNetworkNotValid")],
)
def test_a_firewall_rule_wants_the_service_endpoint_on_the_subnet(
    platform: Platform, step: str, code: str
) -> None:
    allowed = f"{platform.outputs['vnet']['id']}/subnets/snet-mlquick01-compute"
    rule = setting("properties.networkAcls.virtualNetworkRules", [{"id": allowed}])
    error = platform.refused(step, rule)
    assert (error.status, error.code) == (400, code)
    assert "SubnetsHaveNoServiceEndpointsConfigured" in error.why


def put_and_deleted(platform: Platform, step: str, name: str) -> None:
    """Another one like that of the step, which has been deleted again."""
    platform.put(step, nothing, name)
    resource_id, version, _ = platform.document(step)
    platform.cloud.arm.send("DELETE", f"{resource_id.rpartition('/')[0]}/{name}", version)


def test_a_deleted_vault_keeps_its_name(platform: Platform) -> None:
    put_and_deleted(platform, "key-vault", "kv-passing")
    error = platform.refused("key-vault", nothing, "kv-passing")
    assert (error.status, error.code) == (409, "ConflictError")
    assert "purge" in error.fix
    platform.put("key-vault", setting("properties.createMode", "recover"), "kv-passing")


def test_a_deleted_workspace_keeps_its_name_until_it_is_purged(platform: Platform) -> None:
    put_and_deleted(platform, "workspace", "mlw-passing")
    error = platform.refused("workspace", nothing, "mlw-passing")
    assert error.status == 400 and "Soft-deleted workspace exists" in error.why


def test_a_basic_registry_has_no_private_endpoint(platform: Platform) -> None:
    basic = both(setting("sku.name", "Basic"), without("properties.publicNetworkAccess"))
    made = platform.put("registry", basic, "crbasic01")
    error = platform.refused(
        "private-endpoint.registry",
        setting("properties.privateLinkServiceConnections.0.properties.privateLinkServiceId", made["id"]),
        "pep-basic",
    )  # fmt: skip
    assert error.status == 400 and "Premium" in error.why


def test_kubernetes_compute_wants_the_extension(platform: Platform) -> None:
    """Taken, and found out when Machine Learning looks into the cluster."""
    extension, version, _ = platform.document("aks-extension")
    platform.cloud.arm.send("DELETE", extension, version)
    compute, version, body = platform.document("kubernetes-compute")
    other = f"{compute.rpartition('/')[0]}/aks-other"
    with pytest.raises(CloudError) as error:
        platform.cloud.arm.put(other, version, body, lambda *_, **__: None, CancelEvent())
    assert error.value.code == "ClusterServiceNotFound"


def test_a_policy_of_somebody_else_is_named(platform: Platform) -> None:
    platform.sandbox.change(
        policies=[{"name": "no-public-addresses", "types": ["Microsoft.Network/publicIPAddresses"]}]
    )
    error = platform.refused("public-ip", nothing, "pip-other")
    assert (error.status, error.code) == (403, "RequestDisallowedByPolicy")
    assert "no-public-addresses" in error.why


# -- at the door


def test_an_unknown_path_is_not_implemented_and_recorded(platform: Platform) -> None:
    """`platform` starts with none: a replay asks for nothing that the sandbox does not know."""
    path = f"{platform.outputs['resource-group']['id']}/providers/Microsoft.Cache/redis/mine"
    assert platform.sandbox.unknown == []
    with pytest.raises(CloudError) as error:
        platform.cloud.arm.send("PUT", path, "2024-11-01", {"location": "westeurope"})
    assert error.value.status == 501
    assert platform.sandbox.unknown == [{"method": "PUT", "path": path}]


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("2099-01-01", "NoRegisteredProviderFound"),
        ("yesterday", "InvalidApiVersionParameter"),
        ("", "MissingApiVersionParameter"),
    ],
)
def test_an_api_version_that_is_none_is_refused(
    platform: Platform, version: str, code: str
) -> None:
    with pytest.raises(CloudError) as error:
        platform.cloud.arm.send("GET", platform.outputs["vnet"]["id"], version)
    assert (error.value.status, error.value.code) == (400, code)


def asked(platform: Platform, token: str | None, url: str = "") -> httpx.Response:
    vnet = f"{platform.cloud.profile.arm}{platform.outputs['vnet']['id']}?api-version=2025-01-01"
    return httpx.get(
        url or vnet,
        headers={"Authorization": f"Bearer {token}"} if token else {},
        verify=ssl.create_default_context(cafile=platform.sandbox.description["ca"]),
        trust_env=False,
        timeout=PATIENCE,
    )


def test_arm_takes_only_tokens_for_arm(platform: Platform) -> None:
    tokens = {
        name: platform.cloud.access_token(name).reveal() for name in ("arm", "ml", "databricks")
    }
    assert asked(platform, tokens["arm"]).status_code == 200
    for name in ("ml", "databricks"):
        answer = asked(platform, tokens[name])
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "InvalidAuthenticationTokenAudience"
    head, claims, signature = tokens["arm"].split(".")
    for wrong in (None, "nonsense", f"{head}.{claims}.{'A' * len(signature)}"):
        assert asked(platform, wrong).status_code == 401


def test_databricks_takes_only_tokens_for_databricks(platform: Platform) -> None:
    url = f"https://{platform.outputs['databricks']['url']}/api/2.1/clusters/list"
    assert (
        asked(platform, platform.cloud.access_token("databricks").reveal(), url).status_code == 200
    )
    refused = asked(platform, platform.cloud.access_token("arm").reveal(), url)
    assert (refused.status_code, refused.json()["error_code"]) == (401, "UNAUTHENTICATED")


def strangers(platform: Platform) -> str:
    """The workspace as it is new, when nobody is a user of it; answers its host."""
    databricks = platform.sandbox.state["databricks"]
    for held in databricks.values():
        held["users"] = []
    platform.sandbox.change(databricks=databricks)
    return f"https://{platform.outputs['databricks']['url']}"


def test_databricks_knows_no_person_before_the_workspace_was_shown(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With databricks-sdk itself, which sends the id of the workspace only where it is told it."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config
    from databricks.sdk.credentials_provider import CredentialsStrategy
    from databricks.sdk.errors import PermissionDenied

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", platform.sandbox.description["ca"])
    host, workspace = strangers(platform), platform.outputs["databricks"]["id"]
    token = platform.cloud.access_token("databricks").reveal()

    def listed(**headers: str) -> Any:
        class Bearer(CredentialsStrategy):
            def auth_type(self) -> str:
                return "bearer"

            def __call__(self, config: Config) -> Any:
                return lambda: {"Authorization": f"Bearer {token}", **headers}

        config = Config(host=host, credentials_strategy=Bearer(), retry_timeout_seconds=5)
        return list(WorkspaceClient(config=config).clusters.list())

    with pytest.raises(PermissionDenied, match="User not authorized"):
        listed()
    shown = "X-Databricks-Azure-Workspace-Resource-Id"
    with pytest.raises(PermissionDenied):
        listed(**{shown: f"{workspace}x"})
    assert listed(**{shown: workspace})
    assert listed(), "from then on the person is a user"


def test_a_persons_first_call_makes_a_user_of_them(platform: Platform) -> None:
    strangers(platform)
    made = platform.outputs["databricks"]
    assert platform.sandbox.cloud().databricks(made["url"], made["id"]).find_cluster("x") is None


def test_who_may_not_manage_the_workspace_stays_a_stranger(platform: Platform) -> None:
    strangers(platform)
    made = platform.outputs["databricks"]
    platform.sandbox.change(allowed=["*/read"])
    with pytest.raises(CloudError) as error:
        platform.sandbox.cloud().databricks(made["url"], made["id"]).find_cluster("x")
    assert "User not authorized" in error.value.why
    assert "Contributor" in error.value.fix


def test_the_data_plane_of_a_closed_workspace_is_closed_outside(platform: Platform) -> None:
    workspace = existing(platform.cloud.arm.get(platform.outputs["workspace"]["id"], "2025-09-01"))
    uri = api_of(workspace["properties"]["mlFlowTrackingUri"])
    token = platform.cloud.access_token("arm").reveal()
    answer = asked(platform, token, f"{uri}/api/2.0/mlflow/experiments/search")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "UserError"
    assert "workspace private link configuration" in answer.json()["error"]["message"]


# -- time, and a fresh subscription


def test_a_second_write_waits_for_the_first() -> None:
    """Of the same resource it is to be tried again, and beside it, it is refused."""
    with running("--approve", "--clock", "polls") as sandbox:
        arm = sandbox.cloud().arm
        flag = CancelEvent()
        arm.register(["Microsoft.Network"], lambda *_, **__: None, flag)
        group = f"/subscriptions/{arm.subscription}/resourceGroups/rg"
        arm.send("PUT", group, "2025-04-01", {"location": "westeurope"})
        vnet = f"{group}/providers/Microsoft.Network/virtualNetworks/vnet"
        body = {
            "location": "westeurope",
            "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}},
        }
        one, two = ({"properties": {"addressPrefix": f"10.0.{n}.0/24"}} for n in (1, 2))
        arm.send("PUT", vnet, "2025-01-01", body)
        with direct(sandbox) as client:
            for path, document in ((vnet, body), (f"{vnet}/subnets/one", one)):
                answer = client.put(path, json=document)
                assert (answer.status_code, answer.json()["error"]["code"]) == (
                    429,
                    "RetryableError",
                )
                assert "retry-after-ms" in answer.headers
        arm.put(vnet, "2025-01-01", body, lambda *_, **__: None, flag)
        arm.send("PUT", f"{vnet}/subnets/one", "2025-01-01", one)
        with pytest.raises(CloudError) as error:
            arm.send("PUT", f"{vnet}/subnets/two", "2025-01-01", two)
        assert (error.value.status, error.value.code) == (409, "AnotherOperationInProgress")
        assert "/operationStatuses/" in error.value.why
        said: list[str] = []
        arm.put(
            f"{vnet}/subnets/two",
            "2025-01-01",
            two,
            lambda text, payload=None: said.append(text),
            flag,
        )
        assert said, "the client waits, and says so"


def direct(sandbox: Sandbox) -> httpx.Client:
    """ARM without the SDK, which would try again by itself."""
    return httpx.Client(
        base_url=sandbox.description["arm"],
        verify=ssl.create_default_context(cafile=sandbox.description["ca"]),
        headers={"Authorization": f"Bearer {sandbox.cloud().access_token('arm').reveal()}"},
        params={"api-version": "2025-01-01"},
        trust_env=False,
    )


def test_a_provider_must_be_registered_first(sandbox: Callable[..., Sandbox]) -> None:
    """Asked without the SDK, which would register it and ask again."""
    fresh = sandbox("--clock", "instant")
    cloud = fresh.cloud()
    group = f"/subscriptions/{cloud.arm.subscription}/resourceGroups/rg"
    cloud.arm.send("PUT", group, "2025-04-01", {"location": "westeurope"})
    answer = httpx.put(
        f"{cloud.profile.arm}{group}/providers/Microsoft.KeyVault/vaults/kv-mine",
        params={"api-version": "2025-05-01"},
        json={"location": "westeurope"},
        headers={"Authorization": f"Bearer {cloud.access_token('arm').reveal()}"},
        verify=ssl.create_default_context(cafile=fresh.description["ca"]),
        trust_env=False,
    )
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["code"] == "MissingSubscriptionRegistration"
    assert error["details"][0]["target"] == "Microsoft.KeyVault"
