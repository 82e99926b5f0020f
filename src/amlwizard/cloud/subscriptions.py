"""The tenants and subscriptions that an account sees, and the choice of the one to build in: the
recipe's, or the only one; never silently the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from amlwizard.accounts import Subscription, Tenant
from amlwizard.cloud.arm import Arm
from amlwizard.cloud.credentials import by_entra
from amlwizard.cloud.session import CloudSession, Within
from amlwizard.errors import CloudError, Finding, InvalidInputError, SignInError
from amlwizard.json_types import MutableDocument

FIELD, TENANT_FIELD = "sign_in.subscription", "sign_in.tenant"
USABLE = ("Enabled", "Warned", "PastDue")


def seen(session: CloudSession, asked: str, wanted: str | None = None) -> list[Tenant]:
    """What the account sees in the tenant `asked`, or with ``organizations`` in every tenant that
    it belongs to, its own first.

    A tenant that requires a separate sign-in (such as for multi-factor authentication) is listed
    without subscriptions and with a note. With `wanted`, the search ends at the tenant that has
    this subscription.
    """
    everywhere = asked == "organizations"
    first = session.identity.tenant if everywhere else session.reach(asked)
    assert first
    arm = Arm(session.profile, Within(session, first))
    tenants = [Tenant(first, "", "", _subscriptions(arm))]
    if _find(tenants, wanted):
        return tenants
    given = {t["tenantId"]: t for t in _ask(arm.tenants)}
    for tenant in given if everywhere else ():
        if tenant == first:
            continue
        if session.reach(tenant):
            inside = Arm(session.profile, Within(session, tenant))
            tenants.append(Tenant(tenant, "", "", _subscriptions(inside)))
        else:
            tenants.append(Tenant(tenant, "", "", note="wants a sign-in of its own"))
        if _find(tenants[-1:], wanted):
            break
    return [
        replace(
            tenant,
            name=given.get(tenant.id, {}).get("displayName") or "",
            domain=given.get(tenant.id, {}).get("defaultDomain") or "",
        )
        for tenant in tenants
    ]


def choose(tenants: Sequence[Tenant], wanted: str | None) -> Subscription:
    """The subscription to build in. Raises InvalidInputError that lists the choices."""
    found = _find(tenants, wanted)
    if found:
        return found
    usable = [(t, s) for t in tenants for s in t.subscriptions if s.state in USABLE]
    if not wanted and len(usable) == 1:
        return usable[0][1]
    several = len({t.id for t, _ in usable}) > 1
    names = "; ".join(
        f"{s.name} ({s.id}{f', tenant {t.name or t.id}' if several else ''})" for t, s in usable
    )
    if wanted:
        what = f"The account does not see the subscription {wanted}."
    else:
        what = f"The account sees {len(usable)} subscriptions: one must be chosen."
    closed = [t for t in tenants if t.note]
    fix = f"Set {FIELD} to one of: {names or 'none'}."
    if closed:
        others = ", ".join(f"{t.name or t.domain or t.id} ({t.id})" for t in closed)
        fix += f" Not looked into, each wants a sign-in of its own ({TENANT_FIELD}): {others}."
    fields = (FIELD, TENANT_FIELD) if several or closed else (FIELD,)
    raise InvalidInputError(
        what, findings=[Finding("subscription", "error", fields, what, fix=fix)], fix=fix
    )


def _find(tenants: Sequence[Tenant], wanted: str | None) -> Subscription | None:
    for tenant in tenants if wanted else ():
        for subscription in tenant.subscriptions:
            if subscription.id.lower() == str(wanted).lower() and subscription.state in USABLE:
                return subscription
    return None


def _subscriptions(arm: Arm) -> tuple[Subscription, ...]:
    return tuple(
        Subscription(s["subscriptionId"], s["displayName"], s["state"], s["tenantId"])
        for s in _ask(arm.subscriptions)
    )


def _ask(question: Callable[[], list[MutableDocument]]) -> list[MutableDocument]:
    try:
        return question()
    except (CloudError, SignInError) as error:
        refused = error.status == 403 if isinstance(error, CloudError) else not by_entra(error)
        if not refused:
            raise
        raise SignInError(
            "Azure Resource Manager does not accept the sign-in.",
            code=error.code,
            why=f"{error.code}: {error.why}",
            fix="Check sign_in.tenant, sign_in.login and the account.",
        ) from None
