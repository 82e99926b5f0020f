"""Signing in, and the subscription to build in."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from amlwizard.accounts import Account, Subscription, Tenant
from amlwizard.language import _
from amlwizard.tui.pages.form import FormPage

BUILDABLE = ("Enabled", "Warned", "PastDue")
KEY = "^l"
NOT_SIGNED_IN = _(
    "Not signed in. Press {key} to sign in now, so that names are checked and the plan is compared "
    "with the cloud. Otherwise you sign in when the run starts.",
    key=KEY,
)


class SignInPage(FormPage):
    """The form, the account that is signed in, and the subscriptions that it can access."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+l", "sign_in", _("Sign in now"))]

    def __init__(self) -> None:
        super().__init__("sign_in")

    def compose_extra(self) -> ComposeResult:
        with Vertical(id="account"):
            yield Static(id="who")
            yield OptionList(id="subscriptions", compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        for name in ("account", "tenants", "busy", "running"):
            self.watch(self.app, name, self._show_account)

    def _show_account(self) -> None:
        self.query_one("#who", Static).update(
            who(self.wizard.account, "sign-in" in self.wizard.busy)
        )
        seen = self.query_one("#subscriptions", OptionList)
        choices = [(t, s) for t in self.wizard.tenants for s in t.subscriptions]
        seen.display = len(choices) > 1
        seen.disabled = self.wizard.running
        chosen = self.wizard.session.draft.value("sign_in.subscription")
        seen.clear_options()
        seen.add_options(_option(tenant, one, one.id == chosen) for tenant, one in choices)
        seen.highlighted = next((n for n, (_, one) in enumerate(choices) if one.id == chosen), 0)
        if seen.display and not chosen and not self.wizard.account:
            seen.focus()

    @on(OptionList.OptionSelected, "#subscriptions")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.put({"sign_in.subscription": event.option.id})
        self.action_sign_in()

    def action_sign_in(self) -> None:
        self.wizard.sign_in()


def who(account: Account | None, signing_in: bool) -> Content:
    if signing_in:
        return Content.assemble(("◌ ", "bold $accent"), _("Signing in…"))
    if account is None:
        before, key, after = NOT_SIGNED_IN.partition(KEY)
        return Content.assemble(("○ ", "$text-muted"), before, (key, "bold $accent"), after)
    subscription = _("in {subscription}", subscription=account.subscription_name)
    return Content.assemble(
        ("● ", "bold $success"), (account.name, "bold"), f" {subscription}",
        (f"  {account.subscription}", "$text-muted"),
    )  # fmt: skip


def _option(tenant: Tenant, subscription: Subscription, chosen: bool) -> Option:
    usable = subscription.state in BUILDABLE
    state = "" if subscription.state == "Enabled" else f"  {subscription.state}"
    text = Content.assemble(
        "● " if chosen else "○ ", (subscription.name, "bold"), state,
        (f"  {subscription.id}  {tenant.name or tenant.domain or tenant.id}", "$text-muted"),
    )  # fmt: skip
    return Option(text, id=subscription.id, disabled=not usable)
