"""The sample requests that Microsoft publishes, sent to a sandbox with the platform in it.

A sample is no request yet: its subscription, group and neighbours are made up. What it refers to is
replaced by what stands in the sandbox; its own name and body are sent as they are. It is taken, or
refused for one of the reasons of `REFUSED`, and the answer has the shape that the documents give it.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import httpx
import pytest
from journeys import test_contracts
from support import PATIENCE, RECIPES, Json, Sandbox, contracts, recipe_of, running
from support.contracts import Example, Waiver

from amlwizard.cli import main
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types import RESOURCE_TYPES

pytestmark = [
    pytest.mark.contract,
    pytest.mark.xdist_group("examples"),
    pytest.mark.skipif(not contracts.HERE, reason=contracts.REASON),
]
QUICKSTART = str(RECIPES / "quickstart.yaml")
NAMES = recipe_of("quickstart").names
# Of several that could stand in for one: Azure's own compute, the address of the NAT gateway, the
# security group with rules.
PREFERRED = (f"/{NAMES.build_compute}", f"/{NAMES.public_ip}", f"/nsg-{NAMES.prefix}-compute")
# The subnet that a resource of a type stands in, where any will not do.
SUBNETS = {
    "microsoft.network/bastionhosts": "AzureBastionSubnet",
    "microsoft.network/virtualnetworkgateways": "GatewaySubnet",
}


class Refusal(NamedTuple):
    """A sample (by its file's name) that Azure would refuse here too, with the code."""

    kind: str
    sample: str
    code: str
    reason: str


REFUSED = [
    Refusal(kind.lower(), sample, code, reason)
    for kind, refusals in {
        "Microsoft.Authorization/roleAssignments": [
            (r"RoleAssignments_Create.*", "RoleDefinitionDoesNotExist", "the role is made up"),
        ],
        "Microsoft.ContainerRegistry/registries": [
            (r"RegistryUpdate", "NetworkRulesNotSupportedForSku",
             "the registry here is closed by rules, which take the SKU that the sample gives up"),
        ],
        "Microsoft.ContainerService/managedClusters": [
            (r"ManagedClustersCreate_(DualStackNetworking|Update.*)", "SystemPoolSkuTooLow",
             "no system pool on one core"),
            (r"ManagedClustersCreate_GPUMIG", "VMSizeNotSupported",
             "no such GPU in the subscription"),
            (r"ManagedClustersCreate_(IngressProfile_WebAppRouting|SecurityProfile)",
             "InvalidParameter", "neither an identity nor a service principal"),
        ],
        "Microsoft.Databricks/workspaces": [
            (r"WorkspaceCreateWithParameters", "InvalidSubnet", "its subnets are not in the VNET"),
        ],
        "Microsoft.Insights/components": [
            (r"ComponentsUpdate", "InvalidRequestContent",
             "an update of tags alone, sent for a component that is not there"),
        ],
        "Microsoft.KeyVault/vaults": [
            (r"createVaultWithNetworkAcls", "BadRequest", "neither RBAC nor access policies"),
        ],
        "Microsoft.MachineLearningServices/workspaces/codes/versions": [
            (r"createOrUpdate", "UserError", "its files are in no storage account"),
        ],
        "Microsoft.MachineLearningServices/workspaces/computes": [
            (r"AmlCompute", "UserError", "an update without VM size, sent as a new one"),
            (r"BasicAmlCompute|ComputeInstance\w*", "VMSizeNotSupported",
             "STANDARD_NC6 is retired"),
        ],
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints": [
            (r"createOrUpdate", "LinkedInvalidPropertyId", "its compute is the word string"),
        ],
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments": [
            (r"createOrUpdate", "UserError", "a managed deployment for a Kubernetes endpoint"),
        ],
        "Microsoft.Network/bastionHosts": [
            (r"BastionHost\w*Put\w*", "LocationRequired", "a tracked resource without location"),
        ],
        "Microsoft.Network/natGateways": [
            (r"NatGatewayCreateOrUpdate\w*", "PublicIPAddressInUse", "another gateway has it"),
            (r"NatGatewayDelete", "InUseNatGatewayCannotBeDeleted", "subnets go out by it"),
        ],
        "Microsoft.Network/networkSecurityGroups": [
            (r"NetworkSecurityGroupDelete", "InUseNetworkSecurityGroupCannotBeDeleted",
             "it is on a subnet"),
        ],
        "Microsoft.Network/networkSecurityGroups/securityRules": [
            (r"NetworkSecurityGroupRuleCreate", "SecurityRuleConflict",
             "the group here has a rule of that priority"),
        ],
        "Microsoft.Network/privateDnsZones": [
            (r"PrivateZoneDelete", "CannotDeleteResource", "the zone is linked"),
        ],
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks": [
            (r"VirtualNetworkLinkPut", "Conflict", "the VNET is linked to the zone already"),
        ],
        "Microsoft.Network/privateEndpoints": [
            (r"PrivateEndpointCreate\w*", "InvalidResourceReference",
             "its private link service is not there"),
        ],
        "Microsoft.Network/publicIPAddresses": [
            (r"PublicIpAddressCreateD\w*", "IPv4BasicSkuPublicIpCountLimitReached",
             "without a SKU it is Basic, which is retired"),
            (r"PublicIpAddressDelete", "PublicIPAddressCannotBeDeleted", "something has it"),
        ],
        "Microsoft.Network/virtualNetworkGateways": [
            (r"VirtualNetworkGatewayUpdate", "NonAzSkusNotAllowedForVPNGateway", "VpnGw1 is retired"),
            (r"VirtualNetworkScalableGatewayUpdate", "InvalidGatewaySize", "ExpressRoute"),
        ],
        "Microsoft.Network/virtualNetworks": [
            (r"VirtualNetworkCreateWithIpamPool", "InvalidResourceReference",
             "its IPAM pool is not there"),
            (r"VirtualNetworkDelete", "InUseSubnetCannotBeDeleted", "its subnets are in use"),
        ],
        "Microsoft.Network/virtualNetworks/subnets": [
            (r"SubnetCreate\w*", "NetcfgInvalidSubnet", "10.0.0.0/16 is not in this VNET"),
            (r"SubnetDelete", "InUseSubnetCannotBeDeleted", "the subnet is in use"),
        ],
        "Microsoft.Storage/storageAccounts": [
            (r"NfsV3AccountCreate", "NetworkAclsValidationFailure",
             "the subnet has no service endpoint"),
            (r"StorageAccountUpdateUserAssigned\w*", "AccountPropertyCannotBeUpdated",
             "it would take an account back to the first kind, and StorageV2 is the only way"),
        ],
    }.items()
    for sample, code, reason in refusals
]  # fmt: skip


class Stage:
    """A sandbox with the platform in it, and what stands there for what a sample refers to."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        cloud = sandbox.cloud()
        self.subscription = cloud.arm.subscription
        self.client = httpx.Client(
            base_url=sandbox.description["arm"],
            headers={"Authorization": f"Bearer {cloud.access_token('arm').reveal()}"},
            verify=ssl.create_default_context(cafile=sandbox.description["ca"]),
            trust_env=False,
            timeout=PATIENCE,
        )
        self.state = sandbox.state
        self.stand_ins: dict[str, str] = {}
        group = f"/subscriptions/{self.subscription}/resourcegroups/{NAMES.resource_group}".lower()
        ours = [id for id in self.state["resources"] if f"{id}/".startswith(f"{group}/")]
        for id in sorted(ours, key=lambda id: (not id.endswith(PREFERRED), id)):
            resource = self.state["resources"][id]
            inside = resource.get("properties", {})
            for one in (resource, *inside.get("subnets", []), *inside.get("securityRules", [])):
                self.stand_ins.setdefault(one["type"].lower(), one["id"])
        vnet = self.resource("microsoft.network/virtualnetworks")
        self.subnets = {s["name"]: s["id"] for s in vnet["properties"]["subnets"]}
        self.stand_ins["microsoft.network/virtualnetworks/subnets"] = self.subnets[
            NAMES.compute_subnet
        ]

    def resource(self, kind: str) -> Json:
        return dict(self.state["resources"][self.stand_ins[kind].lower()])

    def send(self, example: Example) -> Json:
        """The exchange, after which all is as it was before."""
        path = self._path(example)
        body = self._body(example.body, ResourceId.parse(path).type)
        answer = self.client.request(example.method, path, params=example.query, json=body)
        if example.method != "GET" and answer.is_success:
            self.sandbox.control("state", self.state, "PUT")
        return {
            "method": example.method,
            "url": str(answer.url),
            "request_body": body,
            "status": answer.status_code,
            "response_headers": dict(answer.headers),
            "response_body": answer.text,
        }

    def _path(self, example: Example) -> str:
        """A new resource beside its stand-in, any other request at the stand-in."""
        path = self._ours(example.path)
        rid = ResourceId.parse(path)
        stand_in = self.stand_ins.get(rid.type)
        if example.method == "POST":
            target, _, action = path.rpartition("/")
            there = self.stand_ins.get(ResourceId.parse(target).type)
            return f"{there}/{action}" if there else path
        if stand_in is None or not (rid.group or rid.names):
            return path
        if rid.is_collection:
            return stand_in.rpartition("/")[0] if rid.group else path
        if example.method == "PUT":
            return f"{stand_in.rpartition('/')[0]}/{rid.name}"
        return stand_in

    def _body(self, body: Any, kind: str, key: str = "") -> Any:
        if isinstance(body, dict):
            return {self._id(k, kind): self._body(v, kind, k) for k, v in body.items()}
        if isinstance(body, list):
            return [self._body(item, kind) for item in body]
        if key == "location" and isinstance(body, str) and body.lower() != "global":
            return "westeurope"
        if key == "tenantId":
            return self.state["tenant"]
        if key == "principalId":
            return self.resource("microsoft.managedidentity/userassignedidentities")["properties"][
                "principalId"
            ]
        return self._id(body, kind) if isinstance(body, str) else body

    def _id(self, text: str, kind: str) -> str:
        if not text.lower().startswith("/subscriptions/"):
            return text
        found = ResourceId.parse(text)
        if found.type.endswith("/virtualnetworks/subnets") and kind in SUBNETS:
            subnet: str = self.subnets[SUBNETS[kind]]
            return subnet
        if found.type.startswith("microsoft.resources/"):
            return self._ours(text)
        return self.stand_ins.get(found.type) or self._ours(text)

    def _ours(self, text: str) -> str:
        return re.sub(r"^/subscriptions/[^/]+", f"/subscriptions/{self.subscription}", text)


def route_table(sandbox: Sandbox) -> None:
    """The platform has none that a sample could mean."""
    arm = sandbox.cloud().arm
    group = f"/subscriptions/{arm.subscription}/resourceGroups/{NAMES.resource_group}"
    address = f"{group}/providers/Microsoft.Network/routeTables/rt-{NAMES.prefix}"
    body = {"location": "westeurope", "properties": {"routes": []}}
    arm.put(address, "2024-10-01", body, lambda *_, **__: None, Event())


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch, running("--approve", "--clock", "instant") as box:
        patch.setenv("AMLWIZARD_SANDBOX", str(box.file))
        patch.setenv("AMLWIZARD_HOME", str(tmp_path_factory.mktemp("home")))
        replay = ["replay", QUICKSTART, "--target", "sandbox", "--until", "provision", "--set"]
        for entry in ("bastion", "vpn-gateway"):
            assert main([*replay, f"security.secure_entry={entry}"]) == 0
        contracts.serve("quickstart", box)
        contracts.register("quickstart", box)
        contracts.script("quickstart", box)
        route_table(box)
        yield Stage(box)


# A sample's answer may differ from the documents like this.
WAIVERS = (
    *test_contracts.WAIVERS,
    Waiver(
        "unknown-property",
        "The sandbox keeps one document for all api-versions; 2025-08-01 brought this.",
        operation=r"Workspaces_.*",
        where=r"response(\.value\[\])?\.properties\.computeMode",
    ),
    Waiver(
        "unknown-property",
        "Every resource has a type; the document of 2024-10-01 forgets this one's.",
        operation=r"PrivateDnsZoneGroups_.*",
        where=r"response(\.value\[\])?\.type",
    ),
    Waiver(
        "unknown-property",
        "ARM's errors have a target where there is one.",
        where=r"response\.error\.target",
    ),
    Waiver(
        "unknown-property",
        "ARM's envelope of errors, which the document of this type alone leaves out.",
        operation=r"PrivateEndpoints_.*",
        where=r"response\.error",
    ),
    Waiver("status", "Documents that name no error at all.", where="response"),
    Waiver("enum-open", "The sample's own SKU comes back.", where=r"response\.sku\.name"),
    Waiver("null", "The sample's own null comes back.", where=r"response\..*\.nvidia\.com/gpu"),
)


def type_of(example: Example) -> str:
    """The type that the sample is about; an action's is what it is done to."""
    path = example.path.rpartition("/")[0] if example.method == "POST" else example.path
    kind = ResourceId.parse(path).type
    if example.method == "POST" and kind in RESOURCE_TYPES:
        actions = RESOURCE_TYPES[kind].actions | RESOURCE_TYPES[kind].early
        known = example.path.rpartition("/")[2].lower() in actions
        return kind if known else f"{kind}, other actions"
    return kind


def samples() -> dict[str, list[Example]]:
    found: dict[str, list[Example]] = {}
    for example in contracts.examples() if contracts.HERE else ():
        found.setdefault(type_of(example), []).append(example)
    return found


SAMPLES = samples()


@pytest.mark.parametrize("kind", sorted(SAMPLES.keys() & RESOURCE_TYPES.keys()))
def test_samples_are_taken_or_refused_as_azure_would(stage: Stage, kind: str) -> None:
    expected = [refusal for refusal in REFUSED if refusal.kind == kind]
    exchanges, met = [], []
    for example in SAMPLES[kind]:
        exchange = stage.send(example)
        exchanges.append(exchange)
        if exchange["status"] < 400:
            continue
        error = json.loads(exchange["response_body"])
        code = error.get("error", error)["code"]  # AKS answers without the envelope
        name = Path(example.file).stem
        refusal = next(
            (r for r in expected if re.fullmatch(r.sample, name) and r.code == code), None
        )
        assert refusal, f"{example}: {exchange['response_body']}"
        met.append(refusal)
    assert set(met) == set(expected)
    assert_shapes(exchanges)


def test_samples_of_other_types_are_answered_in_shape_or_said_to_be_unknown(stage: Stage) -> None:
    exchanges = []
    for kind in SAMPLES.keys() - RESOURCE_TYPES.keys():
        for example in SAMPLES[kind]:
            exchange = stage.send(example)
            if exchange["status"] == 501:
                assert json.loads(exchange["response_body"])["error"]["code"] == "NotImplemented"
            else:
                exchanges.append(exchange)
    assert len(exchanges) > 20
    assert_shapes(exchanges)


def assert_shapes(exchanges: list[Json]) -> None:
    """What is wrong with a sample itself is not ours to judge: only the answer is."""
    verdict = contracts.judged(exchanges, "response")
    assert not verdict.errors, "\n".join(verdict.errors)
    left = verdict.unwaived(WAIVERS)
    assert not left, "\n".join(left)
