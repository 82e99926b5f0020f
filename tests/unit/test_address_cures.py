"""Plans that people have, and what is said of them: how grave, once for each cause, with cures that
hold together and take no more than they need."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import RECIPES
from unit.test_address_plan import NO_CURE_KNOWN, judged, loads, part_of, recipe, typed
from unit.test_rules import prefixes

from amlwizard import fields, rules
from amlwizard.errors import Finding
from amlwizard.recipe import Reading, read
from amlwizard.rules import cures

PLAN_OF_TENS = {
    f"addresses.{name}": f"10.0.{n}.0/24"
    for name, n in {
        "workspace": 100, "compute": 110, "scoring": 120, "databricks_public": 200,
        "databricks_private": 210,
    }.items()
} | {"addresses.vnet": "10.0.0.0/16"}  # fmt: skip
SMALL = {
    "addresses.vnet": "10.240.0.0/16", "addresses.scoring": "10.240.0.0/22",
    "addresses.workspace": "10.240.4.32/29", "addresses.compute": "10.240.8.0/27",
    "addresses.databricks_public": "10.240.9.0/26", "addresses.databricks_private": "10.240.9.64/26",
    "addresses.service_cidr": "172.16.0.0/16", "addresses.dns_service_ip": "172.16.0.10",
    "addresses.pod_cidr": "192.168.0.0/16",
}  # fmt: skip
INGRESS = "[{name: snet-ingress, range: 10.240.4.0/28}]"
GATEWAY = {"security.secure_entry": "vpn-gateway"}
PODS_OF_NODES = {"serving.network": "node-subnet"}


def reading(changes: dict[str, str]) -> Reading:
    return read(RECIPES / "private.yaml", changes)


def findings(changes: dict[str, str]) -> list[Finding]:
    found = reading(changes)
    assert not found.findings, found.findings
    return rules.check(found.sections)


def taken(sections: Any, found: list[Finding]) -> list[Finding]:
    """What is found once every cure was taken, in any order: it must be the same in all."""
    every = [finding.cure for finding in found if finding.cure]
    ends = []
    for order in (every, every[::-1]):
        now = sections
        for cure in order:
            now = cures.cured(now, cure)
            assert now is not None
        ends.append(now)
    assert ends[0] == ends[-1]
    return judged(ends[0])


# Settings, and what is found: rules with their severity, in the order in which they are told.
PLANS: dict[str, tuple[dict[str, str], list[str]]] = {
    "a gateway that only the Basic SKU takes": (
        {**GATEWAY, "addresses.gateway": "10.100.251.0/29"}, ["GW-1 error"]),
    "the next smaller": ({**GATEWAY, "addresses.gateway": "10.100.251.0/28"}, ["GW-1 error"]),
    "pods with addresses of the VNET": (
        {"addresses.pod_cidr": "10.100.128.0/18"}, ["AK-15 error"]),
    "pods around the VNET, over no subnet": (
        {"addresses.vnet": "10.100.0.0/17", "addresses.databricks_public": "10.100.20.0/24",
         "addresses.databricks_private": "10.100.21.0/24", "addresses.pod_cidr": "10.100.64.0/18",
         "addresses.workspace": "10.100.22.0/24", "addresses.compute": "10.100.23.0/24",
         "addresses.scoring": "10.100.24.0/24"}, ["AK-15 error"]),
    "services with addresses of the VNET": (
        {"addresses.service_cidr": "10.100.0.0/18", "addresses.dns_service_ip": "10.100.0.10"},
        ["AK-3 warning"]),
    "public services and pods": (
        {"addresses.service_cidr": "20.0.0.0/16", "addresses.dns_service_ip": "20.0.0.10",
         "addresses.pod_cidr": "11.0.0.0/16"}, ["AK-6 error", "VN-2 warning"]),
    "two small subnets": (
        {"addresses.databricks_public": "10.100.200.0/27",
         "addresses.databricks_private": "10.100.200.32/27"}, ["DB-1 error"]),
    "all of ten on premises": (
        {"addresses.on_premises": "[10.0.0.0/8]"},
        ["SN-6 error", "SN-6 error", "SN-7 warning"]),
    "every private range on premises": (
        {"addresses.on_premises": "[10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]"},
        ["SN-6 error", "SN-6 error", "SN-7 warning"]),
    "a summary route": ({"addresses.on_premises": "[10.96.0.0/11]"}, ["SN-7 warning"]),
    "the VNET itself on premises": ({"addresses.on_premises": "[10.100.0.0/16]"}, ["SN-6 error"]),
    "a part of the VNET on premises": ({"addresses.on_premises": "[10.100.7.0/24]"}, ["SN-6 error"]),
    "forced tunnelling": ({"addresses.on_premises": "[0.0.0.0/0]"}, ["SN-8 warning"]),
    "forced tunnelling in halves": (
        {"addresses.on_premises": "[0.0.0.0/1, 128.0.0.0/1]"}, ["SN-8 warning", "SN-8 warning"]),
    "a summary that is peered": ({"addresses.peered": "[10.96.0.0/11]"}, ["SN-6 error"]),
    "a service range of four": (
        {"addresses.service_cidr": "10.0.0.0/30", "addresses.dns_service_ip": "10.0.0.2"},
        ["AK-2 error"]),
    "a service range of eight": (
        {"addresses.service_cidr": "10.0.0.0/29", "addresses.dns_service_ip": "10.0.0.2"},
        ["AK-16 warning"]),
    "a service range that is enough": ({"addresses.service_cidr": "10.0.0.0/24"}, []),
    "the services' default over a VNET of tens": (PLAN_OF_TENS, ["SN-5 error"]),
    "the same, and too small for AKS and endpoints": (
        {**PLAN_OF_TENS, "addresses.scoring": "10.0.120.0/29", "addresses.workspace": "10.0.100.0/29"},
        ["SN-5 error", "PE-1 error", "AK-7 error"]),
    "a subnet over everything, the services over the VNET": (
        {"addresses.vnet": "10.0.0.0/16", "addresses.compute": "10.0.0.0/8"},
        ["SN-1 error", "SN-5 error"]),
    "pods over everything": ({"addresses.pod_cidr": "10.0.0.0/8"}, ["SN-5 error"]),
    "a tenth more for upgrades": (
        {"serving.nodes": "250", "addresses.scoring": "10.100.0.0/23", "serving.max_surge": "10%"},
        ["AK-6 error"]),
    "one more for upgrades": (
        {"serving.nodes": "250", "addresses.scoring": "10.100.0.0/23"}, []),
    "as many as an autoscaler may add": (
        {"serving.max_nodes": "60", "addresses.scoring": "10.100.120.0/26"}, ["AK-7 error"]),
    "a third more, with pods": (
        {**PODS_OF_NODES, "serving.nodes": "15", "serving.max_pods": "30",
         "addresses.scoring": "10.100.4.0/23", "serving.max_surge": "33%"}, ["AK-8 error"]),
    "endpoints beside a subnet of others": (
        {**SMALL, "addresses.reserved": INGRESS}, ["PE-1 error"]),
    "a subnet of others under ours": (
        {"addresses.reserved": "[{name: snet-x, range: 10.100.120.64/28}]"}, ["SN-5 error"]),
    "a subnet of others under the pods": (
        {"addresses.vnet": "10.100.0.0/16", "addresses.pod_cidr": "10.100.0.0/20",
         "addresses.reserved": "[{name: snet-x, range: 10.100.1.0/24}]"}, ["SN-5 error"]),
    "a subnet of others outside the VNET": (
        {"addresses.reserved": "[{name: snet-x, range: 10.7.1.0/24}]"}, ["SN-1 error"]),
}  # fmt: skip


@pytest.mark.parametrize("plan", PLANS)
def test_what_is_said_of_a_plan(plan: str) -> None:
    changes, wanted = PLANS[plan]
    found = findings(changes)
    assert sorted(f"{f.rule} {f.severity}" for f in found) == sorted(wanted)
    after = taken(reading(changes).sections, found)
    assert {f.rule for f in after} <= NO_CURE_KNOWN
    assert all(f.cure for f in found if f.rule not in NO_CURE_KNOWN)


@pytest.mark.parametrize(
    ("plan", "cure"),
    [
        ("endpoints beside a subnet of others", {"addresses.workspace": "10.240.4.32/28"}),
        ("the next smaller", {"addresses.gateway": "10.100.251.0/27"}),
        ("as many as an autoscaler may add", {"addresses.scoring": "10.100.120.0/25"}),
        ("pods over everything", {"addresses.pod_cidr": "10.1.0.0/16"}),
        ("a tenth more for upgrades", {"addresses.pod_cidr": "10.244.0.0/15"}),
    ],
)
def test_a_cure_takes_the_least_that_is_enough(plan: str, cure: dict[str, str]) -> None:
    (found,) = (f for f in findings(PLANS[plan][0]) if f.cure)
    assert found.cure == cure


def test_the_upgrade_is_named_where_it_is_the_cause() -> None:
    (found,) = findings({**PODS_OF_NODES, "serving.nodes": "2", "serving.max_pods": "100"})
    assert found.rule == "AK-8" and "1 more while they are upgraded" in found.what
    assert "1 node." in found.what  # as many as can be run and upgraded


@pytest.mark.parametrize("value", ["10.2.0.0/16,10.179.0.0/16", "[10.2.0.0/16, 10.179.0.0/16]"])
def test_several_prefixes_are_refused_in_words(value: str) -> None:
    (found,) = reading({"addresses.vnet": value}).findings
    assert "several ranges" in found.what and found.fields == ("addresses.vnet",)


def test_a_subnet_in_a_second_prefix_says_that_there_is_one() -> None:
    found = next(f for f in findings({"addresses.compute": "10.101.0.0/24"}) if f.rule == "SN-1")
    assert "one prefix" in found.why


@given(typed(), loads(), st.lists(prefixes("10.0.0.0/8", 20), max_size=3))
def test_all_cures_together_leave_no_error(
    given: Any, load: Any, theirs: list[IPv4Network]
) -> None:
    reserved = [{"name": f"snet-{n}", "range": str(r)} for n, r in enumerate(theirs)]
    sections = recipe({**given, "reserved": reserved}, **load)
    found = rules.check(sections)
    uncured = [f for f in found if not f.cure]
    for error in taken(sections, found):
        known = any(part_of(error, finding) for finding in uncured)
        assert error.severity == "warning" or known, error


def test_cures_of_names_and_of_versions_hold_together_too() -> None:
    changes = {
        "names.endpoint": "e" * 40, "names.deployment": "d" * 32, "names.compute_subnet": "snet",
        "names.scoring_subnet": "SNET", "training.mlflow": ">=3.20", "training.azureml_mlflow": "1.62.0",
    }  # fmt: skip
    found = findings(changes)
    assert sum(bool(f.cure) for f in found) > 3
    sections = reading(changes).sections
    for order in permutations([f.cure for f in found if f.cure]):
        now: Any = sections
        for cure in order:
            now = cures.cured(now, cure)
        assert not [f for f in judged(now) if f.severity == "error"]


# -- subnets that are there already


def test_a_form_takes_reserved_subnets_on_a_line() -> None:
    spec = next(s for s in fields.specs("addresses") if s.name == "reserved")
    line = "snet-a=10.100.1.0/24, snet-b=10.100.2.0/28"
    value = fields.typed(spec, line)
    assert value == [
        {"name": "snet-a", "range": "10.100.1.0/24"}, {"name": "snet-b", "range": "10.100.2.0/28"},
    ]  # fmt: skip
    assert fields.shown(spec, value) == line


@pytest.mark.parametrize(
    ("value", "rule", "said"),
    [
        ("[{name: snet-a}]", "missing", "no range"),
        ("[{range: 10.100.1.0/24}]", "missing", "no name"),
        ("[{name: snet-a, range: 10.100.1.0/24, nsg: x}]", "unknown-key", "nsg"),
        ("[10.100.1.0/24]", "missing", "no name"),
        ("[{name: snet-a, range: 10.100.1.7/24}]", "host-bits", "10.100.1.0/24"),
    ],
)
def test_a_reserved_subnet_has_a_name_and_a_range(value: str, rule: str, said: str) -> None:
    (found,) = reading({"addresses.reserved": value}).findings
    assert found.rule == rule and said in found.what
    assert found.fields == ("addresses.reserved.0",)
    if rule == "host-bits":
        assert found.cure == {"addresses.reserved": [{"name": "snet-a", "range": "10.100.1.0/24"}]}


@pytest.mark.parametrize("value", ["0", "0%", "101%", "x", "-1", "1.5", "'1 %'"])
def test_a_surge_is_nodes_or_a_share(value: str) -> None:
    (found,) = reading({"serving.max_surge": value}).findings
    assert found.fields == ("serving.max_surge",) and "not a valid upgrade surge" in found.what
