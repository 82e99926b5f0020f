"""Every rule, by a table of recipes that break it, and against brute force where it counts."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import RECIPES

from amlwizard import fields, rules
from amlwizard.errors import Finding
from amlwizard.recipe import Addresses, Sections, Serving, read
from amlwizard.rules import RULES, usable

# rule id -> settings that break it, and a field under which the finding stands
BREAKS: dict[str, tuple[dict[str, str], str]] = {
    "VN-1": ({"addresses.vnet": "127.0.0.0/16"}, "addresses.vnet"),
    "VN-2": ({"addresses.vnet": "8.8.0.0/16"}, "addresses.vnet"),
    "VN-3": ({"addresses.service_cidr": "172.30.0.0/16"}, "addresses.service_cidr"),
    "VN-4": ({"addresses.vnet": "172.17.0.0/16"}, "addresses.vnet"),
    "VN-5": ({"addresses.vnet": "10.0.0.0/8"}, "addresses.vnet"),
    "SN-1": ({"addresses.compute": "10.101.0.0/24"}, "addresses.compute"),
    "SN-2": ({"addresses.compute": "10.100.110.0/30"}, "addresses.compute"),
    "SN-5": ({"addresses.compute": "10.100.100.128/25"}, "addresses.workspace"),
    "SN-6": ({"addresses.peered": "[10.100.0.0/20]"}, "addresses.peered.0"),
    "SN-7": ({"addresses.on_premises": "[10.96.0.0/11]"}, "addresses.on_premises.0"),
    "SN-8": ({"addresses.on_premises": "[0.0.0.0/0]"}, "addresses.on_premises.0"),
    "SN-9": (
        {"addresses.reserved": "[{name: SNET-mlquick01-compute, range: 10.100.5.0/24}]"},
        "addresses.reserved.0",
    ),
    "DB-1": ({"addresses.databricks_public": "10.100.200.0/27"}, "addresses.databricks_public"),
    "DB-10": ({"training.workers": "2", "training.max_workers": "2"}, "training.max_workers"),
    "DB-5": ({"training.workers": "251"}, "training.workers"),
    "PE-1": ({"addresses.workspace": "10.100.100.0/29"}, "addresses.workspace"),
    "AK-2": ({"addresses.service_cidr": "10.0.0.0/12"}, "addresses.service_cidr"),
    "AK-3": (
        {"addresses.service_cidr": "10.100.0.0/20", "addresses.dns_service_ip": "10.100.0.10"},
        "addresses.service_cidr",
    ),
    "AK-15": ({"addresses.pod_cidr": "10.100.128.0/18"}, "addresses.pod_cidr"),
    "AK-16": (
        {"addresses.service_cidr": "10.0.0.0/29", "addresses.dns_service_ip": "10.0.0.2"},
        "addresses.service_cidr",
    ),
    "AK-17": ({"serving.max_nodes": "2"}, "serving.max_nodes"),
    "AK-4": ({"addresses.dns_service_ip": "10.0.0.1"}, "addresses.dns_service_ip"),
    "AK-6": ({"addresses.pod_cidr": "10.244.0.0/23"}, "addresses.pod_cidr"),
    "AK-7": ({"addresses.scoring": "10.100.120.0/29"}, "addresses.scoring"),
    "AK-8": ({"serving.network": "node-subnet"}, "addresses.scoring"),
    "AK-9": ({"serving.nodes": "2", "serving.max_pods": "10"}, "serving.max_pods"),
    "BA-1": (
        {"security.secure_entry": "bastion", "addresses.bastion": "10.100.250.0/27"},
        "addresses.bastion",
    ),
    "GW-1": (
        {"security.secure_entry": "vpn-gateway", "addresses.gateway": "10.100.251.0/30"},
        "addresses.gateway",
    ),
    "EN-3": (
        {"security.secure_entry": "vpn-gateway", "addresses.vpn_clients": "10.100.99.0/24"},
        "addresses.vnet",
    ),
    "EN-4": ({"names.compute_subnet": "GatewaySubnet"}, "names.compute_subnet"),
    "NM-1": ({"names.storage": "My-Storage"}, "names.storage"),
    "ST-1": ({"security.shared_keys": "false"}, "security.shared_keys"),
    "NM-5": (
        {"names.resource_group": "rg-" + "x" * 50, "names.aks": "aks-" + "x" * 20},
        "names.aks",
    ),
    "AML-K8S-7": (
        {"security.aks_authorized_ranges": "[203.0.113.0/24]"},
        "security.aks_authorized_ranges",
    ),
    "NM-2": ({"names.key_vault": "kv-microsoft-1"}, "names.key_vault"),
    "SN-4": ({"names.resource_group": "rg(1)"}, "names.resource_group"),
    "NM-3": ({"names.endpoint": "e" * 32, "names.deployment": "d" * 32}, "names.deployment"),
    "AK-18": ({"security.aks_outbound": "user-defined-routing"}, "security.aks_firewall"),
    "AK-19": (
        {"security.aks_outbound": "user-defined-routing", "security.aks_firewall": "10.9.0.4"},
        "serving.load_balancer",
    ),
    "DNS-1": (
        {"security.dns_zones": '{"privatelink.azurecr.io": "zone"}'},
        "security.dns_zones",
    ),
    "NM-6": ({"names.tags": '{"cost/centre": "1"}'}, "names.tags"),
    "NM-4": ({"names.compute_subnet": "snet", "names.scoring_subnet": "SNET"}, "names.compute_subnet"),
    "CR-1": ({"security.registry_sku": "Basic"}, "security.registry_sku"),
    "CR-2": ({"security.registry": "service-endpoint"}, "security.registry"),
    "AML-3": ({"security.storage": "service-endpoint"}, "security.storage"),
    "KV-1": ({"security.key_vault": "service-endpoint"}, "security.key_vault"),
    "NAT-1": ({"security.nat_gateway": "false"}, "security.nat_gateway"),
    "DB-7": ({"training.spark_version": "'16.4'"}, "training.spark_version"),
    "VM-2": ({"serving.node_size": "Standard_D4ps_v5"}, "serving.node_size"),
    "DB-8": ({"training.spark_version": "14.3.x-scala2.12"}, "training.scikit_learn"),
    "DB-9": ({"training.spark_version": "10.4.x-scala2.12"}, "training.spark_version"),
    "VM-1": ({"serving.node_size": "DS3_v2"}, "serving.node_size"),
    "DB-6": ({"security.databricks_no_public_ip": "false"}, "security.databricks_no_public_ip"),
    "AK-14": (
        {"security.private_aks": "true", "security.aks_authorized_ranges": "[1.2.3.0/24]"},
        "security.private_aks",
    ),
    "AML-K8S-1": ({"serving.kubernetes_version": "latest"}, "serving.kubernetes_version"),
    "AML-K8S-2": ({"serving.tls_name": "x.example"}, "serving.tls_key"),
    "AML-K8S-5": (
        {"serving.tls_certificate": "c", "serving.tls_key": "k", "serving.tls_name": "https://x.y/"},
        "serving.tls_name",
    ),
    "AML-K8S-3": ({"security.private_aks": "true"}, "serving.load_balancer"),
    "AML-K8S-6": (
        {"security.private_aks": "true", "security.registry": "service-endpoint"},
        "security.registry",
    ),
    "AML-K8S-4": ({}, "serving.tls_certificate"),
    "MLF-1": ({"training.mlflow": "'>=2'"}, "training.mlflow"),
    "MLF-2": ({"training.mlflow": "3.16.0"}, "training.mlflow"),
    "MLF-3": (
        {"training.mlflow": "3.5.0", "training.azureml_mlflow": "1.50.0"},
        "training.azureml_mlflow",
    ),
    "K8S-1": ({"serving.memory": "1GB"}, "serving.memory"),
    "AML-K8S-8": ({"serving.kubernetes_version": "'1.38'"}, "serving.kubernetes_version"),
    "RG-2": ({"sign_in.region": "chinaeast2"}, "sign_in.region"),
    "TN-2": ({"sign_in.tenant": "contoso.onmicrosoft.us"}, "sign_in.tenant"),
    "NM-7": (
        {"names.vnet": "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v"},
        "names.vnet",
    ),
    "RG-1": ({"sign_in.region": "West Europe"}, "sign_in.region"),
    "TN-1": ({"sign_in.tenant": "my tenant"}, "sign_in.tenant"),
    "SC-1": ({"scoring.request": "{input_data: [[1, 2]]}"}, "scoring.request"),
    "NB-1": ({"training.notebook": "nowhere.py"}, "training.notebook"),
    "NB-2": ({"training.parameters": "{alhpa: 1}"}, "training.parameters.alhpa"),
    "NB-3": ({"training.parameters": "{db_password: x}"}, "training.parameters.db_password"),
    "NB-4": ({"training.parameters": "{alpha: -1}"}, "training.parameters.alpha"),
    "NB-5": ({"training.requirements": "[mlflow==2.22.5]"}, "training.requirements"),
    "NB-6": ({"training.data": "rows.csv"}, "training.data"),
    "SV-1": ({"serving.script": "nowhere.py"}, "serving.script"),
    "SV-2": ({"serving.environment": "ubuntu"}, "serving.environment"),
    "EX-1": ({"expect.predictions": "[1.0]"}, "expect.predictions"),
    "EX-2": ({"expect.metrics": "{rmse: {at_most: 60}}"}, "expect.metrics.rmse"),
}  # fmt: skip


def findings(changes: dict[str, str]) -> list[Finding]:
    reading = read(RECIPES / "quickstart.yaml", changes)
    assert not reading.findings, reading.findings
    return rules.check(reading.sections)


def test_every_rule_has_a_case() -> None:
    assert {r.id for r in RULES} == set(BREAKS)
    assert len({r.id for r in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_a_rule_finds_what_breaks_it_and_names_fields_as_forms_do(rule: rules.Rule) -> None:
    changes, field = BREAKS[rule.id]
    told = findings(changes)
    assert not any(map(named_by_path, told))
    found = [f for f in told if f.rule == rule.id]
    assert len(found) == 1
    assert field in found[0].fields
    paths = {*found[0].fields, *(f.rpartition(".")[0] for f in found[0].fields)}
    assert paths.intersection(rule.about) or "names" in rule.about
    assert found[0].severity == rule.severity
    assert found[0].what and found[0].fix and found[0].why and rule.source


PATHS = {spec.path for name in fields.sections() for spec in fields.specs(name)}


def named_by_path(found: Finding) -> set[str]:
    """The fields that a finding calls by their paths in the recipe, which no form shows."""
    advice = re.sub(r"`[^`]*`", "", f"{found.what} {found.fix} {found.otherwise}")
    return PATHS & {f"{section}.{name}" for section, name in re.findall(r"(\w+)\.(\w+)", advice)}


@pytest.mark.parametrize(
    ("cell", "fix"),
    [
        ("%pip install xgboost", "Name them, pinned, as requirements: they are installed before it runs."),
        ('trees = dbutils.widgets.get("trees")', "Set trees."),
    ],
)  # fmt: skip
def test_advice_on_a_notebook_names_fields_as_forms_do(tmp_path: Path, cell: str, fix: str) -> None:
    notebook = tmp_path / "own.py"
    notebook.write_text(f"# Databricks notebook source\n{cell}\n")
    found = findings({"training.notebook": str(notebook), "scoring.request": "null"})
    assert fix in [f.fix for f in found], found
    assert not any(map(named_by_path, found))


@pytest.mark.parametrize("entry", ["none", "bastion", "vpn-gateway"])
def test_ranges_of_an_entry_that_is_not_asked_for_do_not_matter(entry: str) -> None:
    changes = {
        "security.secure_entry": entry,
        "addresses.bastion": "10.101.0.0/28",
        "addresses.gateway": "10.102.0.0/30",
        "addresses.vpn_clients": "10.100.0.0/24",
    }
    found = {f.fields[0] for f in findings(changes) if f.rule[:2] in ("BA", "GW", "EN")}
    wanted = {
        "none": set(),
        "bastion": {"addresses.bastion"},
        "vpn-gateway": {"addresses.gateway", "addresses.vpn_clients"},
    }
    assert found == wanted[entry]


@pytest.mark.parametrize("name", ["quickstart", "private", "article"])
def test_shipped_recipes_have_no_errors(name: str) -> None:
    found = rules.check(read(RECIPES / f"{name}.yaml").sections)
    assert [f for f in found if f.severity == "error"] == []


def test_the_articles_choices_are_warned_about_with_their_cure() -> None:
    found = rules.check(read(RECIPES / "article.yaml").sections)
    assert {f.rule for f in found} == {"CR-2", "AML-3", "KV-1", "AML-K8S-4"}
    assert all("private-endpoint" in f.fix for f in found if f.rule != "AML-K8S-4")


def test_the_cure_of_a_prefix_is_one_finding() -> None:
    found = [f for f in findings({"names.prefix": "My Team"}) if f.rule == "NM-1"]
    assert len(found) == 1
    assert found[0].fields[0] == "names.prefix" and "names.storage" in found[0].fields


PAIRS = [
    # what the packages do: opening an azureml:// repository with each pair, and their metadata
    ("2.22.5", "1.62.0.post6", ""),
    ("3.15.0", "1.62.0.post6", ""),
    ("3.16.0", "1.62.0.post6", "MLF-2"),
    ("3.5.0", "1.60.0", "MLF-3"),
    ("3.1.2", "1.60.0", "MLF-3"),
    ("2.22.4", "1.60.0", ""),
    ("3.0.1", "1.60.0.post1", "MLF-2"),
    ("2.22.4", "1.61.0", "MLF-3"),
    ("3.4.0", "1.61.0", "MLF-3"),
    ("3.5.0", "1.61.0", ""),
    ("2.22.4", "1.61.0.post1", ""),
    ("3.9.1", "1.62.0", "MLF-2"),
    ("3.10.0", "1.62.0.post5", ""),
    ("3.10.0", "1.62.0.post4", "MLF-2"),
    ("2.16.2", "1.59.0", "MLF-2"),
    ("3.0.0", "1.59.0", "MLF-2"),
    ("3.18.0", "1.63.0", ""),  # nothing is known of it
]


@pytest.mark.parametrize(("mlflow", "azureml", "rule"), PAIRS)
def test_pairs_of_mlflow_that_do_not_work_are_refused_with_one_that_does(
    mlflow: str, azureml: str, rule: str
) -> None:
    given = {"training.mlflow": mlflow, "training.azureml_mlflow": azureml}
    found = [f for f in findings(given) if f.rule.startswith("MLF")]
    assert [rule] == [f.rule for f in found][:1] if rule else not found
    for finding in found:
        assert not [
            f
            for f in findings(given | {path: str(value) for path, value in finding.cure.items()})
            if f.rule.startswith("MLF")
        ]


RUNTIMES = [
    ("16.4.x-scala2.12", {}, {}),
    ("16.4.x-cpu-ml-scala2.13", {}, {}),
    ("18.x-scala2.13", {}, {}),
    ("17.3.x-scala2.12", {}, {"DB-7": "error"}),
    ("13.3.x-scala2.12", {}, {"DB-8": "error", "DB-9": "warning"}),
    ("13.3.x-scala2.12", {"training.scikit_learn": "1.7.2"}, {"DB-9": "warning"}),
    ("10.4.x-scala2.12", {"training.scikit_learn": "1.3.2"}, {"DB-8": "error", "DB-9": "warning"}),
    ("14.3.x-scala2.12", {"training.scikit_learn": "1.7.2"}, {}),
    ("12.2.x-scala2.12", {"training.scikit_learn": "1.6.1", "training.mlflow": "3.2.0"},
     {"DB-8": "error", "DB-9": "warning"}),
    # newer than we know: for Databricks to judge
    ("21.x-scala2.13", {}, {"DB-9": "warning"}),
    ("99.9.x-scala2.12", {}, {"DB-9": "warning"}),
]  # fmt: skip


@pytest.mark.parametrize(("runtime", "more", "rules"), RUNTIMES)
def test_a_runtime_is_held_against_its_python_and_its_end(
    runtime: str, more: dict[str, str], rules: dict[str, str]
) -> None:
    given = {"training.spark_version": runtime, **more}
    found = [f for f in findings(given) if f.rule.startswith("DB-")]
    assert {f.rule: f.severity for f in found} == rules
    for finding in found:
        cured = findings(given | {path: str(value) for path, value in finding.cure.items()})
        assert not [f for f in cured if f.rule == finding.rule] or not finding.cure


@pytest.mark.parametrize(
    ("written", "meant"),
    [("'16.4'", "16.4.x-scala2.12"), ("'17.3 LTS'", "17.3.x-scala2.13"), ("'18.3'", "18.x-scala2.13"),
     ("'newest'", "16.4.x-scala2.12")],
)  # fmt: skip
def test_a_runtime_that_is_written_as_people_say_it_is_named(written: str, meant: str) -> None:
    [finding] = [f for f in findings({"training.spark_version": written}) if f.rule == "DB-7"]
    assert finding.cure == {"training.spark_version": meant}


@pytest.mark.parametrize("address", ["10.0.0.0", "10.0.0.1"])
def test_the_first_two_addresses_are_no_dns_address(address: str) -> None:
    assert "AK-4" in {f.rule for f in findings({"addresses.dns_service_ip": address})}


@st.composite
def prefixes(draw: st.DrawFn, inside: str = "10.0.0.0/12", shortest: int = 13) -> IPv4Network:
    outer = IPv4Network(inside)
    length = draw(st.integers(shortest, 30))
    step = 2 ** (32 - length)
    number = draw(st.integers(0, outer.num_addresses // step - 1))
    return IPv4Network((int(outer.network_address) + number * step, length))


NAMES = ("workspace", "compute", "scoring", "databricks_public", "databricks_private",
         "service_cidr", "pod_cidr")  # fmt: skip


@given(st.lists(prefixes(), min_size=7, max_size=7))
def test_overlaps_are_those_that_share_an_address(ranges: list[IPv4Network]) -> None:
    addresses = Addresses.model_validate(dict(zip(NAMES, map(str, ranges), strict=True)))
    found = {
        frozenset((f.fields[0], other))
        for f in rules.check(Sections(addresses=addresses, serving=Serving()))
        if f.rule == "SN-5"
        for other in f.fields[1:]
    }

    def bounds(network: IPv4Network) -> tuple[int, int]:
        return int(network.network_address), int(network.broadcast_address)

    brute = set()
    for (one, first), (other, second) in combinations(zip(NAMES, ranges, strict=True), 2):
        (a, b), (c, d) = bounds(first), bounds(second)
        if a <= d and c <= b:
            brute.add(frozenset((f"addresses.{one}", f"addresses.{other}")))
    assert found == brute


@given(prefixes(), prefixes(shortest=16))
def test_containment_is_that_of_every_address(subnet: IPv4Network, vnet: IPv4Network) -> None:
    sections = Sections(addresses=Addresses(vnet=vnet, compute=subnet))
    found = any(f.rule == "SN-1" and "addresses.compute" in f.fields for f in rules.check(sections))
    first, last = subnet[0], subnet[-1]
    assert found == (not (first in vnet and last in vnet))


@given(prefixes(shortest=20))
def test_usable_addresses_are_all_but_five(network: IPv4Network) -> None:
    every = list(network)
    assert usable(network) == max(0, len(every) - 5)


@given(st.integers(1, 60), st.integers(10, 250), st.integers(16, 29))
def test_pods_fit_when_every_one_gets_an_address(nodes: int, pods: int, length: int) -> None:
    sections = Sections(
        addresses=Addresses(scoring=IPv4Network(f"10.100.0.0/{length}")),
        serving=Serving(network="node-subnet", nodes=nodes, max_pods=pods),
    )
    found = any(f.rule == "AK-8" for f in rules.check(sections))
    free = 2 ** (32 - length) - 5
    for _ in range(nodes + 1):
        free -= 1 + pods
    assert found == (free < 0)
