"""The tenants and subscriptions that an account sees, and the choice of the one to build in: the
recipe's, or the only one; never silently the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from amlwizard.accounts import Subscription, Tenant
from amlwizard.cloud.arm import Arm
from amlwizard.cloud.credentials import by_entra
from amlwizard.cloud.session import CloudSession, TenantCredential
from amlwizard.errors import CloudError, Finding, InvalidInputError, SignInError
from amlwizard.json_types import MutableDocument
from amlwizard.language import _

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
    arm = Arm(session.profile, TenantCredential(session, first))
    tenants = [Tenant(first, "", "", _subscriptions(arm))]
    if _find(tenants, wanted):
        return tenants
    given = {t["tenantId"]: t for t in _ask(arm.tenants)}
    for tenant in given if everywhere else ():
        if tenant == first:
            continue
        if session.reach(tenant):
            inside = Arm(session.profile, TenantCredential(session, tenant))
            tenants.append(Tenant(tenant, "", "", _subscriptions(inside)))
        else:
            tenants.append(Tenant(tenant, "", "", note=_("needs its own sign-in")))
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
    closed = [t for t in tenants if t.note]
    what = _undecided(wanted, len(usable))
    several = len({tenant.id for tenant, _subscription in usable}) > 1
    fix = " ".join(_ways(usable, closed, several))
    fields = (FIELD, TENANT_FIELD) if several or closed else (FIELD,)
    raise InvalidInputError(
        what, findings=[Finding("subscription", "error", fields, what, fix=fix)], fix=fix
    )


def _undecided(wanted: str | None, usable: int) -> str:
    if wanted:
        return _("The account has no access to the subscription {id}.", id=wanted)
    if not usable:
        return _("The account has access to no subscription that can be used.")
    return _("The account has access to {count} subscriptions: choose one.", count=usable)


def _ways(
    usable: Sequence[tuple[Tenant, Subscription]], closed: Sequence[Tenant], several: bool
) -> Iterator[str]:
    """Sentences that say what can be chosen, and where there may be more."""
    if usable:
        named = _with_tenant if several else _without_tenant
        names = "; ".join(named(tenant, subscription) for tenant, subscription in usable)
        yield _("Set {field} to one of: {names}.", field=FIELD, names=names)
    if closed:
        names = ", ".join(f"{t.name or t.domain or t.id} ({t.id})" for t in closed)
        yield _(
            "These tenants were not searched, as each needs its own sign-in ({field}): {names}.",
            field=TENANT_FIELD,
            names=names,
        )
    if not usable and not closed:
        yield _("Sign in with an account that has a subscription.")


def _with_tenant(tenant: Tenant, found: Subscription) -> str:
    named = tenant.name or tenant.domain or tenant.id
    return _("{name} ({id}, tenant {tenant})", name=found.name, id=found.id, tenant=named)


def _without_tenant(_tenant: Tenant, found: Subscription) -> str:
    return f"{found.name} ({found.id})"


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
            _("Azure Resource Manager does not accept the sign-in."),
            code=error.code,
            why=f"{error.code}: {error.why}",
            fix=_("Check sign_in.tenant, sign_in.login and the account."),
        ) from None
