"""Free space, capacity, suggested plans and cures: against brute force and against every rule."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, collapse_addresses
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import recipe_of
from unit.test_rules import BREAKS, findings, prefixes

from amlwizard import rules
from amlwizard.design.subnets import SUBNETS
from amlwizard.errors import Finding
from amlwizard.recipe import (
    Addresses,
    Names,
    Sections,
    Security,
    Serving,
    Training,
    examine,
    sections_of,
    title,
)
from amlwizard.rules import address_plan, cures
from amlwizard.rules.address_plan import NoRoomError, changes, suggest
from amlwizard.rules.address_space import OUTSIDE, PRIVATE, bounds, free, space_of
from amlwizard.rules.capacity import capacities, load_of
from amlwizard.rules.rule_context import ranges_of

ABOUT_ADDRESSES = ("VN-", "SN-", "DB-1", "DB-5", "PE-", "AK-", "BA-", "GW-", "EN-3")
WHOLE = [IPv4Network(f"10.{n}.0.0/16") for n in range(256)]


def recipe(addresses: dict[str, Any] | None = None, **sections: Any) -> Sections:
    given = {"security": Security(), "serving": Serving(), "training": Training(), **sections}
    return Sections(addresses=Addresses.model_validate(addresses or {}), **given)


def suggested(sections: Sections) -> dict[str, str]:
    """What a suggestion changes, by recipe path."""
    ranges = ranges_of(sections)
    assert ranges
    return changes(ranges.space, suggest(ranges.space, ranges.load))


def judged(sections: Sections, *ids: str) -> list[Finding]:
    """What these rules find, or all; without cures, for which plans are searched."""
    ranges = ranges_of(sections, cures=False)
    asked = (rule for rule in rules.RULES if not ids or rule.id in ids)
    return [found for rule in asked for found in rule.findings(sections, ranges)]


def against_addresses(sections: Sections) -> list[Any]:
    return [f for f in rules.check(sections) if f.rule.startswith(ABOUT_ADDRESSES)]


# -- free space


@given(prefixes("10.0.0.0/16", 22), st.lists(prefixes("10.0.0.0/16", 20), max_size=6))
def test_gaps_are_the_addresses_that_nothing_takes(outer: IPv4Network, taken: list[Any]) -> None:
    left = {int(a) for a in outer} - {int(a) for network in taken for a in network}
    gaps = list(free(outer, taken))
    assert {a for gap in gaps for a in range(gap.first, gap.last + 1)} == left
    assert sum(gap.addresses for gap in gaps) == len(left)
    for gap in gaps:  # each as long as it can be
        assert gap.first - 1 not in left and gap.last + 1 not in left
        assert [int(a) for n in gap.networks() for a in n] == list(range(gap.first, gap.last + 1))


def test_what_can_be_read_of_a_form_is_drawn_while_the_rest_is_typed() -> None:
    raw = {
        "vnet": "10.100.0.0/16", "compute": "10.100.1", "scoring": "10.100.2.0/24",
        "peered": ["10.0.0.0/16", "10."], "on_premises": "x", "dns_service_ip": "no",
    }  # fmt: skip
    space = space_of(examine({"addresses": raw}).sections)
    assert {"vnet", "scoring"} <= set(space.own) and "compute" not in space.own
    assert [r.path for r in space.neighbours] == ["addresses.peered.0"]
    assert space.dns is None
    assert "compute" in space.names


# -- capacity


@st.composite
def loads(draw: st.DrawFn) -> dict[str, Any]:
    entry = draw(st.sampled_from(["none", "bastion", "vpn-gateway"]))
    access = st.sampled_from(["private-endpoint", "service-endpoint"])
    overlay = draw(st.booleans())
    security = {
        "secure_entry": entry, "private_aks": draw(st.booleans()), "storage": draw(access),
        "key_vault": draw(access), "registry": draw(access),
    }  # fmt: skip
    return {
        "security": Security.model_validate(security),
        "serving": Serving(
            network="overlay" if overlay else "node-subnet",
            nodes=draw(st.integers(3, 500 if overlay else 60)),
            max_pods=draw(st.integers(10, 250)),
            load_balancer=draw(st.sampled_from(["public", "internal"])),
        ),
        "training": Training(workers=draw(st.integers(0, 1000))),
    }  # fmt: skip


@given(loads(), st.integers(16, 29), st.integers(8, 24))
def test_as_many_nodes_fit_as_the_rules_allow(load: dict[str, Any], long: int, pods: int) -> None:
    addresses = {"scoring": f"10.0.0.0/{long}", "pod_cidr": f"10.0.0.0/{pods}"}
    sections = recipe(addresses, **load)
    space = space_of(sections)
    fit = {c.name: c for c in capacities(space, load_of(*load.values()))}

    def refused(name: str, nodes: int) -> bool:
        serving = load["serving"].model_copy(update={"nodes": nodes})
        asked = ("AK-7", "AK-8") if name == "scoring" else ("AK-6",)
        found = judged(replace(sections, serving=serving), *asked)
        return any("nodes" in str(f.fields) for f in found)

    for name in ("scoring", "pod_cidr"):
        if name in fit:
            assert refused(name, fit[name].fits + 1)
            assert fit[name].fits == 0 or not refused(name, fit[name].fits)
            assert fit[name].enough == (not refused(name, load["serving"].nodes))


@pytest.mark.parametrize(
    ("changes", "name", "fits", "needed"),
    [
        ({}, "workspace", 251, 8),
        ({"security.storage": "service-endpoint"}, "workspace", 251, 6),
        ({}, "compute", 251, 1),
        ({}, "scoring", 250, 3),
        ({"serving.load_balancer": "internal"}, "scoring", 249, 3),
        ({"serving.load_balancer": "internal", "security.private_aks": "true"}, "scoring", 248, 3),
        ({"serving.network": "node-subnet", "serving.max_pods": "30"}, "scoring", 7, 3),
        ({"training.workers": "4"}, "databricks_private", 251, 5),
        ({"addresses.databricks_public": "10.100.200.0/26"}, "databricks_public", 59, 1),
        ({}, "pod_cidr", 255, 3),
        ({"security.secure_entry": "bastion"}, "bastion", 59, 0),
    ],
)
def test_capacity(changes: dict[str, str], name: str, fits: int, needed: int) -> None:
    made = recipe_of("quickstart", **{k.replace(".", "__"): v for k, v in changes.items()})
    space = space_of(sections_of(made))
    rows = {
        c.name: c for c in capacities(space, load_of(made.security, made.serving, made.training))
    }
    assert (rows[name].fits, rows[name].needed) == (fits, needed)


# -- suggested plans


@st.composite
def typed(draw: st.DrawFn) -> dict[str, Any]:
    """What somebody may have typed: any ranges, and any that are connected."""
    names = draw(st.sets(st.sampled_from(["vnet", *SUBNETS, *OUTSIDE, "bastion", "gateway"])))
    ranges = prefixes("10.0.0.0/8", 8) | prefixes("172.16.0.0/12", 12) | prefixes("8.0.0.0/7", 7)
    connected = st.lists(prefixes("10.0.0.0/8", 9) | prefixes("192.168.0.0/16", 16), max_size=8)
    given = {name: str(draw(ranges)) for name in sorted(names)}
    return {
        **given,
        "peered": [str(n) for n in draw(connected)],
        "on_premises": [str(n) for n in draw(connected)],
        "dns_service_ip": str(draw(st.ip_addresses(v=4))),
    }


@given(typed(), loads())
def test_no_rule_finds_fault_with_a_suggestion(given: dict[str, Any], load: Any) -> None:
    sections = recipe(given, **load)
    try:
        change = suggested(sections)
    except NoRoomError as no:
        # A load for which a /16 is too small; what is connected here always leaves room.
        assert "65,536 at most" in str(no)  # noqa: PT017
        assert load["training"].workers > 250 or load["serving"].network == "node-subnet"
        return
    after = cures.cured(sections, change)
    assert after
    # A VNET that somebody chose may be a part of what is announced on premises.
    assert {f.rule for f in against_addresses(after)} <= {"SN-7", "SN-8"}
    assert suggested(after) == {}  # it stands by its own
    assert suggested(sections) == change
    kept = ("peered", "on_premises")
    assert all(getattr(after["addresses"], k) == getattr(sections["addresses"], k) for k in kept)


def test_a_valid_recipe_stays_as_it_is() -> None:
    assert suggested(recipe()) == {}


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        # What is connected moves the VNET, and all that nobody chose moves along.
        (
            {"peered": ["10.100.0.0/20"]},
            {"vnet": "10.101.0.0/16", "workspace": "10.101.100.0/24", "compute": "10.101.110.0/24",
             "scoring": "10.101.120.0/24", "databricks_public": "10.101.200.0/24",
             "databricks_private": "10.101.210.0/24"},
        ),
        # A subnet of one's own choice stays; the one in its way goes to the next free place.
        ({"compute": "10.100.100.0/24"}, {"workspace": "10.100.101.0/24"}),
        # What is there already stays, and nothing goes there.
        ({"compute": "10.100.100.0/24",
          "reserved": [{"name": "snet-x", "range": "10.100.101.0/26"}]},
         {"workspace": "10.100.102.0/24"}),
        # A VNET of one's own choice takes its subnets along.
        (
            {"vnet": "10.7.0.0/16"},
            {"workspace": "10.7.100.0/24", "compute": "10.7.110.0/24",
             "scoring": "10.7.120.0/24", "databricks_public": "10.7.200.0/24",
             "databricks_private": "10.7.210.0/24"},
        ),
        # So do subnets take their VNET.
        (
            {name: f"10.9.{n}.0/24" for n, name in enumerate(SUBNETS)},
            {"vnet": "10.9.0.0/16"},
        ),
        # A small VNET: everything shrinks to fit, nothing below its least.
        (
            {"vnet": "192.168.7.0/24"},
            {"workspace": "192.168.7.128/27", "compute": "192.168.7.160/27",
             "scoring": "192.168.7.192/27", "databricks_public": "192.168.7.0/26",
             "databricks_private": "192.168.7.64/26"},
        ),
        ({"vnet": "10.0.0.0/8"}, {"vnet": "10.100.0.0/16"}),
        # Of VNET and service range, that moves which nobody chose.
        ({"vnet": "10.0.0.0/16"},
         {"workspace": "10.0.100.0/24", "compute": "10.0.110.0/24", "scoring": "10.0.120.0/24",
          "databricks_public": "10.0.200.0/24", "databricks_private": "10.0.210.0/24",
          "service_cidr": "10.1.0.0/16", "dns_service_ip": "10.1.0.10"}),
        ({"service_cidr": "10.100.0.0/16"},
         {"vnet": "10.101.0.0/16", "workspace": "10.101.100.0/24", "compute": "10.101.110.0/24",
          "scoring": "10.101.120.0/24", "databricks_public": "10.101.200.0/24",
          "databricks_private": "10.101.210.0/24", "dns_service_ip": "10.100.0.10"}),
        # Too small grows to the least that is enough, too large shrinks to what is usual.
        ({"pod_cidr": "10.244.0.0/24"}, {"pod_cidr": "10.244.0.0/22"}),
        ({"pod_cidr": "10.0.0.0/8"}, {"pod_cidr": "10.1.0.0/16"}),
        ({"on_premises": ["10.0.0.0/8"]},
         {"vnet": "172.16.0.0/16", "workspace": "172.16.100.0/24", "compute": "172.16.110.0/24",
          "scoring": "172.16.120.0/24", "databricks_public": "172.16.200.0/24",
          "databricks_private": "172.16.210.0/24", "service_cidr": "172.18.0.0/16",
          "pod_cidr": "172.19.0.0/16", "dns_service_ip": "172.18.0.10"}),
    ],
)  # fmt: skip
def test_what_is_suggested(typed: dict[str, Any], wanted: dict[str, str]) -> None:
    assert suggested(recipe(typed)) == {f"addresses.{k}": v for k, v in wanted.items()}


@given(st.lists(prefixes("10.64.0.0/12", 18), min_size=0, max_size=4))
def test_there_is_a_plan_exactly_where_there_is_room(holes: list[IPv4Network]) -> None:
    """Everything private is peered but some holes. The least is a VNET and a service range of /24
    each, and pods of /22: they fit where they can be cut out of the holes."""
    holes = list(collapse_addresses(holes))
    taken = [
        network for outer in PRIVATE for gap in free(outer, holes) for network in gap.networks()
    ]
    sections = recipe({"peered": [str(network) for network in taken]})
    units = sum(2 ** (24 - hole.prefixlen) for hole in holes if hole.prefixlen <= 24)
    room = units >= 6 and any(hole.prefixlen <= 22 for hole in holes)
    if room:
        after = cures.cured(sections, suggested(sections))
        assert after and against_addresses(after) == []
    else:
        with pytest.raises(NoRoomError) as refused:
            suggested(sections)
        assert "AKS pod range /22" in refused.value.why
        assert refused.value.fix


def test_a_load_that_no_vnet_holds_is_said() -> None:
    serving = Serving(network="node-subnet", nodes=400, max_pods=250)
    with pytest.raises(NoRoomError) as refused:
        suggested(recipe(serving=serving))
    assert "65,536 at most" in refused.value.what
    assert "Scoring subnet" in refused.value.why and "overlay" in refused.value.fix


@given(st.ip_addresses(v=4), prefixes(shortest=13))
def test_a_dns_address_is_kept_where_it_may_be(now: IPv4Address, service: IPv4Network) -> None:
    found = address_plan.dns_in(service, now)
    assert found in service and found not in (service[0], service[1])
    first, last = bounds(service)
    inside = int(service.network_address) + int(now) % (last - first + 1)
    if inside - first >= 2:
        assert address_plan.dns_in(service, IPv4Address(inside)) == IPv4Address(inside)


# -- cures

NO_CURE_KNOWN = {
    "AK-18",
    "DNS-1",
    "NB-1",
    "NB-6",
    "SV-1",
    "SV-2",
    "NM-6",
    "SC-1",
    "ST-1",
    "SN-7",
    "SN-8",
    "SN-9",
    "RG-2",
    "TN-2",
    "NM-7",
    "AML-K8S-7",
    "AML-K8S-8",
}


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.id)
def test_every_rule_that_can_know_a_cure_has_one(rule: rules.Rule) -> None:
    found = next(f for f in findings(BREAKS[rule.id][0]) if f.rule == rule.id)
    assert bool(found.cure) == (rule.id not in NO_CURE_KNOWN)
    for path, value in found.cure.items():
        assert title(path) in found.fix
        plain = value if isinstance(value, str) else json.dumps(value)
        if value not in (None, [], {}) and not isinstance(value, bool):
            assert plain.lower() in found.fix.lower()


def part_of(one: Any, other: Any) -> bool:
    return one.rule == other.rule and set(one.fields) <= set(other.fields)


def assert_cures_hold(sections: Sections) -> None:
    before = rules.check(sections)
    for finding in before:
        if finding.cure:
            after = cures.cured(sections, finding.cure)
            assert after is not None
            found = judged(after)
            assert not any(part_of(f, finding) for f in found)
            for error in found:
                known = any(part_of(error, f) for f in before)
                assert error.severity == "warning" or known, error


@given(typed(), loads())
def test_a_cure_of_ranges_removes_its_finding_and_brings_no_error(given: Any, load: Any) -> None:
    sections = recipe(given, **load)
    assert_cures_hold(sections)
    told = [f for f in against_addresses(sections) if f.rule not in NO_CURE_KNOWN]
    uncured = [f for f in told if not f.cure]
    if uncured:
        with pytest.raises(NoRoomError):  # only where there is no room at all
            suggested(sections)


LETTERS = st.text(st.sampled_from("abAB09-_. éß/microsoftxlogin"), min_size=1, max_size=60)


@given(LETTERS)
def test_every_prefix_has_a_right_one_near_it(prefix: str) -> None:
    sections = Sections(names=Names.model_validate({"prefix": prefix}))
    assert_cures_hold(sections)
    for finding in rules.check(sections):
        assert finding.cure, finding


@given(st.dictionaries(st.sampled_from([*rules.name_shapes.SHAPES]), LETTERS, max_size=4))
def test_every_name_has_a_right_one_near_it(names: dict[str, str]) -> None:
    sections = Sections(names=Names.model_validate({"prefix": "team01", **names}))
    assert_cures_hold(sections)
    for finding in rules.check(sections):
        if finding.rule in ("NM-1", "NM-2"):
            assume(len(set(map(str.lower, names.values()))) == len(names))
            assert finding.cure, finding
