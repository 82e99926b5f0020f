"""Promises about the VNET: security groups, secure entry, peerings, egress, public addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from amlwizard.design import security_groups
from amlwizard.design.names import ResourceNames
from amlwizard.design.subnets import DATABRICKS, SUBNETS, with_nat_gateway, with_security_group
from amlwizard.json_path import fold_case, resource_name, value_at
from amlwizard.json_types import Document, JsonValue
from amlwizard.language import _
from amlwizard.posture.effective import Opening, covers, network, openings
from amlwizard.posture.facts import NotSeenError, PostureFacts
from amlwizard.posture.judging import AbsentError, Promise, equal, is_so, need
from amlwizard.posture.result import Evidence
from amlwizard.recipe import Recipe, title

NETWORK = _("Network")
OURS = "Microsoft.Databricks-workspaces_UseOnly_"
# The rules that the service writes into the groups of its subnets: direction and remote side.
DATABRICKS_RULES = (
    ("Inbound", "VirtualNetwork"), ("Outbound", "VirtualNetwork"), ("Outbound", "AzureDatabricks"),
    ("Outbound", "Sql"), ("Outbound", "Storage"), ("Outbound", "EventHub"),
)  # fmt: skip
GROUPS = _("Azure Virtual Network, network security groups")
GROUPS_OF = {
    "compute": _("Azure Machine Learning, inbound and outbound network traffic"),
    "bastion": _("Azure Bastion, network security groups"),
    **dict.fromkeys(DATABRICKS, _("Azure Databricks, VNet injection")),
}
TITLES = {
    "workspace": _("Security group of the workspace subnet"),
    "compute": _("Security group of the compute subnet"),
    "scoring": _("Security group of the scoring subnet"),
    "databricks_public": _("Security group of the Databricks public subnet"),
    "databricks_private": _("Security group of the Databricks private subnet"),
    "bastion": _("Security group of the bastion subnet"),
}
OF_THE_RECIPE = _("the recipe itself")


def promises(recipe: Recipe, facts: PostureFacts) -> Iterator[Promise]:
    yield from _security_groups(recipe, facts)
    yield Promise(
        "public-ips",
        NETWORK,
        _("No public address that was not asked for"),
        _(
            "{resource_group}, and what Azure manages for it",
            resource_group=recipe.names.resource_group,
        ),
        OF_THE_RECIPE,
        _("those of the recipe"),
        lambda: _addresses(recipe, facts),
        _("Delete what was added, or find out who needs it."),
    )
    if recipe.security.nat_gateway:
        yield Promise(
            "outbound",
            NETWORK,
            _("Compute and Databricks go out through the NAT gateway"),
            recipe.names.nat_gateway,
            _("Azure Virtual Network, default outbound access"),
            _("NAT gateway, no default outbound access"),
            lambda: _outbound(recipe, facts),
        )
    yield Promise(
        "entry",
        NETWORK,
        _("Ways into the VNET"),
        recipe.names.vnet,
        OF_THE_RECIPE,
        {"none": _("none"), "bastion": "Bastion", "vpn-gateway": _("VPN gateway")}[
            recipe.security.secure_entry
        ],
        lambda: _entry(recipe, facts),
        _("Delete what was added; replay the recipe for what is missing."),
    )
    yield Promise(
        "peerings",
        NETWORK,
        _("Peered with what the recipe names, and no other"),
        recipe.names.vnet,
        _("Azure Virtual Network, peering"),
        ", ".join(str(p) for p in recipe.addresses.peered) or _("none"),
        lambda: _peerings(recipe, facts),
        _("Add its ranges to {field}, or end the peering.", field=title("addresses.peered")),
    )


# -- security groups


def _security_groups(recipe: Recipe, facts: PostureFacts) -> Iterator[Promise]:
    names = ResourceNames(recipe)
    for which in with_security_group(recipe.security):
        exposed, group = _exposed(recipe, which), names.security_group(which)
        deletion = f"az network nsg rule delete -g {recipe.names.resource_group} --nsg-name {group} -n RULE"
        yield Promise(
            f"nsg.{which.replace('_', '-')}",
            NETWORK,
            TITLES[which],
            group,
            GROUPS_OF.get(which, GROUPS),
            _(
                "as designed; let in from outside: {openings} alone",
                openings=", ".join(map(str, exposed)),
            )
            if exposed
            else _("as designed; let in from outside: nothing"),
            _grouped(recipe, facts, which, exposed),
            _(
                "Replay the recipe; delete foreign rules by hand: {command}",
                command=deletion,
            ),
        )


def _subnet(recipe: Recipe, facts: PostureFacts, which: str) -> Document:
    vnet = need(facts, "vnet", recipe.names.vnet)
    name = ResourceNames(recipe).subnet(which)
    for subnet in value_at(vnet, "properties.subnets") or []:
        if str(subnet.get("name", "")).lower() == name.lower():
            return dict(subnet)
    raise AbsentError(_("subnet {name}", name=name))


def _exposed(recipe: Recipe, which: str) -> tuple[Opening, ...]:
    """The traffic that a subnet's group may let in from outside the VNET."""
    designed = security_groups.exposed(recipe, which)
    return tuple(Opening(source, "Tcp", (port, port)) for source, port in designed)


def _grouped(
    recipe: Recipe, facts: PostureFacts, which: str, exposed: tuple[Opening, ...]
) -> Callable[[], Iterator[Evidence]]:
    def judge() -> Iterator[Evidence]:
        name = ResourceNames(recipe).security_group(which)
        attached = resource_name(
            value_at(_subnet(recipe, facts, which), "properties.networkSecurityGroup.id")
        )
        yield is_so(
            "ARM",
            _("attached to its subnet"),
            attached == name.lower(),
            name,
            attached or _("none"),
        )
        group = next(
            (g for g in facts.listed("nsgs") if str(g.get("name", "")).lower() == name.lower()),
            None,
        )
        if group is None:
            raise AbsentError(_("security group {name}", name=name))
        rules = {
            str(r.get("name", "")): r for r in value_at(group, "properties.securityRules") or []
        }
        for wanted in security_groups.rules(recipe, which):
            yield _rule(wanted, rules.get(wanted["name"]))
        if which in DATABRICKS and facts.document("databricks"):
            yield _databricks(rules.values())
        vnet = need(facts, "vnet", recipe.names.vnet)
        spaces = [
            found
            for text in value_at(vnet, "properties.addressSpace.addressPrefixes") or []
            if (found := network(str(text))) and found.version == 4
        ]
        opened = openings(group, spaces)
        foreign = [o for o in opened if not any(o.within(allowed) for allowed in exposed)]
        yield is_so(
            "ARM",
            _("open to the Internet"),
            not foreign,
            ", ".join(str(o) for o in exposed) or _("nothing"),
            ", ".join(str(o) for o in (foreign or opened)) or _("nothing"),
        )

    return judge


def _rule(wanted: Document, found: Document | None) -> Evidence:
    what = _("rule {name}", name=wanted["name"])
    if found is None:
        return is_so("ARM", what, False, _("there"), _("missing"))
    apart = [
        f"{key} {found['properties'].get(key)!r}"
        for key, value in wanted["properties"].items()
        if _comparable(found["properties"].get(key)) != _comparable(value)
    ]
    return is_so("ARM", what, not apart, _("as designed"), ", ".join(apart) or _("as designed"))


def _comparable(value: JsonValue) -> object:
    return sorted(map(fold_case, value), key=str) if isinstance(value, list) else fold_case(value)


def _databricks(rules: Iterable[Document]) -> Evidence:
    """The service's own rules, compared by effect: their names change with its releases."""
    present = {
        (p["direction"], p.get("destinationAddressPrefix"))
        for rule in rules
        if str(rule.get("name", "")).startswith(OURS)
        for p in (rule["properties"],)
        if p["access"] == "Allow"
    }
    missing = [f"{way} {peer}" for way, peer in DATABRICKS_RULES if (way, peer) not in present]
    return is_so(
        "ARM",
        _("rules of Databricks"),
        not missing,
        _("untouched"),
        _("without {rules}", rules=", ".join(missing)) if missing else _("untouched"),
    )


# -- ways in and out


def _addresses(recipe: Recipe, facts: PostureFacts) -> Iterator[Evidence]:
    n = recipe.names
    asked = {n.public_ip.lower()} if recipe.security.nat_gateway else set()
    if recipe.security.secure_entry != "none":
        asked.add(ResourceNames(recipe).entry_ip.lower())
    own = [str(a.get("name", "")) for a in facts.listed("public-ips")]
    yield _only(n.resource_group, own, [a for a in own if a.lower() not in asked])
    managed = [str(a.get("name", "")) for a in facts.listed("public-ips.databricks")]
    foreign = managed if recipe.security.databricks_no_public_ip else []
    yield _only(n.databricks_managed_group, managed, foreign)
    cluster = facts.document("aks")
    if cluster:
        nodes = facts.listed("public-ips.aks")
        names = [_of_service(a) or str(a.get("name", "")) for a in nodes]
        foreign = [
            _of_service(a) or str(a.get("name", "")) for a in nodes if not _asked_of_aks(recipe, a)
        ]
        yield _only(str(value_at(cluster, "properties.nodeResourceGroup")), names, foreign)


def _only(group: str, seen: list[str], foreign: list[str]) -> Evidence:
    text = ", ".join(foreign) if foreign else ", ".join(seen) or _("none")
    return is_so("ARM", _("in {group}", group=group), not foreign, _("those asked for"), text)


def _of_service(address: Document) -> str:
    return str((address.get("tags") or {}).get("k8s-azure-service") or "")


def _asked_of_aks(recipe: Recipe, address: Document) -> bool:
    """Whether the recipe implies this address: one for AKS egress if that uses the load balancer,
    another for a public scoring endpoint."""
    service = _of_service(address)
    if service:
        return bool(recipe.serving.load_balancer == "public" and service.startswith("azureml/"))
    outbound = str((address.get("tags") or {}).get("aks-managed-type", "")).endswith("outbound-ip")
    return outbound and bool(recipe.security.aks_outbound == "load-balancer")


def _outbound(recipe: Recipe, facts: PostureFacts) -> Iterator[Evidence]:
    gateway = recipe.names.nat_gateway.lower()
    for which in with_nat_gateway(recipe.security):
        found = resource_name(value_at(_subnet(recipe, facts, which), "properties.natGateway.id"))
        yield is_so(
            "ARM",
            ResourceNames(recipe).subnet(which),
            found == gateway,
            gateway,
            found or _("no NAT gateway"),
        )
    for which in SUBNETS:
        subnet = _subnet(recipe, facts, which)
        what = _("default outbound access of {subnet}", subnet=ResourceNames(recipe).subnet(which))
        yield equal(what, subnet, "properties.defaultOutboundAccess", False)


def _entry(recipe: Recipe, facts: PostureFacts) -> Iterator[Evidence]:
    names, entry = ResourceNames(recipe), recipe.security.secure_entry
    for role, what, choice, name in (
        ("bastions", _("Bastion hosts"), "bastion", names.bastion),
        ("gateways", _("VPN gateways"), "vpn-gateway", names.vpn_gateway),
    ):
        wanted = [name.lower()] if entry == choice else []
        seen = [str(host.get("name", "")).lower() for host in facts.listed(role)]
        yield is_so(
            "ARM",
            what,
            seen == wanted,
            ", ".join(wanted) or _("none"),
            ", ".join(seen) or _("none"),
        )


def _peerings(recipe: Recipe, facts: PostureFacts) -> Iterator[Evidence]:
    vnet = need(facts, "vnet", recipe.names.vnet)
    named = [str(p) for p in recipe.addresses.peered]
    foreign = []
    for peering in value_at(vnet, "properties.virtualNetworkPeerings") or []:
        remote = value_at(peering, "properties.remoteAddressSpace.addressPrefixes")
        if remote is None:
            raise NotSeenError(
                _("peering {name} does not say what it leads to", name=peering.get("name"))
            )
        strange = [p for p in remote if not any(covers(outer, p) for outer in named)]
        if strange:
            foreign.append(f"{peering.get('name')} ({', '.join(strange)})")
    yield is_so("ARM", _("peerings"), not foreign, ", ".join(named) or _("none"),
                ", ".join(foreign) or _("none beside them"))  # fmt: skip
