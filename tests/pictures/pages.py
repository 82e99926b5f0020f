"""Scenes before a run: welcome, sign-in, the forms, the map, the questions over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from support import RECIPES
from support.tui_support import SUBSCRIPTION, FakeBackend, wizard_of
from textual.filter import Monochrome
from textual.pilot import Pilot

from amlwizard.accounts import Account, Subscription, Tenant
from amlwizard.draft import Draft, DraftStore, from_file, new
from amlwizard.durations import sandboxed
from amlwizard.plan import Plan, outline
from amlwizard.recipe import Recipe
from amlwizard.steps import steps_for
from amlwizard.tui.app import WizardApp
from amlwizard.tui.theme import LIGHT
from pictures import NOW, picture

TENANT = Tenant(
    "t",
    "Contoso",
    "contoso.example",
    tuple(
        Subscription(SUBSCRIPTION[:-1] + str(n), name, state, "t")
        for n, name, state in ((5, "Data science", "Enabled"), (6, "Old trial", "Disabled"))
    ),
)
ACCOUNT = Account("me@contoso.example", "t", TENANT.subscriptions[0].id, "Data science")


class Planner(FakeBackend):
    """Knows the real plan and how long its steps take; builds nothing."""

    def outline(self, recipe: Recipe) -> Plan:
        return outline(steps_for(recipe))

    def expected(self, recipe: Recipe) -> Mapping[str, float]:
        return {step.id: sandboxed(step.id, 60) for step in steps_for(recipe)}


def filled(**answers: Any) -> Draft:
    """Quickstart's answers, some of them other ones: ``addresses__compute="..."``."""
    draft = from_file(RECIPES / "quickstart.yaml")
    draft.saved = ""
    for path, value in answers.items():
        draft.put(path.replace("__", "."), value)
    return draft


def app(draft: Draft, kept: tuple[Draft, ...] = ()) -> WizardApp:
    store = DraftStore(Path(mkdtemp()), lambda: NOW - 7200)
    for other in kept:
        store.save(other)
    return WizardApp(Planner(), store, draft, now=lambda: NOW)


def at(page: str, **answers: Any) -> Callable[[], WizardApp]:
    """The app at a page, with quickstart answered, all pages before it visited."""

    def make() -> WizardApp:
        draft = filled(**answers)
        draft.page = page
        draft.visited = ["welcome", "sign-in", "naming", "addresses", "security", "training"]
        return app(draft)

    return make


def keys(*pressed: str) -> Callable[[Pilot[Any]], Any]:
    async def show(pilot: Pilot[Any]) -> None:
        await pilot.press(*pressed)

    return show


def field(path: str, *pressed: str) -> Callable[[Pilot[Any]], Any]:
    """With the cursor on a field, and keys pressed there."""

    async def show(pilot: Pilot[Any]) -> None:
        wizard_of(pilot).go_to_field(path)
        await pilot.pause()
        await pilot.press(*pressed)

    return show


# -- welcome and sign-in

picture("welcome", lambda: app(new()))(keys())


picture("welcome-unfinished", lambda: app(new(), (filled(),)))(keys())


picture("sign-in", at("sign-in"))(keys())


@picture("sign-in-subscriptions", at("sign-in"))
async def subscriptions(pilot: Pilot[Any]) -> None:
    wizard_of(pilot).tenants = (TENANT,)


@picture("sign-in-done", at("sign-in", sign_in__subscription=ACCOUNT.subscription))
async def signed_in(pilot: Pilot[Any]) -> None:
    app = wizard_of(pilot)
    app.tenants, app.account = (TENANT,), ACCOUNT


# -- forms


def empty() -> WizardApp:
    draft = new()
    draft.page = "naming"
    return app(draft)


picture("naming-empty", empty)(keys())
picture("naming", at("naming"))(keys())
picture("naming-refused", at("naming", names__prefix="My Team"))(keys())
picture("security", at("security"))(keys())
picture("security-warnings", at("security", security__registry="service-endpoint"))(
    field("security.registry")
)
picture("training", at("training"))(keys())
picture("serving", at("serving"))(keys())
picture("help", at("addresses"))(field("addresses.scoring", "f1"))

# -- addresses

OVERLAP = {"addresses__compute": "10.100.100.128/25", "addresses__peered": ["10.0.0.0/20"]}
picture("addresses", at("addresses"))(field("addresses.scoring"))
picture("addresses-overlap", at("addresses", **OVERLAP))(field("addresses.compute"))
picture("addresses-cured", at("addresses", **OVERLAP))(
    field("addresses.compute", "ctrl+r", "ctrl+r")
)
picture("addresses-entry", at("addresses", security__secure_entry="vpn-gateway"))(
    field("addresses.gateway")
)
picture(
    "addresses-plan",
    at("addresses", addresses__vnet="10.5.0.0/16", addresses__peered=["10.0.0.0/9"]),
)(field("addresses.vnet", "f2"))
picture("addresses-small", at("addresses", addresses__vnet="192.168.7.0/24"))(
    field("addresses.vnet", "f2", "enter")
)
picture("addresses-no-room", at("addresses", addresses__on_premises=["0.0.0.0/0"]))(
    field("addresses.on_premises", "f2")
)


@picture("addresses-light", at("addresses", **OVERLAP))
async def light(pilot: Pilot[Any]) -> None:
    pilot.app.theme = LIGHT.name
    await field("addresses.compute")(pilot)


def without_colour() -> WizardApp:
    made = at("addresses", **OVERLAP)()
    made._filters.append(Monochrome())  # as NO_COLOR does
    return made


picture("addresses-no-color", without_colour)(field("addresses.compute"))

# -- review

picture("review", at("review"))(keys())
picture("review-errors", at("review", **OVERLAP))(keys())
picture("review-save", at("review"))(keys("s"))


def azure() -> WizardApp:
    made = at("review")()
    made.session.draft.target = "azure"
    return made


picture("review-azure", azure)(keys("g"))
