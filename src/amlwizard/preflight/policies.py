"""Policies that deny resources which a run would write or Azure services would create."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from amlwizard.cloud.facts import Denied
from amlwizard.errors import Finding
from amlwizard.language import _, sentences
from amlwizard.plan import GROUP
from amlwizard.preflight.situation import Situation
from amlwizard.recipe import title
from amlwizard.rules.base import use

ADDRESSES = "Microsoft.Network/publicIPAddresses"
BY_FIREWALL = _(
    "Route outbound traffic of AKS through a firewall: set {way_out} to user-defined-routing, "
    "{firewall} to its address, and {balancer} to internal. Or ask the owner of the policy for an "
    "exemption.",
    way_out=title("security.aks_outbound"),
    firewall=title("security.aks_firewall"),
    balancer=title("serving.load_balancer"),
)
MAKERS = {
    "aks": ("AKS", "names.aks"),
    "aks-extension": (_("the Machine Learning extension"), "names.aks"),
    "databricks": ("Databricks", "names.databricks"),
}
KEYS = "security.shared_keys"
TAG = re.compile(r"tags(?:\.|\['?)([^'\]]+?)'?\]?")


def policies(s: Situation) -> Iterator[Finding]:
    """One finding per assignment for resources that a run writes, and one per assignment and step
    for resources that services create."""
    for assignment in dict.fromkeys(denied.assignment for denied in s.facts.denied):
        those = [d for d in s.facts.denied if d.assignment == assignment]
        if own := [d for d in those if not d.implied]:
            yield _forbidden(s, assignment, own)
        for step in dict.fromkeys(d.planned.step for d in those if d.implied):
            made = [d for d in those if d.implied and d.planned.step == step]
            yield _implied(s, assignment, step, made)


def _forbidden(s: Situation, assignment: str, those: Sequence[Denied]) -> Finding:
    kinds = sorted({d.planned.type for d in those})
    fields = [field for d in those for field in s.fields_of(d.planned)]
    cure = {KEYS: False} if all(_is_about_keys(d) for d in those) else {}
    return _finding(
        s,
        assignment,
        those,
        ("names.tags",) if _tags(those) else tuple(cure) or tuple(dict.fromkeys(fields)),
        _("The policy {name} denies {types}.", name=_name(assignment), types=", ".join(kinds)),
        s.facts.group is None or kinds == [GROUP],
        cure,
    )


def _name(assignment: str) -> str:
    return assignment.rsplit("/", 1)[-1]


def _is_about_keys(denied: Denied) -> bool:
    return any(o.field.lower().endswith("allowsharedkeyaccess") for o in denied.objections)


def _implied(s: Situation, assignment: str, step: str, those: Sequence[Denied]) -> Finding:
    maker, field = MAKERS[step]
    kinds = ", ".join(sorted({d.planned.type for d in those}))
    elsewhere = any(o.field == "location" for d in those for o in d.objections)
    address = kinds == ADDRESSES and not _tags(those) and not elsewhere
    cure = _without_address(s, step) if address else {}
    fields = tuple(cure) or (("names.tags",) if _tags(those) else (field,))
    what = _(
        "The policy {name} denies {types}, which {maker} creates by itself.",
        name=_name(assignment),
        types=kinds,
        maker=maker,
    )
    found = _finding(s, assignment, those, fields, what, True, cure)
    if step == "aks" and address and not cure:
        return replace(found, fields=("security.aks_outbound",), fix=BY_FIREWALL)
    return found


def _without_address(s: Situation, step: str) -> Mapping[str, object]:
    """The recipe values with which that step creates no public address; empty if there are none."""
    if step == "aks-extension":
        return {"serving.load_balancer": "internal"}
    if step == "aks":
        return _way_out(s)
    if step == "databricks":
        return {"security.databricks_no_public_ip": True}
    return {}


def _way_out(s: Situation) -> dict[str, str]:
    """Egress through the NAT gateway, unless its address is denied too. Then the result is empty,
    since only the user knows which firewall there is."""
    address = any(d.planned.step == "public-ip" for d in s.facts.denied)
    if s.recipe.security.nat_gateway and not address:
        return {"security.aks_outbound": "nat-gateway"}
    return {}


def _finding(
    s: Situation,
    assignment: str,
    those: Sequence[Denied],
    fields: tuple[str, ...],
    what: str,
    outside: bool,
    cure: Mapping[str, object] | None = None,
) -> Finding:
    """`outside`: the exemption must cover the subscription, not just the recipe's group."""
    met = dict.fromkeys(o.said for d in those for o in d.objections)
    tags, scope = _tags(those), s.ids["resource-group"]
    if outside:
        scope = f"/subscriptions/{s.subscription}"
    exemption = (
        f"az policy exemption create --name amlwizard-{s.recipe.names.prefix} "
        f"--policy-assignment {assignment} --exemption-category Waiver --scope {scope}"
    )
    otherwise = _("Ask the owner of the policy for an exemption, or change what it objects to.")
    if tags:
        held = ", ".join(f'"{name}": "VALUE"' for name in tags)
        fix = _(
            "Add to {field} what the policy requires: {tags}.",
            field=title("names.tags"),
            tags=", ".join(tags),
        )
        command = s.replaying({"names.tags": f"{{{held}}}"})
    elif cure:
        fix = sentences(use(cure), _("Or ask the owner of the policy for an exemption."))
        command = s.replaying(cure)
    else:
        fix, command = otherwise, exemption
    return Finding(
        "policy",
        "error",
        fields or ("sign_in.subscription",),
        what,
        why=sentences(
            _("It is assigned as {assignment}.", assignment=assignment),
            _("It objects to: {objections}.", objections="; ".join(met)) if met else "",
        ),
        fix=fix,
        cure=dict(cure or {}),
        command=command,
        otherwise=None if tags else otherwise,
    )


def _tags(those: Sequence[Denied]) -> list[str]:
    """Tags that a policy finds missing, or for which it requires another value."""
    found = (TAG.fullmatch(o.field) for d in those for o in d.objections)
    return list(dict.fromkeys(match[1] for match in found if match))
