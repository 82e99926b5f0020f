"""The Azure CLI as a client that knows nothing of us: what it makes, a plan keeps.

The commands are those of the article of 2020 in today's spelling: group, VNET, five subnets, what the
workspace stands on, private-endpoint policies, service endpoints, AKS. What the article did not have
(security groups, NAT gateway, an identity for AKS) is made by the recipe's own documents.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from support import RECIPES, Sandbox, amlwizard, contracts, recipe_of, running
from support.variants import AS_SHIPPED, WITH_SETTINGS

from amlwizard.export.az import REPLACED
from amlwizard.plan.placeholders import resolve
from amlwizard.steps import steps_for
from amlwizard.steps.foundation import PROVIDERS

AZ = os.environ.get("AMLWIZARD_AZ") or shutil.which("az")
pytestmark = [
    pytest.mark.az,
    pytest.mark.xdist_group("az"),
    pytest.mark.skipif(
        AZ is None, reason="azure-cli is not here: put az on PATH, or name it in AMLWIZARD_AZ"
    ),
]
# The CLI has no option for the surge of upgrades when it makes a cluster: Azure takes a tenth.
RECIPE = recipe_of("article", serving__max_surge="10%")
NAMES, ADDRESSES = RECIPE.names, RECIPE.addresses
SUBNETS = ("workspace", "compute", "scoring", "databricks_public", "databricks_private")
ENDPOINTS = ("Microsoft.Storage", "Microsoft.KeyVault", "Microsoft.ContainerRegistry")
CORE = ("resource-group", "vnet", "storage", "key-vault", "registry", "aks")


class Az:
    """The CLI, signed in to a sandbox as a person does it."""

    def __init__(self, sandbox: Sandbox, folder: Path, capture: Path) -> None:
        self.sandbox, self.capture = sandbox, capture
        given = sandbox.description
        self.environment = {
            **{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            "AZURE_CONFIG_DIR": str(folder),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "REQUESTS_CA_BUNDLE": given["ca"],
        }
        self("cloud register -n sandbox --endpoint-resource-manager", given["arm"])
        self("cloud set -n sandbox")
        self("login --use-device-code --tenant", given["tenant"])

    def __call__(self, command: str, *more: str, refused: bool = False) -> Any:
        """The JSON that a command prints; what it says on standard error where it is `refused`."""
        assert AZ
        done = subprocess.run(
            [AZ, *command.split(), *more],
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode != 0) == refused, done.stderr[-3000:]
        if refused:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None


@pytest.fixture(scope="module")
def az(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Az]:
    folder = tmp_path_factory.mktemp("az")
    capture = folder / "capture.jsonl"
    with running("--approve", "--clock", "instant", "--capture", str(capture)) as box:
        yield Az(box, folder / "config", capture)


def subnet(which: str) -> str:
    return str(getattr(NAMES, f"{which}_subnet"))


def beside(az: Az, *kinds: str) -> None:
    """Make what the recipe has and the article had not: steps whose ids start so."""
    arm = az.sandbox.cloud().arm
    arm.register(PROVIDERS, lambda *_, **__: None, Event())
    outputs: dict[str, Any] = {"sign-in": {"subscription": arm.subscription}}
    for step in steps_for(RECIPE):
        if step.resource and step.id.startswith(kinds):
            address = resolve(step.resource.id, outputs)
            body = resolve(step.resource.body, outputs)
            made = arm.put(address, step.resource.api_version, body, lambda *_: None, Event())
            principal = made.get("properties", {}).get("principalId")
            outputs[step.id] = {"id": address, "principal": principal}


def test_what_the_article_makes_is_kept(az: Az) -> None:
    here = f"-g {NAMES.resource_group}"
    az(f"group create -n {NAMES.resource_group} -l {RECIPE.sign_in.region}")
    # The CLI registers Microsoft.Network by itself.
    az(f"network vnet create {here} -n {NAMES.vnet} --address-prefixes {ADDRESSES.vnet}")
    beside(az, "nsg.", "public-ip", "nat-gateway")
    for which in SUBNETS:
        group = f"nsg-{NAMES.prefix}-{which.replace('_', '-')}"
        options = f"--address-prefixes {getattr(ADDRESSES, which)} --network-security-group {group}"
        if which.startswith("databricks"):
            options += " --delegations Microsoft.Databricks/workspaces"
        if which.startswith(("databricks", "compute")):
            options += f" --nat-gateway {NAMES.nat_gateway}"
        az(
            f"network vnet subnet create {here} --vnet-name {NAMES.vnet} -n {subnet(which)} "
            f"--default-outbound-access false {options}"
        )
    update = f"network vnet subnet update {here} --vnet-name {NAMES.vnet}"
    az(f"{update} -n {subnet('workspace')} --private-endpoint-network-policies Enabled")
    made = az(f"{update} -n {subnet('workspace')} --private-endpoint-network-policies Disabled")
    assert made["privateEndpointNetworkPolicies"] == "Disabled"
    az(f"{update} -n {subnet('workspace')} --service-endpoints {' '.join(ENDPOINTS)}")
    for which in SUBNETS[1:]:
        made = az(f"{update} -n {subnet(which)} --service-endpoints {' '.join(ENDPOINTS)}")
        assert [e["service"] for e in made["serviceEndpoints"]] == list(ENDPOINTS)

    vnet = az(f"network vnet show {here} -n {NAMES.vnet}")
    ids = {s["name"]: s["id"] for s in vnet["subnets"]}
    rules = [ids[subnet(which)] for which in SUBNETS]
    az(
        f"storage account create {here} -n {NAMES.storage} --sku Standard_LRS --kind StorageV2 "
        "--min-tls-version TLS1_2 --https-only true --allow-blob-public-access false "
        "--default-action Deny --public-network-access Enabled"
    )
    for rule in rules:
        az(f"storage account network-rule add {here} -n {NAMES.storage} --subnet", rule)
    az(
        f"keyvault create {here} -n {NAMES.key_vault} --default-action Deny --bypass AzureServices "
        "--public-network-access Enabled --network-acls-vnets",
        *rules,
    )
    az(f"acr create {here} -n {NAMES.registry} --sku Premium --default-action Deny")
    for rule in rules:
        az(f"acr network-rule add {here} -n {NAMES.registry} --subnet", rule)
    beside(az, "aks-identity", "aks-role")
    identity = az(f"identity show {here} -n {NAMES.aks_identity}")["id"]
    az(
        f"aks create {here} -n {NAMES.aks} --node-count {RECIPE.serving.nodes} "
        f"--node-vm-size {RECIPE.serving.node_size} --nodepool-name default --max-pods 110 "
        "--network-plugin azure --network-plugin-mode overlay "
        f"--pod-cidr {ADDRESSES.pod_cidr} --service-cidr {ADDRESSES.service_cidr} "
        f"--dns-service-ip {ADDRESSES.dns_service_ip} --vnet-subnet-id {ids[subnet('scoring')]} "
        f"--dns-name-prefix {NAMES.aks} --tier free --no-ssh-key --yes --assign-identity",
        identity,
    )

    assert left_to_do(az) == {}
    assert az.sandbox.unknown == []
    az(f"keyvault update {here} -n {NAMES.key_vault} --bypass None")
    assert left_to_do(az) == {
        "key-vault": ["properties.networkAcls.bypass: 'None' -> 'AzureServices'"]
    }
    if contracts.HERE:  # az calls other api-versions than we do
        answers = (json.loads(line) for line in az.capture.read_text().splitlines())
        verdict = contracts.judged(answers, "response")
        print(f"az: {verdict.summary}")
        assert not verdict.errors, "\n".join(verdict.errors)


def left_to_do(az: Az) -> dict[str, list[str]]:
    """What a plan would change of what the CLI made: differences by step."""
    plan = amlwizard(
        "plan", str(RECIPES / "article.yaml"), "--target", "sandbox", "--json",
        "--set", f"serving.max_surge={RECIPE.serving.max_surge}",
        **az.sandbox.environment,
    )  # fmt: skip
    assert plan.code == 0, plan.err
    steps = {step["id"]: step for step in json.loads(plan.out)["steps"]}
    return {s: steps[s]["differences"] for s in CORE if steps[s]["action"] != "keep"}


def test_a_refusal_reaches_the_person_with_azures_code(az: Az) -> None:
    az("group create -n rg-refused -l westeurope")
    az("network vnet create -g rg-refused -n vnet --address-prefixes 10.9.0.0/16")
    inside = "network vnet subnet create -g rg-refused --vnet-name vnet"
    az(f"{inside} -n one --address-prefixes 10.9.1.0/24")
    said = az(f"{inside} -n two --address-prefixes 10.9.1.128/25", refused=True)
    assert "NetcfgSubnetRangesOverlap" in said
    said = az("group show -n nowhere", refused=True)
    assert "ResourceGroupNotFound" in said


# Of extensions, which are in no package index.
EXTENSIONS = tuple(command for command in REPLACED if command != "az aks create")


def test_the_parser_of_the_cli_takes_every_command_that_is_shown() -> None:
    assert AZ
    places = (Path(AZ).resolve().parent / "python", Path("/opt/az/bin/python3"))
    python = next((place for place in places if place.exists()), None)
    if python is None:
        pytest.skip("the Python of azure-cli is not beside az")
    commands: dict[tuple[str, ...], list[str]] = {}
    for name, settings in (*WITH_SETTINGS, *AS_SHIPPED):
        shown = (c for step in steps_for(recipe_of(name, **settings)) for c in step.az)
        for command in (c for c in shown if c.startswith("az ") and not c.startswith(EXTENSIONS)):
            words = shlex.split(command)
            commands.setdefault(tuple(w for w in words if not _is_value(w)), words)
    assert len(commands) > 40
    parser = Path(__file__).parents[1] / "support" / "az_parser.py"
    judged = subprocess.run(
        [python, parser], input=json.dumps(list(commands.values())), capture_output=True, text=True
    )
    assert judged.returncode == 0, judged.stderr[-2000:]
    assert json.loads(judged.stdout) == {}


def _is_value(word: str) -> bool:
    """Whether it tells one command from another of its kind, and no kind from another."""
    return re.fullmatch(r"-{1,2}[a-z-]+|[a-z-]+", word) is None
