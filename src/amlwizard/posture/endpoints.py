"""Promises about private endpoints and DNS names: they resolve to private addresses inside the
VNET, and only there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address

from amlwizard.design.names import ResourceNames
from amlwizard.design.private_endpoints import WORKSPACE, Link, links
from amlwizard.json_path import resource_name, value_at
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.posture.facts import PostureFacts
from amlwizard.posture.judging import AbsentError, Promise, is_so, tried
from amlwizard.posture.result import Evidence
from amlwizard.recipe import Recipe
from amlwizard.rules.address_space import PRIVATE

NAMES = _("Names")
# Private zones whose public suffix is not simply the zone without ``privatelink.``.
PUBLIC_SUFFIX = {"privatelink.vaultcore.azure.net": "vault.azure.net"}
# Error codes that mean refused by the firewall, not for missing credentials.
TURNED_AWAY = ("AuthorizationFailure", "DENIED", "Forbidden", "ForbiddenByFirewall",
               "ForbiddenByConnection")  # fmt: skip


def promises(recipe: Recipe, facts: PostureFacts) -> Iterator[Promise]:
    for link in links(recipe):
        yield Promise(
            f"endpoint.{link.name}",
            NAMES,
            _("{title}: reached privately", title=link.title),
            ResourceNames(recipe).private_endpoint(link.name),
            _("Azure Private Link, private DNS zone values"),
            _("approved, in its DNS zone, resolved to its private address inside, answering"),
            _private(recipe, facts, link),
        )
    yield Promise(
        "names.outside",
        NAMES,
        _("No private address in the public DNS"),
        _("the public DNS"),
        _("Azure Private Link, DNS integration"),
        _("public addresses, or none"),
        lambda: _outward(recipe, facts),
        _("Remove the records from the public DNS, or look from a machine outside the VNET."),
    )


def addresses(endpoint: Document, groups: Iterable[Document]) -> dict[str, list[str]]:
    """The DNS names of a private endpoint, each with its addresses. Once the endpoint has a zone
    group, only the zone group lists them."""
    held = {
        str(config["fqdn"]).lower(): [str(a) for a in config.get("ipAddresses") or []]
        for config in value_at(endpoint, "properties.customDnsConfigs") or []
    }
    for group in groups:
        for config in value_at(group, "properties.privateDnsZoneConfigs") or []:
            zone = resource_name(value_at(config, "properties.privateDnsZoneId"))
            for record in value_at(config, "properties.recordSets") or []:
                name = str(record.get("fqdn", "")).lower().rstrip(".").removesuffix(f".{zone}")
                addresses_ = [str(a) for a in record.get("ipAddresses") or []]
                held.setdefault(f"{name}.{public_suffix(zone)}", addresses_)
    return held


def public_suffix(zone: str) -> str:
    """The public DNS suffix that a private zone stands for."""
    return PUBLIC_SUFFIX.get(zone, zone.removeprefix("privatelink."))


def find(recipe: Recipe, facts: PostureFacts, link: Link) -> Document:
    """The private endpoint of a link. Raises AbsentError if it does not exist."""
    name = ResourceNames(recipe).private_endpoint(link.name).lower()
    for endpoint in facts.listed("private-endpoints"):
        if str(endpoint.get("name", "")).lower() == name:
            return endpoint
    raise AbsentError(_("private endpoint {name}", name=name))


def _private(recipe: Recipe, facts: PostureFacts, link: Link) -> Callable[[], Iterator[Evidence]]:
    def judge() -> Iterator[Evidence]:
        endpoint = find(recipe, facts, link)
        subnet = resource_name(value_at(endpoint, "properties.subnet.id"))
        wanted = recipe.names.workspace_subnet.lower()
        yield is_so("ARM", _("subnet"), subnet == wanted, wanted, subnet)
        states = [
            str(value_at(c, "properties.privateLinkServiceConnectionState.status"))
            for c in value_at(endpoint, "properties.privateLinkServiceConnections") or []
        ]
        yield is_so(
            "ARM",
            _("connection"),
            states == ["Approved"],
            "Approved",
            ", ".join(states) or _("none"),
        )
        held = addresses(endpoint, facts.listed(f"zone-groups.{link.name}"))
        yield is_so("ARM", _("names"), bool(held), _("some"), str(len(held) or _("none")))
        grouped = {
            resource_name(value_at(config, "properties.privateDnsZoneId"))
            for group in facts.listed(f"zone-groups.{link.name}")
            for config in value_at(group, "properties.privateDnsZoneConfigs") or []
        }
        for zone in link.zones:
            yield is_so(
                "ARM",
                _("zone group on {zone}", zone=zone),
                zone in grouped,
                _("there"),
                _("there") if zone in grouped else _("missing"),
            )
            yield _linked(recipe, facts, zone)
            yield from _recorded(facts, zone, held)
        for name, wanted_addresses in held.items():
            yield from tried(
                "inside", name, lambda n=name, w=wanted_addresses: _inward(facts, n, w)
            )
        yield from tried("inside", _call(link), lambda: _answers(facts, link))

    return judge


def _linked(recipe: Recipe, facts: PostureFacts, zone: str) -> Evidence:
    vnet = recipe.names.vnet.lower()
    states = [
        value_at(link, "properties.virtualNetworkLinkState") or "Completed"
        for link in facts.listed(f"dns-links.{zone}")
        if resource_name(value_at(link, "properties.virtualNetwork.id")) == vnet
    ]
    seen = states[0] if states else _("missing")
    return is_so("ARM", _("link of {zone}", zone=zone), states == ["Completed"], "Completed", seen)


def _recorded(facts: PostureFacts, zone: str, held: dict[str, list[str]]) -> Iterator[Evidence]:
    suffix = f".{public_suffix(zone)}"
    records = {
        str(record.get("name", "")).lower(): [
            str(r.get("ipv4Address")) for r in value_at(record, "properties.aRecords") or []
        ]
        for record in facts.listed(f"records.{zone}")
    }
    for name, wanted in held.items():
        if name.endswith(suffix):
            seen = records.get(name.removesuffix(suffix), [])
            yield is_so(
                "ARM",
                _("record of {name}", name=name),
                sorted(seen) == sorted(wanted),
                ", ".join(wanted),
                ", ".join(seen) or _("missing"),
            )


def _inward(facts: PostureFacts, name: str, wanted: list[str]) -> Evidence:
    seen = facts.name("inside", name)
    return is_so(
        "inside",
        name,
        seen == sorted(wanted),
        ", ".join(wanted),
        ", ".join(seen) or _("no address"),
    )


def _call(link: Link) -> str:
    return _("tracking request") if link is WORKSPACE else _("request")


def _answers(facts: PostureFacts, link: Link) -> Evidence:
    if link is WORKSPACE:
        answer = facts.answer("inside", "tracking")
        return is_so("inside", _call(link), answer.status == 200, "HTTP 200", str(answer))
    answer = facts.answer("inside", link.name)
    ok = answer.status > 0 and answer.code not in TURNED_AWAY
    return is_so("inside", _call(link), ok, _("an answer"), str(answer))


def _outward(recipe: Recipe, facts: PostureFacts) -> Iterator[Evidence]:
    names = [
        name
        for link in links(recipe)
        for endpoint in facts.listed("private-endpoints")
        if str(endpoint.get("name", "")).lower()
        == ResourceNames(recipe).private_endpoint(link.name).lower()
        for name in addresses(endpoint, facts.listed(f"zone-groups.{link.name}"))
    ]
    cluster = facts.document("aks")
    if recipe.security.private_aks and cluster:
        names += [
            str(value_at(cluster, f"properties.{key}"))
            for key in ("fqdn", "privateFQDN")
            if value_at(cluster, f"properties.{key}")
        ]
    for name in names:
        yield from tried("outside", name, lambda n=name: _public(recipe, facts, n))


def _public(recipe: Recipe, facts: PostureFacts, name: str) -> Evidence:
    seen = facts.name("outside", name)
    inward = [a for a in seen if is_private(recipe, a)]
    return is_so(
        "outside", name, not inward, _("no private address"), ", ".join(seen) or _("no address")
    )


def is_private(recipe: Recipe, address: str) -> bool:
    """Whether an address is in a private range or in the VNET."""
    found = ip_address(address)
    return any(found in network for network in (*PRIVATE, recipe.addresses.vnet))
