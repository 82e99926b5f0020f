"""Missing permissions, unregistered resource providers, missing secrets, and unreadable facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from amlwizard.cloud.facts import UNREGISTERED, Permission, Planned
from amlwizard.errors import Finding
from amlwizard.language import _, _n, listed
from amlwizard.notebook.access import FIELDS as NOTEBOOK_FIELDS
from amlwizard.notebook.access import secrets_missing
from amlwizard.plan import type_of
from amlwizard.preflight.situation import Situation
from amlwizard.recipe import title

POLICIES = "Microsoft.PolicyInsights"
ASSIGN = "Microsoft.Authorization/roleAssignments/write"
SUBNET_JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"
KEYS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/listKeys/action"
# Actions that writing a resource requires in addition to the write action of its type, by type.
JOINS: dict[str, tuple[str, ...]] = {
    "Microsoft.Network/virtualNetworks": ("Microsoft.Network/networkSecurityGroups/join/action",),
    "Microsoft.Network/natGateways": ("Microsoft.Network/publicIPAddresses/join/action",),
    "Microsoft.Network/privateEndpoints": (SUBNET_JOIN,),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": (
        "Microsoft.Network/privateDnsZones/join/action",
    ),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": (
        "Microsoft.Network/virtualNetworks/join/action",
    ),
    "Microsoft.Network/bastionHosts": (
        SUBNET_JOIN,
        "Microsoft.Network/publicIPAddresses/join/action",
    ),
    "Microsoft.Network/virtualNetworkGateways": (
        SUBNET_JOIN,
        "Microsoft.Network/publicIPAddresses/join/action",
    ),
    "Microsoft.Databricks/workspaces": (SUBNET_JOIN,),
    "Microsoft.ContainerService/managedClusters": (
        SUBNET_JOIN,
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    ),
}
SHOWN = 6  # missing actions
# The narrowest built-in roles that grant the missing actions.
ASSIGNING_ROLE, WRITING_ROLE = "Role Based Access Control Administrator", "Contributor"
ROLES = {
    WRITING_ROLE: _("Contributor"),
    ASSIGNING_ROLE: _("Role Based Access Control Administrator"),
}


def allows(permissions: tuple[Permission, ...], action: str) -> bool:
    """Whether one of the roles grants the action and does not exclude it (notActions) itself."""
    return any(
        any(_pattern(given).fullmatch(action) for given in actions)
        and not any(_pattern(taken).fullmatch(action) for taken in but)
        for actions, but in permissions
    )


@lru_cache(maxsize=4096)
def _pattern(action: str) -> re.Pattern[str]:
    """Azure's wildcard: * matches anything, including slashes."""
    return re.compile(re.escape(action).replace(r"\*", ".*"), re.IGNORECASE)


def _needed(planned: Planned) -> Iterator[str]:
    yield f"{planned.type}/write"
    yield from JOINS.get(planned.type, ())
    for link in (planned.body.get("properties") or {}).get("privateLinkServiceConnections") or ():
        target = str(link["properties"]["privateLinkServiceId"])
        if target.startswith("/"):
            yield f"{type_of(target)}/privateEndpointConnectionsApproval/action"


def _unregistered(s: Situation) -> list[str]:
    states = s.facts.registrations
    return sorted(ns for ns, state in states.items() if state not in ("Registered", "Registering"))


def providers(s: Situation) -> Iterator[Finding]:
    """Unregistered resource providers: a warning if the run may register them, else an error."""
    missing = _unregistered(s)
    if not missing:
        return
    command = " && ".join(f"az provider register --wait --namespace {ns}" for ns in missing)
    what = _n(
        "The resource provider {provider} is not registered in the subscription.",
        "{n} resource providers are not registered in the subscription.",
        len(missing),
        provider=missing[0],
    )
    held = s.facts.permissions
    barred = [
        ns
        for ns in missing
        if held is not None and not allows(tuple(held), f"{ns}/register/action")
    ]
    if barred:
        action = f"{barred[0]}/register/action"
        yield Finding(
            "provider-not-registered",
            "error",
            ("sign_in.subscription",),
            what,
            why=_(
                "The account {account} is not allowed to register them: it lacks the action "
                "{action}. They are {providers}.",
                account=s.account,
                action=action,
                providers=", ".join(missing),
            ),
            fix=_("Ask an owner of the subscription to register them."),
            command=command,
        )
    else:
        yield Finding(
            "provider-not-registered",
            "warning",
            ("sign_in.subscription",),
            what,
            why=_(
                "They are registered by the first step of a run, in about two minutes: {providers}.",
                providers=", ".join(missing),
            ),
            fix=_("You need not do anything."),
            command=command,
        )


def actions(s: Situation) -> Iterator[Finding]:
    """Actions that the account lacks for the remaining writes: one finding per role to assign."""
    if s.facts.permissions is None:
        return
    held = tuple(s.facts.permissions)
    needed = [action for planned in s.pending for action in _needed(planned)]
    missing = [a for a in dict.fromkeys([*needed, KEYS]) if not allows(held, a)]
    scope = s.ids["resource-group"] if s.facts.group else f"/subscriptions/{s.subscription}"
    for role, lacking in (
        (WRITING_ROLE, [a for a in missing if a != ASSIGN]),
        (ASSIGNING_ROLE, [a for a in missing if a == ASSIGN]),
    ):
        if lacking:
            yield Finding(
                "role-action",
                "error",
                ("sign_in.subscription",),
                _(
                    "The account {account} lacks permissions: {actions}.",
                    account=s.account,
                    actions=listed(lacking, SHOWN),
                ),
                why=_(
                    "The remaining steps need them. The role {role} grants them.", role=ROLES[role]
                ),
                fix=_(
                    "Ask an owner of the subscription for the role {role}, or sign in with another account.",
                    role=ROLES[role],
                ),
                command=f'az role assignment create --assignee {s.account} --role "{role}" '
                f"--scope {scope}",
            )


def notebook(s: Situation) -> Iterator[Finding]:
    """Missing secrets that the notebook needs to sign in as a service principal."""
    if s.secrets_missing:
        yield secrets_missing(s.recipe, list(s.secrets_missing))
    elif s.secrets_missing is None:
        yield Finding(
            "notebook-secrets",
            "warning",
            NOTEBOOK_FIELDS,
            _(
                "The notebook signs in as a service principal, but its secrets cannot be stored yet."
            ),
            why=_(
                "They belong in a secret scope of the Databricks workspace, which does not exist yet."
            ),
            fix=_(
                "Build up to there first, then store tenant-id, client-id and client-secret in the "
                "scope. Or set {field} to environment, and sign in with a client secret.",
                field=title("sign_in.login"),
            ),
            command=s.replaying({}, "--until", "provision"),
        )


def unread(s: Situation) -> Iterator[Finding]:
    """What could not be read: one finding per error code."""
    left = [u for u in s.facts.unread if s.region_known or not u.regional]
    for code in dict.fromkeys(u.code for u in left):
        those = [u for u in left if u.code == code]
        if code in UNREGISTERED:
            fix, command = (
                _("Register the resource provider."),
                f"az provider register --namespace {POLICIES}",
            )
        elif code == "AuthorizationFailed":
            fix = _("Ask for the role Reader on the subscription, then check again.")
            command = (
                f"az role assignment create --assignee {s.account} --role Reader "
                f"--scope /subscriptions/{s.subscription}"
            )
        else:
            fix, command = _("Check again, or go on without this check."), ""
        yield Finding(
            "not-checked",
            "warning",
            ("sign_in.subscription",),
            _(
                "Could not be checked: {facts} ({code}).",
                facts=_(", ").join(dict.fromkeys(u.what for u in those)),
                code=code,
            ),
            why=those[0].why,
            fix=fix,
            command=command,
        )
