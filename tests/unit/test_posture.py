"""The judgement itself, without any cloud: effective rules against brute force, lines, the page."""

from __future__ import annotations

import json
import re
import socket
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import recipe_of

from amlwizard.design.security_groups import exposed, rules
from amlwizard.design.subnets import with_security_group
from amlwizard.posture import Evidence, Posture, PostureFacts, ProbeAnswer, PromiseLine, Side, judge
from amlwizard.posture.effective import INTERNET, Opening, covers, openings
from amlwizard.posture.result import Outcome
from amlwizard.report import page
from amlwizard.report.record import Fit, RunRecord, Timing, recorded

GOLDEN = Path(__file__).parents[1] / "golden" / "quickstart.jsonl"


def rule(
    priority: int,
    access: str = "Allow",
    source: str = "*",
    ports: str = "*",
    protocol: str = "*",
    target: str = "*",
    direction: str = "Inbound",
    **more: Any,
) -> dict[str, Any]:
    return {
        "name": f"r{priority}",
        "properties": {
            "priority": priority,
            "access": access,
            "direction": direction,
            "protocol": protocol,
            "sourceAddressPrefix": source,
            "sourcePortRange": "*",
            "destinationAddressPrefix": target,
            "destinationPortRange": ports,
            **more,
        },
    }


DEFAULTS = [
    rule(65000, source="VirtualNetwork", target="VirtualNetwork"),
    rule(65001, source="AzureLoadBalancer"),
    rule(65500, "Deny"),
]


def group(*given: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"securityRules": list(given), "defaultSecurityRules": DEFAULTS}}


def opened(*given: dict[str, Any]) -> set[tuple[str, str, int, int]]:
    return {(o.source, o.protocol, *o.ports) for o in openings(group(*given))}


def test_default_rules_let_nobody_in_from_outside() -> None:
    assert openings(group()) == []


def test_what_is_denied_before_is_not_open() -> None:
    assert opened(rule(200, ports="22"), rule(100, "Deny", INTERNET)) == set()
    assert opened(rule(100, ports="22", protocol="Tcp"), rule(200, "Deny", INTERNET)) == {
        (INTERNET, "Tcp", 22, 22)
    }


def test_a_denial_takes_its_part_out_of_a_range() -> None:
    found = opened(
        rule(200, ports="20-30", protocol="Tcp"), rule(100, "Deny", "*", "22-24", protocol="Tcp")
    )
    assert found == {(INTERNET, "Tcp", 20, 21), (INTERNET, "Tcp", 25, 30)}


@pytest.mark.parametrize(
    "denial",
    [
        rule(100, "Deny", "203.0.113.0/24"),
        rule(100, "Deny", "AzureCloud"),
        rule(100, "Deny", INTERNET, protocol="Udp"),
        rule(100, "Deny", INTERNET, target="10.0.0.0/24"),
        rule(100, "Deny", INTERNET, sourcePortRange="1-1024"),
        rule(100, "Deny", INTERNET, direction="Outbound"),
    ],
)
def test_a_denial_that_may_not_match_closes_nothing(denial: dict[str, Any]) -> None:
    assert (INTERNET, "Tcp", 80, 80) in opened(rule(200, ports="80", protocol="Tcp"), denial)


@pytest.mark.parametrize(
    "source", ["10.9.0.0/16", "172.16.0.0/12", "VirtualNetwork", "100.64.0.0/12"]
)
def test_private_sources_are_no_opening(source: str) -> None:
    assert opened(rule(100, source=source)) == set()


@pytest.mark.parametrize(
    "source", ["GatewayManager", "203.0.113.4/32", "AzureMachineLearning", "::/0"]
)
def test_tags_and_public_prefixes_are_openings(source: str) -> None:
    (found,) = {o[0] for o in opened(rule(100, source=source, protocol="Tcp", ports="443"))}
    assert found == (INTERNET if source == "::/0" else source)


def test_public_space_of_the_vnet_is_inside() -> None:
    from ipaddress import IPv4Network

    found = openings(group(rule(100, source="203.0.113.0/25")), [IPv4Network("203.0.113.0/24")])
    assert found == []


def test_plural_fields_count() -> None:
    found = opened(
        rule(
            100, source="", protocol="Tcp", ports="",
            sourceAddressPrefixes=["10.0.0.0/8", "198.51.100.0/24"],
            destinationPortRanges=["80", "443"],
        )
    )  # fmt: skip
    assert found == {("198.51.100.0/24", "Tcp", 80, 80), ("198.51.100.0/24", "Tcp", 443, 443)}


SOURCES = ["*", INTERNET, "198.51.100.0/24", "198.51.100.0/25", "10.0.0.0/8", "VirtualNetwork"]
PACKETS = ["198.51.100.7", "198.51.100.200", "203.0.113.1"]


@st.composite
def random_rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    priorities = draw(st.lists(st.integers(100, 4096), max_size=7, unique=True))
    return [
        rule(
            priority,
            draw(st.sampled_from(["Allow", "Deny"])),
            draw(st.sampled_from(SOURCES)),
            draw(st.sampled_from(["*", "1-3", "2", "4-9", "0-5"])),
            draw(st.sampled_from(["*", "Tcp", "Udp"])),
        )
        for priority in priorities
    ]


def lets_in(given: list[dict[str, Any]], address: str, protocol: str, port: int) -> bool:
    """Azure's way: the first rule that matches decides."""
    from ipaddress import ip_address, ip_network

    for r in sorted(given + DEFAULTS, key=lambda r: r["properties"]["priority"]):
        p = r["properties"]
        source, ports = p["sourceAddressPrefix"], p["destinationPortRange"]
        first, _, last = ports.partition("-")
        if source in ("VirtualNetwork", "AzureLoadBalancer"):
            continue
        if source not in ("*", INTERNET) and ip_address(address) not in ip_network(source):
            continue
        if p["protocol"] not in ("*", protocol):
            continue
        if ports != "*" and not int(first) <= port <= int(last or first):
            continue
        return bool(p["access"] == "Allow")
    raise AssertionError("the last default rule matches all")


@given(random_rules())
def test_what_is_called_closed_lets_no_packet_in(given: list[dict[str, Any]]) -> None:
    found = openings(group(*given))
    for address in PACKETS:
        for protocol in ("Tcp", "Udp"):
            for port in (0, 2, 3, 5, 9, 700):
                if lets_in(given, address, protocol, port):
                    packet = Opening(f"{address}/32", protocol, (port, port))
                    assert any(packet.within(o) for o in found), (address, protocol, port, found)


@given(random_rules())
def test_what_is_called_open_lets_some_packet_in_or_is_half_denied(
    given: list[dict[str, Any]],
) -> None:
    """Only a denial of part of a source may leave an opening that no packet of ours finds."""
    partial = any(
        r["properties"]["access"] == "Deny" and "/" in r["properties"]["sourceAddressPrefix"]
        for r in given
    )
    for opening in openings(group(*given)):
        if opening.source == INTERNET and opening.protocol in ("Tcp", "Udp") and not partial:
            assert lets_in(given, "203.0.113.1", opening.protocol, opening.ports[0])


def test_covering() -> None:
    assert covers("Storage", "Storage.WestEurope") and not covers("Storage.WestEurope", "Storage")
    assert covers("198.51.100.0/24", "198.51.100.7/32")
    assert not covers("198.51.100.7/32", "198.51.100.0/24") and not covers("AzureCloud", INTERNET)


# -- the design


@pytest.mark.parametrize("entry", ["none", "bastion", "vpn-gateway"])
@pytest.mark.parametrize("balancer", ["public", "internal"])
@pytest.mark.parametrize("name", ["quickstart", "article", "private"])
def test_the_design_opens_what_it_lists_and_nothing_else(
    name: str, balancer: str, entry: str
) -> None:
    recipe = recipe_of(name, serving__load_balancer=balancer, security__secure_entry=entry)
    for which in with_security_group(recipe.security):
        designed = rules(recipe, which)
        wanted = exposed(recipe, which)
        found = {(o.source, o.protocol, o.ports) for o in openings(group(*designed))}
        assert found == {(source, "Tcp", (port, port)) for source, port in wanted}, which
        keys = [(r["properties"]["direction"], r["properties"]["priority"]) for r in designed]
        assert len(set(keys)) == len(keys)
    assert ("gateway" in with_security_group(recipe.security)) is False


def test_overlay_pods_reach_each_other_before_the_internet_is_shut_out() -> None:
    designed = rules(recipe_of("quickstart"), "scoring")
    pods = [r for r in designed if r["properties"]["sourceAddressPrefix"] == "10.244.0.0/16"]
    assert {r["properties"]["direction"] for r in pods} == {"Inbound", "Outbound"}
    assert all(r["properties"]["priority"] < 4096 for r in pods)
    plain = rules(recipe_of("quickstart", serving__network="node-subnet"), "scoring")
    assert not [r for r in plain if "10.244" in str(r)]


# -- lines


def test_nothing_seen_is_nothing_kept() -> None:
    recipe = recipe_of("private")
    reasons = dict.fromkeys(("vnet", "workspace", "storage"), "AuthorizationFailed")
    lines = {
        line.id: line for line in judge(recipe, PostureFacts({}, reasons, "no answer", "no answer"))
    }
    assert lines["storage.closed"].outcome == "unknown"
    assert (
        lines["storage.closed"].seen
        == "Storage account: closed to the Internet: AuthorizationFailed"
    )
    assert (
        lines["key-vault.closed"].outcome == "broken"
        and "not there" in lines["key-vault.closed"].seen
    )
    assert not any(line.outcome == "ok" for line in lines.values() if line.area == "Names")


def test_a_side_that_was_left_out_is_not_missed() -> None:
    recipe = recipe_of("private")
    both = {line.id for line in judge(recipe, PostureFacts({}, {}, Side(), Side()))}
    without = {line.id for line in judge(recipe, PostureFacts({}, {}, None, Side()))}
    assert without <= both
    documents = {"workspace": {"properties": {"publicNetworkAccess": "Disabled"}}}

    def closed(outside: str | None) -> PromiseLine:
        lines = judge(recipe, PostureFacts(documents, {}, outside, None))
        return next(line for line in lines if line.id == "workspace.closed")

    assert closed(None).outcome == "ok"
    assert closed("offline").outcome == "unknown" and "offline" in closed("offline").seen


def test_an_answer_reads_as_what_it_was() -> None:
    assert str(ProbeAnswer(403, "UserError")) == "HTTP 403 UserError"
    assert str(ProbeAnswer(error="ConnectTimeout")) == "no answer (ConnectTimeout)"


def test_a_posture_survives_json() -> None:
    recipe = recipe_of("private")
    posture = Posture("p", "sandbox", 1.5, judge(recipe, PostureFacts({}, {}, "x", "y")))
    assert Posture.from_json(json.loads(json.dumps(posture.to_json()))) == posture


# -- the page

EVIL = '"><script>alert(1)</script><img src=https://evil.example/x>'


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes += [(name, value or "") for name, value in attrs]


def parsed(text: str) -> _Page:
    found = _Page()
    found.feed(text)
    return found


def evil_posture() -> Posture:
    piece = Evidence("ARM", EVIL, EVIL, EVIL, "broken")
    return Posture(
        EVIL, EVIL, 0.0, (PromiseLine("x", EVIL, EVIL, EVIL, EVIL, "broken", (piece,), EVIL),)
    )


def test_the_page_needs_nothing_but_itself() -> None:
    recipe = recipe_of("quickstart", security__secure_entry="bastion")
    record = recorded([GOLDEN], "sandbox")
    posture = Posture("mlquick01", "sandbox", 0.0, judge(recipe, PostureFacts({}, {}, "x", "y")))
    text = page(posture, recipe, record)
    found = parsed(text)
    assert {"script", "link", "img", "iframe", "object"} & found.tags.keys() == set()
    assert not {"src", "href", "srcset", "data"} & {name for name, _ in found.attributes}
    for named in ("http://www.w3.org", dict(record.lineage)["Endpoint"]):
        text = text.replace(named, "")
    assert "http://" not in text and "url(http" not in text
    assert "@import" not in text and "default-src 'none'" in text
    assert found.tags["svg"] == 3 and found.tags["circle"] == 89
    assert found.tags["html"] == 1 and text.count("<tr") == text.count("</tr>")
    for word in ("AzureBastionSubnet", "mlw-mlquick01", "snet-mlquick01-scoring", "MSE 3424.9"):
        assert word in text


def test_what_the_cloud_says_is_escaped() -> None:
    recipe = recipe_of("quickstart")
    changed = recipe.model_copy(
        update={"names": recipe.names.model_copy(update={"workspace": EVIL, "vnet": EVIL})}
    )
    timing = Timing("x", EVIL, EVIL, 0.0, 1.0)
    record = RunRecord(EVIL, (timing,), Fit((1.0, 2.0), (1.0, 2.0)), ((EVIL, EVIL),))
    found = parsed(page(evil_posture(), changed, record))
    assert "script" not in found.tags and "img" not in found.tags
    assert not [value for name, value in found.attributes if name.startswith("on")]


def test_the_drawing_shows_where_the_promise_is_broken() -> None:
    recipe = recipe_of("private")
    outcomes: tuple[tuple[str, Outcome], ...] = (("nsg.scoring", "broken"), ("nsg.compute", "ok"))
    lines = tuple(PromiseLine(id, "Network", id, "", "", outcome) for id, outcome in outcomes)
    text = page(Posture("p", "sandbox", 0.0, lines), recipe, RunRecord())
    boxes = re.findall(r"<title>(\w+), snet[^<]*</title>\s*<rect class=\"box subnet (\w+)\"", text)
    assert dict(boxes)["Scoring"] == "broken" and dict(boxes)["Compute"] == "ok"


def test_the_timeline_is_that_of_the_newest_run_that_built() -> None:
    record = recorded([GOLDEN.with_name("none.jsonl"), GOLDEN], "sandbox")
    assert record.run and record.fit and len(record.fit.actual) == 89
    steps = [t.step for t in record.timings]
    assert steps[0] == "sign-in" and "aks" in steps
    stages = [stage for stage, _ in record.lineage]
    assert stages[-4:] == ["Run", "Model", "Deployment", "Endpoint"]
    assert recorded([GOLDEN], "azure") == RunRecord()


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_every_point_of_the_plot_is_on_the_paper(values: list[float]) -> None:
    from amlwizard.report.charts import scatter

    plot = scatter(Fit(tuple(values), tuple(reversed(values))))
    for x, y in plot.points:
        assert plot.low - 0.2 <= x <= plot.high + 0.2
        assert plot.size - plot.high - 0.2 <= y <= plot.size - plot.low + 0.2
    assert 2 <= len(plot.across) <= 13


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (ProbeAnswer(error="ConnectError"), True),
        (ProbeAnswer(200), False),
        # Nobody answers an endpoint that is closed, with whatever certificate.
        (ProbeAnswer(error="CertificateVerifyFailed"), False),
    ],
)
def test_an_internal_endpoint_that_shows_a_certificate_outside_answers(
    answer: ProbeAnswer, kept: bool
) -> None:
    recipe = recipe_of("quickstart", serving__load_balancer="internal")
    there = {"aks": {"name": recipe.names.aks, "properties": {}}}
    seen = PostureFacts(there, {}, Side({}, {"scoring": answer}), None)
    looks = [
        look
        for line in judge(recipe, seen)
        for look in line.evidence
        if look.source == "outside" and look.what == "request"
    ]
    assert ["ok" if kept else "broken"] == [look.outcome for look in looks]


def test_inside_the_vnet_a_silent_resolver_says_nothing_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the cell that looks there."""

    def looked_up(name: str, *_: object) -> list[Any]:
        if name == "there":
            return [(0, 0, 0, "", ("10.0.0.4", 443))]
        raise socket.gaierror(socket.EAI_NONAME if name == "absent" else socket.EAI_AGAIN, "no")

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    text = (resources.files("amlwizard.notebook") / "probe.py").read_text(encoding="utf-8")
    known: dict[str, Any] = {"parameters": {"names": ["there", "absent", "silent"]}}
    exec(text.partition("# COMMAND")[0], known)  # noqa: S102 - our own cell
    assert known["names"] == {"there": ["10.0.0.4"], "absent": []}
