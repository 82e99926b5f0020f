"""Which tenant and subscription are chosen for an account that has several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event as CancelEvent
from uuid import uuid4

import pytest
from support import RECIPES, Asked, Ran, Sandbox, running

from amlwizard.cloud import Cloud, from_description
from amlwizard.errors import InvalidInputError
from amlwizard.recipe import SignIn

pytestmark = pytest.mark.xdist_group("accounts")

QUICKSTART = str(RECIPES / "quickstart.yaml")
SIGN_IN = ("replay", QUICKSTART, "--target", "sandbox", "--until", "sign-in", "--json")


@pytest.fixture(scope="module")
def three_tenants() -> Iterator[Sandbox]:
    """The account belongs to two more tenants, one of which wants a second factor."""
    with running("--approve", "--clock", "instant") as one:
        _with_tenants(one)
        yield one


def _with_tenants(one: Sandbox) -> None:
    other, strict = str(uuid4()), str(uuid4())
    one.control(
        "state",
        {
            "tenants": {
                other: {"name": "Contoso", "domain": "contoso.example"},
                strict: {"name": "Fabrikam", "domain": "fabrikam.example", "second_factor": True},
            },
            "subscriptions": {
                str(uuid4()): {"name": "Research", "state": "Enabled", "tenant": other},
                str(uuid4()): {"name": "Old", "state": "Disabled", "tenant": other},
                str(uuid4()): {"name": "Vault", "state": "Enabled", "tenant": strict},
            },
        },
    )


def test_what_the_account_sees(three_tenants: Sandbox) -> None:
    asked = Asked()
    cloud = Cloud(from_description(three_tenants.file), attended=True)
    tenants = cloud.accounts(SignIn(), asked, CancelEvent())
    assert [(t.name, [s.name for s in t.subscriptions], bool(t.note)) for t in tenants] == [
        ("Sandbox", ["Sandbox"], False),
        ("Contoso", ["Research", "Old"], False),
        ("Fabrikam", [], True),
    ]
    assert len(asked.codes) == 1


def test_several_subscriptions_are_listed_and_none_is_taken(
    three_tenants: Sandbox, command: Callable[..., Ran]
) -> None:
    ran = command(*SIGN_IN, "--approve", **three_tenants.environment)
    assert ran.code == 2
    said = ran.final("sign-in")
    assert "2 subscriptions" in said["what"] and "sign_in.subscription" in said["fix"]
    for text in ("Research", "tenant Contoso", "Sandbox", "Fabrikam", "sign_in.tenant"):
        assert text in said["fix"]
    assert "Old" not in said["fix"] and "Vault" not in said["fix"]
    plan = command(
        "plan", QUICKSTART, "--target", "sandbox", "--approve", **three_tenants.environment
    )
    assert plan.code == 2 and "sign_in.subscription" in plan.err and "Research" in plan.err


def test_a_subscription_of_another_tenant_is_used_with_that_tenants_tokens(
    three_tenants: Sandbox,
) -> None:
    asked = Asked()
    cloud = Cloud(from_description(three_tenants.file), attended=True)
    tenants = {t.name: t for t in cloud.accounts(SignIn(), asked, CancelEvent())}
    research = tenants["Contoso"].subscriptions[0]
    account = cloud.sign_in(SignIn(subscription=research.id), asked, CancelEvent())
    assert (account.tenant, account.subscription) == (research.tenant, research.id)
    assert cloud.arm.registrations(["Microsoft.Storage"]) == {"Microsoft.Storage": "NotRegistered"}
    by_tenant = cloud.sign_in(SignIn(tenant="contoso.example"), asked, CancelEvent())
    assert by_tenant.subscription == research.id and len(asked.codes) == 1
    # Back home, with the same person.
    own = tenants["Sandbox"].subscriptions[0]
    assert cloud.sign_in(SignIn(subscription=own.id), asked, CancelEvent()).tenant == own.tenant
    assert cloud.arm.registrations(["Microsoft.Storage"]) and len(asked.codes) == 1


def test_a_tenant_with_a_second_factor_is_signed_in_to_itself(three_tenants: Sandbox) -> None:
    asked = Asked()
    cloud = Cloud(from_description(three_tenants.file), attended=True)
    cloud.accounts(SignIn(), asked, CancelEvent())
    account = cloud.sign_in(SignIn(tenant="fabrikam.example"), asked, CancelEvent())
    assert account.subscription_name == "Vault" and len(asked.codes) == 2


def test_a_subscription_that_is_not_seen(three_tenants: Sandbox) -> None:
    cloud = Cloud(from_description(three_tenants.file), attended=True)
    with pytest.raises(InvalidInputError) as caught:
        cloud.sign_in(SignIn(subscription=str(uuid4())), Asked(), CancelEvent())
    [finding] = caught.value.findings
    assert finding.fields == ("sign_in.subscription", "sign_in.tenant")
    assert "has no access to" in finding.what and "Research" in finding.fix
