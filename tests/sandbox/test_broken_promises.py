"""Every promise of a recipe, broken beside a few others: exactly these are reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import RECIPES, recipe_of
from support.guarded import (
    GROUP,
    WORKSPACE,
    Change,
    Guarded,
    address,
    dropped,
    gateway,
    gone,
    let_in,
    peering,
    rule,
    setting,
    stranger,
    subnet,
    without_rules,
)

from amlwizard.cli import main
from amlwizard.posture import promised

pytestmark = pytest.mark.xdist_group("verify")

NSG = "/networksecuritygroups/nsg-mlpriv01"
STORAGE, VAULT = "/storageaccounts/stmlpriv01", "/vaults/kv-mlpriv01"
REGISTRY = "/registries/crmlpriv01"
AKS, BRICKS = "/managedclusters/aks-mlpriv01", "/microsoft.databricks/workspaces/dbw-mlpriv01"
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
    ("no internal frontend", "scoring.internal", gone("/loadbalancers/kubernetes-internal")),
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


Case = tuple[str, str, Change]


def rounds(cases: Sequence[Case]) -> list[Any]:
    """The cases in rounds of up to three lines, whose verification takes as long as that of one;
    `make test-breadth` runs each case by itself, too."""
    together: list[list[Case]] = []
    for case in cases:
        fitting = (one for one in together if len(one) < 3 and case[1] not in {c[1] for c in one})
        if (round_ := next(fitting, None)) is None:
            together.append(round_ := [])
        round_.append(case)
    alone = [
        pytest.param([case], id=case[0], marks=pytest.mark.breadth)
        for case in cases
        if [case] not in together
    ]
    return [pytest.param(one, id=", ".join(case[0] for case in one)) for one in together] + alone


def broken_by(guarded: Guarded, cases: Sequence[Case]) -> list[str]:
    """Break the promises; the ids of the lines that are to say so."""
    for _, _, change in cases:
        guarded.change(lambda resources, change=change: change(guarded, resources))
    return sorted(case[1] for case in cases)


@pytest.mark.parametrize("cases", rounds(ON_ARM))
def test_a_promise_turned_off_is_one_broken_line(guarded: Guarded, cases: list[Case]) -> None:
    lines = broken_by(guarded, cases)
    assert sorted(guarded.broken(skip=("inside",))) == lines


@pytest.mark.parametrize("cases", rounds(FROM_BOTH_SIDES))
def test_what_is_tried_from_both_sides_is_one_broken_line(
    guarded: Guarded, cases: list[Case]
) -> None:
    lines = broken_by(guarded, cases)
    posture = guarded.judged()
    assert sorted(found.id for found in posture.of("broken")) == lines
    assert not posture.of("unknown")
    tried = {
        found.id: [p.outcome for p in found.evidence if p.source != "ARM"]
        for found in posture.of("broken")
    }
    for what, line, _ in cases:
        assert "broken" in tried[line] or what == "a zone group that is gone", what


def test_private_addresses_in_the_public_dns_are_found(guarded: Guarded) -> None:
    name = "kv-mlpriv01.vault.azure.net"
    guarded.sandbox.change(public_dns={name: ["10.100.100.11"]})
    posture = guarded.judged()
    (line,) = posture.of("broken")
    assert line.id == "names.outside" and f"{name}: 10.100.100.11" in line.seen


def test_every_line_was_turned_off(guarded: Guarded) -> None:
    cases = {case[1] for case in (*ON_ARM, *FROM_BOTH_SIDES)} | {"names.outside"}
    assert cases == {line.id for line in promised(guarded.recipe)}


# -- the article's choices: service endpoints, a public scoring endpoint, authorised ranges

RANGES = "203.0.113.0/24"
BLOB_RULES = "networkAcls.virtualNetworkRules"


@pytest.fixture(scope="module")
def with_article(guarded_once: Guarded) -> Guarded:
    """The article's recipe built beside the other, with authorised ranges."""
    guarded_once.sandbox.control("state", guarded_once.state, "PUT")
    changes = ["--set", f"security.aks_authorized_ranges=[{RANGES}]"]
    article = str(RECIPES / "article.yaml")
    with pytest.MonkeyPatch.context() as patch:
        guarded_once.stand_before(patch)
        assert (
            main(["replay", article, "--target", "sandbox", "--until", "provision", *changes]) == 0
        )
    guarded = replace(guarded_once, recipe_file=Path(article), state=guarded_once.sandbox.state)
    guarded.recipe = recipe_of("article", security__aks_authorized_ranges=f"[{RANGES}]")
    return guarded


@pytest.fixture
def article(with_article: Guarded) -> Guarded:
    with_article.sandbox.control("state", with_article.state, "PUT")
    return with_article


ARTICLE = [
    ("a subnet without its service endpoint", "storage.closed",
     dropped("/virtualnetworks/ml-vnet", "subnets.1.properties.serviceEndpoints")),
    ("a subnet that is not let in", "key-vault.closed",
     dropped("/vaults/ml-secure-kv-2020", BLOB_RULES)),
    ("a foreign subnet let in", "storage.closed", let_in),
    ("a subnet that the registry does not let in", "registry.closed",
     dropped("/registries/mlsecureacr2020", "networkRuleSet.virtualNetworkRules")),
    ("a registry open by default", "registry.closed",
     setting("/registries/mlsecureacr2020", "networkRuleSet.defaultAction", "Allow")),
    ("an API that answers everybody", "aks.api",
     setting("/managedclusters/ml-secure-aks", "apiServerAccessProfile.authorizedIPRanges", [])),
    ("a range that was not asked for", "aks.api",
     setting("/managedclusters/ml-secure-aks", "apiServerAccessProfile.authorizedIPRanges",
             [RANGES, "198.51.100.0/24"])),
]  # fmt: skip


@pytest.mark.parametrize("cases", rounds(ARTICLE))
def test_the_articles_promises(article: Guarded, cases: list[Case]) -> None:
    lines = broken_by(article, cases)
    assert sorted(article.broken(skip=("inside",))) == lines


def test_the_articles_subnets_reach_storage_by_the_service_endpoint(article: Guarded) -> None:
    """The nodes' subnets are let in, so the name may lead to the public address: all is kept."""
    posture = article.judged(skip=("inside",))
    assert not posture.of("broken") and not posture.of("unknown")
    lines = {line.id: line for line in posture.lines}
    assert "endpoint.storage-blob" not in lines and "endpoint.workspace" in lines
    assert "scoring.internal" not in lines
    (opened,) = [e for e in lines["nsg.scoring"].evidence if e.what == "open to the Internet"]
    assert opened.seen == "Internet on Tcp port 80 (AllowScoringInBound)"
