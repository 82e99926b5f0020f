"""Verify on a platform: every promise turned off, and that line alone found broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest
from support import RECIPES, Json, Ran, Sandbox, recipe_of, running

from amlwizard import engine
from amlwizard.backend import Control
from amlwizard.cli import main
from amlwizard.cli.desk import Desk
from amlwizard.cli.targets import Choice
from amlwizard.plan import PHASES, in_order, until
from amlwizard.posture import Posture, promised
from amlwizard.steps import steps_for
from amlwizard.steps.evidence import Looking
from amlwizard.steps.verify import verify

pytestmark = pytest.mark.xdist_group("verify")

PRIVATE = str(RECIPES / "private.yaml")
SET = {"security.secure_entry": "bastion", "security.purge_protection": "true"}
PREFIX, GROUP = "mlpriv01", "rg-mlpriv01"
SCORING_KEY, TOKEN = "canaryScoringKey5Q8w", "canaryAccessToken2Z7x"


@dataclass
class Guarded:
    """The private recipe with a Bastion host, built but for the model; set back for every test."""

    sandbox: Sandbox
    desk: Desk
    recipe_file: Path
    state: Json

    def __post_init__(self) -> None:
        self.recipe = recipe_of("private", **{k.replace(".", "__"): v for k, v in SET.items()})

    def judged(self, skip: tuple[str, ...] = ()) -> Posture:
        looking = Looking(skip=skip, wake=True)
        return self.desk.verify(self.recipe, lambda event: None, Control(), looking)

    def broken(self, skip: tuple[str, ...] = ()) -> list[str]:
        posture = self.judged(skip)
        assert not posture.of("unknown"), posture.of("unknown")
        return [line.id for line in posture.of("broken")]

    def change(self, what: Callable[[dict[str, Any]], Any]) -> None:
        """Something is done behind us: `what` gets the resources of the cloud by their ids."""
        state = self.sandbox.state
        what(state["resources"])
        self.sandbox.control("state", state, "PUT")

    def id(self, tail: str) -> str:
        (found,) = [key for key in self.state["resources"] if key.endswith(tail.lower())]
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("verify")
    recipe_file = folder / "guarded.yaml"
    text = Path(PRIVATE).read_text().replace("secure_entry: none", "secure_entry: bastion")
    recipe_file.write_text(text.replace("purge_protection: false", "purge_protection: true"))
    with pytest.MonkeyPatch.context() as patch, running("--approve", "--clock", "instant") as box:
        box.control("plant", {"scoring_key": SCORING_KEY, "access_token": TOKEN})
        patch.setenv("AMLWIZARD_SANDBOX", str(box.file))
        patch.setenv("AMLWIZARD_HOME", str(folder / "home"))
        replay = ["replay", str(recipe_file), "--target", "sandbox", "--until", "provision"]
        assert main(replay) == 0
        with Desk(Choice(attended=True)) as desk:
            desk.open("sandbox")
            guarded = Guarded(box, desk, recipe_file, box.state)
            _endpoint(guarded)
            guarded.state = box.state
            yield guarded


def _endpoint(guarded: Guarded) -> None:
    """The online endpoint without a deployment: its address is what matters here."""
    cloud = guarded.sandbox.cloud()
    steps = {step.id: step for step in steps_for(guarded.recipe)}
    outputs = {
        "sign-in": {"subscription": cloud.arm.subscription},
        "kubernetes-compute": {"id": guarded.id("/computes/aks-inference")},
    }
    ctx = engine.context(engine.Job(guarded.recipe, "", cloud, "sandbox"), outputs, Flag())
    steps["endpoint"].apply(ctx, lambda message, **data: None)
    # The workspace's tracking server takes a while to start: its list of models waits for it.
    workspace = guarded.state["resources"][guarded.id("/workspaces/mlw-mlpriv01")]["id"]
    assert cloud.arm.every(f"{workspace}/models", "2025-09-01") == []


@pytest.fixture
def platform(made: Guarded) -> Guarded:
    made.sandbox.control("state", made.state, "PUT")
    made.sandbox.clear()
    return made


@pytest.fixture
def command(platform: Guarded, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*options: str, recipe: str | Path = platform.recipe_file) -> Ran:
        capsys.readouterr()
        code = main(["verify", str(recipe), "--target", "sandbox", "--approve", *options])
        return Ran(code, *capsys.readouterr())

    return run


# -- all is well


def test_a_platform_as_promised_exits_0(
    command: Callable[..., Ran], platform: Guarded, tmp_path: Path
) -> None:
    html = tmp_path / "posture.html"
    ran = command("--json", "--html", str(html))
    assert ran.code == 0, ran.out
    posture = Posture.from_json(json.loads(ran.out))
    assert posture.kept and posture.recipe == PREFIX and posture.target == "sandbox"
    assert len(posture.lines) == len({line.id for line in posture.lines}) == 29
    sources = {piece.source for line in posture.lines for piece in line.evidence}
    assert sources == {"ARM", "outside", "inside"}
    page = html.read_text()
    assert "29 of 29 promises kept" in page and page.count("<svg") == 2
    for text in (page, ran.out, ran.err):
        assert SCORING_KEY not in text and TOKEN not in text
    assert platform.sandbox.unknown == []


def test_it_really_asked_from_both_sides(platform: Guarded) -> None:
    lines = {line.id: line for line in platform.judged().lines}

    def seen(line: str, source: str) -> dict[str, str]:
        return {p.what: p.seen for p in lines[line].evidence if p.source == source}

    assert seen("workspace.closed", "outside") == {
        "request with a valid token": "HTTP 403 UserError"
    }
    assert seen("endpoint.workspace", "inside")["tracking request"] == "HTTP 200"
    blob = "stmlpriv01.blob.core.windows.net"
    inside, outside = (
        seen("endpoint.storage-blob", "inside")[blob],
        seen("names.outside", "outside"),
    )
    assert inside.startswith("10.100.100.") and outside[blob].startswith("198.51.100.")
    assert (
        seen("endpoint.storage-blob", "inside")["request"] == "HTTP 401 NoAuthenticationInformation"
    )
    assert seen("scoring.internal", "outside")["request"] == "no answer (ConnectError)"
    api = seen("aks.api", "inside")
    assert all(address.startswith("10.100.120.") for address in api.values()) and api


def test_the_table_says_it_all(command: Callable[..., Ran]) -> None:
    ran = command()
    assert ran.code == 0
    for text in ("workspace.closed", "endpoint.key-vault", "nsg.bastion", "29 of 29 promises kept"):
        assert text in ran.out
    assert "cell 3 of 3" in ran.err


# -- every promise turned off


def p(resource: Any) -> Any:
    return resource["properties"]


def setting(tail: str, path: str, value: Any) -> Callable[[Guarded, Any], None]:
    def change(platform: Guarded, resources: Any) -> None:
        *parents, last = path.split(".")
        target = p(resources[platform.id(tail)])
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target[part]
        target[last] = value

    return change


def gone(tail: str) -> Callable[[Guarded, Any], None]:
    return lambda platform, resources: resources.pop(platform.id(tail))


def stranger(tail: str) -> Callable[[Guarded, Any], None]:
    """Somebody else's private endpoint, approved."""

    def change(platform: Guarded, resources: Any) -> None:
        p(resources[platform.id(tail)])["privateEndpointConnections"].append(
            {
                "id": "x",
                "properties": {
                    "privateEndpoint": {"id": "/subscriptions/s/privateEndpoints/pep-elsewhere"},
                    "privateLinkServiceConnectionState": {"status": "Approved"},
                },
            }
        )

    return change


def rule(which: str, **properties: Any) -> Callable[[Guarded, Any], None]:
    """One more rule in a security group."""

    def change(platform: Guarded, resources: Any) -> None:
        body = {
            "access": "Allow", "direction": "Inbound", "protocol": "Tcp", "priority": 105,
            "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": "22", **properties,
        }  # fmt: skip
        nsg = p(resources[platform.id(f"/networksecuritygroups/nsg-{PREFIX}-{which}")])
        nsg["securityRules"].append({"name": "Foreign", "properties": body})

    return change


def without_rules(which: str, *parts: str) -> Callable[[Guarded, Any], None]:
    def change(platform: Guarded, resources: Any) -> None:
        nsg = p(resources[platform.id(f"/networksecuritygroups/nsg-{PREFIX}-{which}")])
        nsg["securityRules"] = [
            r for r in nsg["securityRules"] if not any(part in r["name"] for part in parts)
        ]

    return change


def subnet(name: str, **properties: Any) -> Callable[[Guarded, Any], None]:
    def change(platform: Guarded, resources: Any) -> None:
        vnet = p(resources[platform.id(f"/virtualnetworks/vnet-{PREFIX}")])
        (found,) = [s for s in vnet["subnets"] if s["name"] == f"snet-{PREFIX}-{name}"]
        p(found).update(properties)
        for key in [key for key, value in properties.items() if value is None]:
            del p(found)[key]

    return change


def address(group: str, name: str, **tags: str) -> Callable[[Guarded, Any], None]:
    def change(platform: Guarded, resources: Any) -> None:
        stem = platform.id(f"/resourcegroups/{group.lower()}")
        resource_id = f"{stem}/providers/Microsoft.Network/publicIPAddresses/{name}"
        resources[resource_id.lower()] = {
            "id": resource_id, "name": name, "type": "Microsoft.Network/publicIPAddresses",
            "location": "westeurope", "tags": tags, "properties": {"ipAddress": "203.0.113.99"},
        }  # fmt: skip

    return change


def gateway(platform: Guarded, resources: Any) -> None:
    resource_id = (
        f"{platform.id(f'/resourcegroups/{GROUP}')}/providers/Microsoft.Network/"
        "virtualNetworkGateways/back-door"
    )
    resources[resource_id.lower()] = {
        "id": resource_id, "name": "back-door", "location": "westeurope",
        "type": "Microsoft.Network/virtualNetworkGateways", "properties": {"ipConfigurations": []},
    }  # fmt: skip


def peering(platform: Guarded, resources: Any) -> None:
    p(resources[platform.id(f"/virtualnetworks/vnet-{PREFIX}")])["virtualNetworkPeerings"] = [
        {
            "name": "to-somewhere",
            "properties": {"remoteAddressSpace": {"addressPrefixes": ["192.168.0.0/16"]}},
        }
    ]


NSG = "/networksecuritygroups/nsg-mlpriv01"
STORAGE, VAULT = "/storageaccounts/stmlpriv01", "/vaults/kv-mlpriv01"
REGISTRY, WORKSPACE = "/registries/crmlpriv01", "/workspaces/mlw-mlpriv01"
AKS, BRICKS = "/managedclusters/aks-mlpriv01", "/microsoft.databricks/workspaces/dbw-mlpriv01"
EXTENSION = "/extensions/azureml"
LINK = "/virtualnetworklinks/vnet-mlpriv01"
RULES = [{"value": "203.0.113.7", "action": "Allow"}]

# what is turned off, and the line that says so
ON_ARM = [
    ("public access of storage", "storage.closed", setting(STORAGE, "publicNetworkAccess", "Enabled")),
    ("storage open by default", "storage.closed", setting(STORAGE, "networkAcls.defaultAction", "Allow")),
    ("an address let into storage", "storage.closed", setting(STORAGE, "networkAcls.ipRules", RULES)),
    ("logging let past the firewall", "storage.closed", setting(STORAGE, "networkAcls.bypass", "Logging")),
    ("a stranger's endpoint on storage", "storage.closed", stranger(STORAGE)),
    ("public access of the vault", "key-vault.closed", setting(VAULT, "publicNetworkAccess", "Enabled")),
    ("an address let into the vault", "key-vault.closed", setting(VAULT, "networkAcls.ipRules", RULES)),
    ("public access of the registry", "registry.closed", setting(REGISTRY, "publicNetworkAccess", "Enabled")),
    ("old TLS", "storage.tls", setting(STORAGE, "minimumTlsVersion", "TLS1_1")),
    ("plain HTTP", "storage.tls", setting(STORAGE, "supportsHttpsTrafficOnly", False)),
    ("anonymous blobs", "storage.tls", setting(STORAGE, "allowBlobPublicAccess", True)),
    ("access policies", "key-vault.roles", setting(VAULT, "enableRbacAuthorization", False)),
    ("no purge protection", "key-vault.deletion", setting(VAULT, "enablePurgeProtection", False)),
    ("an admin password", "registry.admin", setting(REGISTRY, "adminUserEnabled", True)),
    ("SSH from everywhere", "nsg.scoring", rule("scoring")),
    ("SSH from a public range", "nsg.compute", rule("compute", sourceAddressPrefix="203.0.113.0/28")),
    ("a service let in", "nsg.databricks-private", rule("databricks-private", sourceAddressPrefix="AzureCloud")),
    ("a denial taken away", "nsg.workspace", without_rules("workspace", "DenyInternet")),
    ("the rules of Databricks stripped", "nsg.databricks-public", without_rules("databricks-public", "-sql", "-storage")),
    ("a rule of Bastion turned", "nsg.bastion", setting(f"{NSG}-bastion", "securityRules.1.properties.access", "Deny")),
    ("a subnet without its group", "nsg.compute", subnet("compute", networkSecurityGroup=None)),
    ("another public address", "public-ips", address(GROUP, "pip-forgotten")),
    ("a public address of Databricks", "public-ips", address("rg-mlpriv01-dbw", "node-1")),
    ("a public service on AKS", "public-ips",
     address("mc_rg-mlpriv01_aks-mlpriv01_westeurope", "k", **{"k8s-azure-service": "default/shop"})),
    ("no NAT gateway", "outbound", subnet("dbw-public", natGateway=None)),
    ("default outbound access", "outbound", subnet("scoring", defaultOutboundAccess=True)),
    ("another way in", "entry", gateway),
    ("a foreign peering", "peerings", peering),
    ("a public name of the Kubernetes API", "aks.api",
     setting(AKS, "apiServerAccessProfile.enablePrivateClusterPublicFQDN", True)),
    ("nodes with public addresses", "databricks.network",
     setting(BRICKS, "parameters.enableNoPublicIp.value", False)),
    ("no encryption prepared", "databricks.encryption",
     setting(BRICKS, "parameters.prepareEncryption.value", False)),
    ("compute with public addresses", "compute.network",
     setting("/computes/image-build", "properties.enableNodePublicIp", True)),
    ("a public load balancer", "scoring.internal",
     setting(EXTENSION, "configurationSettings.internalLoadBalancerProvider", "")),
]  # fmt: skip
FROM_BOTH_SIDES = [
    ("public access of the workspace", "workspace.closed",
     setting(WORKSPACE, "publicNetworkAccess", "Enabled")),
    ("a zone without its link", "endpoint.storage-blob", gone(f"privatelink.blob.core.windows.net{LINK}")),
    ("the workspace's zone without its link", "endpoint.workspace",
     gone(f"privatelink.api.azureml.ms{LINK}")),
    ("a record that leads elsewhere", "endpoint.key-vault",
     setting("privatelink.vaultcore.azure.net/a/kv-mlpriv01", "aRecords", [{"ipv4Address": "10.100.100.99"}])),
    ("a record that is gone", "endpoint.storage-file",
     gone("privatelink.file.core.windows.net/a/stmlpriv01")),
    ("a zone group that is gone", "endpoint.registry",
     gone("pep-mlpriv01-registry/privatednszonegroups/default")),
    ("a connection that was rejected", "endpoint.registry",
     setting("/pep-mlpriv01-registry",
             "privateLinkServiceConnections.0.properties.privateLinkServiceConnectionState",
             {"status": "Rejected"})),
]  # fmt: skip


@pytest.mark.parametrize(("what", "line", "change"), ON_ARM, ids=[case[0] for case in ON_ARM])
def test_a_promise_turned_off_is_one_broken_line(
    platform: Guarded, what: str, line: str, change: Callable[[Guarded, Any], None]
) -> None:
    platform.change(lambda resources: change(platform, resources))
    assert platform.broken(skip=("inside",)) == [line]


@pytest.mark.parametrize(
    ("what", "line", "change"), FROM_BOTH_SIDES, ids=[case[0] for case in FROM_BOTH_SIDES]
)
def test_what_is_tried_from_both_sides_is_one_broken_line(
    platform: Guarded, what: str, line: str, change: Callable[[Guarded, Any], None]
) -> None:
    platform.change(lambda resources: change(platform, resources))
    posture = platform.judged()
    assert [found.id for found in posture.of("broken")] == [line]
    assert not posture.of("unknown")
    tried = [p for p in posture.of("broken")[0].evidence if p.source != "ARM"]
    assert any(p.outcome == "broken" for p in tried) or what in ("a zone group that is gone",)


def test_private_addresses_in_the_public_dns_are_found(platform: Guarded) -> None:
    name = "kv-mlpriv01.vault.azure.net"
    platform.sandbox.change(public_dns={name: ["10.100.100.11"]})
    posture = platform.judged()
    (line,) = posture.of("broken")
    assert line.id == "names.outside" and f"{name}: 10.100.100.11" in line.seen


def test_every_line_was_turned_off(platform: Guarded) -> None:
    lines = {line.id for line in platform.judged().lines}
    cases = {case[1] for case in (*ON_ARM, *FROM_BOTH_SIDES)} | {"names.outside"}
    assert lines == cases == {line.id for line in promised(platform.recipe)}


def test_an_open_workspace_exits_1_and_says_how_to_close_it(
    command: Callable[..., Ran], platform: Guarded, tmp_path: Path
) -> None:
    """Done by another client, through Azure Resource Manager."""
    arm = platform.sandbox.cloud().arm
    workspace = platform.state["resources"][platform.id(WORKSPACE)]["id"]
    body = arm.get(workspace, "2025-09-01")
    body["properties"]["publicNetworkAccess"] = "Enabled"
    arm.put(workspace, "2025-09-01", body, lambda *_, **__: None, Flag())
    html = tmp_path / "broken.html"
    ran = command("--html", str(html))
    assert ran.code == 1
    assert "1 not kept" in ran.out and "outside: request with a valid token" in ran.out
    assert "seen HTTP 200" in ran.out.replace("\n", " ")
    assert "--public-network-access Disabled" in ran.out
    assert "1 not kept" in html.read_text()


# -- what cannot be seen


def test_what_cannot_be_read_is_no_kept_promise(
    command: Callable[..., Ran], platform: Guarded
) -> None:
    platform.sandbox.fault("GET .*/vaults/kv-mlpriv01", status=403, code="AuthorizationFailed")
    ran = command("--json")
    posture = Posture.from_json(json.loads(ran.out))
    assert ran.code == 1 and not posture.of("broken")
    unknown = {line.id: line.seen for line in posture.of("unknown")}
    assert set(unknown) == {"key-vault.closed", "key-vault.roles", "key-vault.deletion"}
    assert all("AuthorizationFailed" in seen for seen in unknown.values())


def test_a_side_may_be_left_out(command: Callable[..., Ran], platform: Guarded) -> None:
    before = len(platform.sandbox.calls)
    ran = command("--json", "--skip", "inside", "--skip", "outside")
    posture = Posture.from_json(json.loads(ran.out))
    assert ran.code == 0 and posture.kept
    assert {piece.source for line in posture.lines for piece in line.evidence} == {"ARM"}
    assert "names.outside" not in {line.id for line in posture.lines}
    calls = platform.sandbox.calls[before:]
    assert not [call for call in calls if "dns-query" in call or "contexts" in call]


def sleeping(state: Json) -> None:
    for workspace in state["databricks"].values():
        for cluster in workspace["clusters"].values():
            cluster["state"] = "TERMINATED"


def test_a_sleeping_cluster_is_woken(platform: Guarded) -> None:
    state = platform.sandbox.state
    sleeping(state)
    platform.sandbox.control("state", state, "PUT")
    assert platform.judged().kept
    (workspace,) = platform.sandbox.state["databricks"].values()
    assert {c["state"] for c in workspace["clusters"].values()} == {"RUNNING"}


def test_a_run_lets_the_cluster_sleep(platform: Guarded) -> None:
    """A replay that changes nothing must not cost a cluster; it says what it did not look at."""
    state = platform.sandbox.state
    sleeping(state)
    platform.sandbox.control("state", state, "PUT")
    events: list[Any] = []
    journey = [s for s in steps_for(platform.recipe) if s.id != "verify"]
    step = verify(platform.recipe, journey)
    sign_in = journey[0]
    from dataclasses import replace

    job = engine.Job(platform.recipe, "", platform.sandbox.cloud(), "sandbox")
    assert engine.run([sign_in, replace(step, after=("sign-in",))], job, events.append) == 0
    (said,) = [e for e in events if e.kind == "step-progress" and "posture" in e.data]
    posture = Posture.from_json(said.data["posture"])
    assert {line.id.partition(".")[0] for line in posture.of("unknown")} == {"endpoint", "aks"}
    assert "amlwizard verify" in posture.of("unknown")[0].seen
    final = next(e for e in events if e.kind == "step-finished" and e.step == "verify")
    assert final.outcome == "done" and len(final.outputs["without_evidence"]) == 6


def test_a_machine_in_the_vnet_is_no_witness_of_the_outside(platform: Guarded) -> None:
    held = {}
    for resource in platform.state["resources"].values():
        for config in p(resource).get("customDnsConfigs") or []:
            held[config["fqdn"]] = config["ipAddresses"]
    platform.sandbox.change(public_dns=held)
    platform.change(lambda r: p(r[platform.id(WORKSPACE)]).update(publicNetworkAccess="Enabled"))
    posture = platform.judged()
    assert [line.id for line in posture.of("broken")] == ["workspace.closed"]
    assert [line.id for line in posture.of("unknown")] == ["names.outside", "scoring.internal"]
    assert "inside the VNET" in posture.of("unknown")[0].seen


def test_a_platform_that_is_not_there_is_a_clear_error(command: Callable[..., Ran]) -> None:
    ran = command(recipe=RECIPES / "quickstart.yaml")
    assert ran.code == 1
    assert "rg-mlquick01 holds no finished platform" in ran.err and "Replay the recipe" in ran.err
    assert "Traceback" not in ran.err and ran.out == ""


def test_bad_input_is_refused_before_any_cloud(command: Callable[..., Ran], tmp_path: Path) -> None:
    assert command(recipe=tmp_path / "no.yaml").code == 2
    ran = command("--html", str(tmp_path))
    assert ran.code == 2 and "is a folder" in ran.err


# -- the article's choices: service endpoints, a public scoring endpoint, authorised ranges

RANGES = "203.0.113.0/24"
BLOB_RULES = "networkAcls.virtualNetworkRules"


@pytest.fixture(scope="module")
def with_article(made: Guarded) -> Guarded:
    """The article's recipe built beside the other, with authorised ranges."""
    made.sandbox.control("state", made.state, "PUT")
    changes = ["--set", f"security.aks_authorized_ranges=[{RANGES}]"]
    article = str(RECIPES / "article.yaml")
    assert main(["replay", article, "--target", "sandbox", "--until", "provision", *changes]) == 0
    guarded = Guarded(made.sandbox, made.desk, Path(article), made.sandbox.state)
    guarded.recipe = recipe_of("article", security__aks_authorized_ranges=f"[{RANGES}]")
    return guarded


@pytest.fixture
def article(with_article: Guarded) -> Guarded:
    with_article.sandbox.control("state", with_article.state, "PUT")
    return with_article


def dropped(tail: str, path: str) -> Callable[[Guarded, Any], None]:
    """The first item of a list taken away."""

    def change(platform: Guarded, resources: Any) -> None:
        target = p(resources[platform.id(tail)])
        for part in path.split("."):
            target = target[int(part)] if isinstance(target, list) else target[part]
        del target[0]

    return change


def let_in(platform: Guarded, resources: Any) -> None:
    rules = p(resources[platform.id("/storageaccounts/mlsecurestore2020")])["networkAcls"]
    rules["virtualNetworkRules"].append({"id": "/x/virtualNetworks/other/subnets/theirs"})


ARTICLE = [
    ("nothing", [], lambda platform, resources: None),
    ("a subnet without its service endpoint", ["storage.closed"],
     dropped("/virtualnetworks/ml-vnet", "subnets.1.properties.serviceEndpoints")),
    ("a subnet that is not let in", ["key-vault.closed"],
     dropped("/vaults/ml-secure-kv-2020", BLOB_RULES)),
    ("a foreign subnet let in", ["storage.closed"], let_in),
    ("a subnet that the registry does not let in", ["registry.closed"],
     dropped("/registries/mlsecureacr2020", "networkRuleSet.virtualNetworkRules")),
    ("a registry open by default", ["registry.closed"],
     setting("/registries/mlsecureacr2020", "networkRuleSet.defaultAction", "Allow")),
    ("an API that answers everybody", ["aks.api"],
     setting("/managedclusters/ml-secure-aks", "apiServerAccessProfile.authorizedIPRanges", [])),
    ("a range that was not asked for", ["aks.api"],
     setting("/managedclusters/ml-secure-aks", "apiServerAccessProfile.authorizedIPRanges",
             [RANGES, "198.51.100.0/24"])),
]  # fmt: skip


@pytest.mark.parametrize(("what", "lines", "change"), ARTICLE, ids=[case[0] for case in ARTICLE])
def test_the_articles_promises(
    article: Guarded, what: str, lines: list[str], change: Callable[[Guarded, Any], None]
) -> None:
    article.change(lambda resources: change(article, resources))
    assert article.broken(skip=("inside",)) == lines


def test_its_subnets_reach_storage_by_the_service_endpoint(article: Guarded) -> None:
    """The nodes' subnets are let in, so the name may lead to the public address."""
    lines = {line.id: line for line in article.judged(skip=("inside",)).lines}
    assert "endpoint.storage-blob" not in lines and "endpoint.workspace" in lines
    assert "scoring.internal" not in lines
    (opened,) = [e for e in lines["nsg.scoring"].evidence if e.what == "open to the Internet"]
    assert opened.seen == "Internet on Tcp port 80 (AllowScoringInBound)"


# -- a phase of every run


@pytest.mark.parametrize("name", ["quickstart", "article", "private"])
def test_verify_ends_the_journey(name: str) -> None:
    recipe = recipe_of(name, security__secure_entry="vpn-gateway")
    steps = steps_for(recipe)
    last = in_order(steps)[-1]
    assert last.id == "verify" and last.phase == PHASES[-1]
    before: set[str] = set()
    by_id = {step.id: step for step in steps}
    waiting = [last.id]
    while waiting:
        step = by_id[waiting.pop()]
        before |= {step.id}
        waiting += [name for name in step.after if name not in before]
    assert set(by_id) - before == {"score"}
    assert "verify" not in {step.id for step in until(steps, "score")}
