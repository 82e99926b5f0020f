"""Missing permissions, unregistered resource providers, missing secrets, and unreadable facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from amlwizard.cloud.facts import UNREGISTERED, Permission, Planned
from amlwizard.errors import Finding
from amlwizard.notebook.access import FIELDS as NOTEBOOK_FIELDS
from amlwizard.notebook.access import secrets_missing
from amlwizard.plan import type_of
from amlwizard.preflight.situation import Situation

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
# The narrowest built-in roles that grant the missing actions.
ASSIGNING_ROLE, WRITING_ROLE = "Role Based Access Control Administrator", "Contributor"


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
    what = (
        f"{len(missing)} resource providers are not registered in the subscription."
        if len(missing) > 1
        else f"The resource provider {missing[0]} is not registered in the subscription."
    )
    held = s.facts.permissions
    barred = [
        ns
        for ns in missing
        if held is not None and not allows(tuple(held), f"{ns}/register/action")
    ]
    if barred:
        yield Finding(
            "provider-not-registered",
            "error",
            ("sign_in.subscription",),
            what,
            why=f"The account {s.account} is not allowed to register them: it lacks the action "
            f"{barred[0]}/register/action. They are {', '.join(missing)}.",
            fix="Ask an owner of the subscription to register them.",
            command=command,
        )
    else:
        yield Finding(
            "provider-not-registered",
            "warning",
            ("sign_in.subscription",),
            what,
            why=f"They are registered by the first step of a run, in about two minutes: "
            f"{', '.join(missing)}.",
            fix="You need not do anything.",
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
            shown = ", ".join(lacking[:6]) + (f" and {len(lacking) - 6} more" * (len(lacking) > 6))
            yield Finding(
                "role-action",
                "error",
                ("sign_in.subscription",),
                f"The account {s.account} lacks permissions: {shown}.",
                why=f"The remaining steps need them. The role {role} grants them.",
                fix=f"Ask an owner of the subscription for the role {role}, or sign in with another account.",
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
            "The notebook signs in as a service principal, but its secrets cannot be stored yet.",
            why="They belong in a secret scope of the Databricks workspace, which does not exist yet.",
            fix="Build up to there first, then store tenant-id, client-id and client-secret in the "
            "scope. Or set Sign-in to environment, and sign in with a client secret.",
            command=s.replaying({}, "--until", "provision"),
        )


def unread(s: Situation) -> Iterator[Finding]:
    """What could not be read: one finding per error code."""
    left = [u for u in s.facts.unread if s.region_known or not u.regional]
    for code in dict.fromkeys(u.code for u in left):
        those = [u for u in left if u.code == code]
        if code in UNREGISTERED:
            fix, command = (
                "Register the resource provider.",
                f"az provider register --namespace {POLICIES}",
            )
        elif code == "AuthorizationFailed":
            fix = "Ask for the role Reader on the subscription, then check again."
            command = (
                f"az role assignment create --assignee {s.account} --role Reader "
                f"--scope /subscriptions/{s.subscription}"
            )
        else:
            fix, command = "Check again, or go on without this check.", ""
        yield Finding(
            "not-checked",
            "warning",
            ("sign_in.subscription",),
            f"Could not be checked: {', '.join(dict.fromkeys(u.what for u in those))} ({code}).",
            why=those[0].why,
            fix=fix,
            command=command,
        )
