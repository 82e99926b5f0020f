"""The question before anything is built where that costs money: where it is built, and what it costs."""

from __future__ import annotations

from pathlib import Path

from amlwizard.accounts import Account
from amlwizard.command_line import RECIPE, command_line
from amlwizard.costs import Costs
from amlwizard.language import _
from amlwizard.recipe import SignIn
from amlwizard.tui.dialogs.questions import Choose, DialogOption

START = DialogOption("start", _("Start"), _("Builds the platform in your subscription."))
SIGN_IN = DialogOption(
    "sign-in", _("Sign in first"), _("Signs in, checks the names, and compares with what is there.")
)
STAY = DialogOption("stay", _("Not now"), _("Goes back to Review; nothing is built."))


class StartQuestion(Choose):
    """`saved` is the file of the recipe, if there is one. Its answer is ``start``, ``sign-in`` or ``stay``."""

    def __init__(
        self, given: SignIn, account: Account | None, costs: Costs | None, saved: str
    ) -> None:
        ways = (START, STAY) if account else (START, SIGN_IN, STAY)
        text = "\n\n".join((_where(given, account), _cost(costs, Path(saved) if saved else RECIPE)))
        super().__init__(_("Build on Azure"), text, ways, at=STAY.id)


def _where(given: SignIn, account: Account | None) -> str:
    if account:
        return _(
            "This builds in the subscription {subscription_name} ({subscription}), in the region "
            "{region}.",
            subscription_name=account.subscription_name,
            subscription=account.subscription,
            region=given.region,
        )
    if given.subscription:
        return _(
            "This builds in the subscription {subscription}, in the region {region}. Nobody has "
            "signed in yet: you are asked to, once it has started.",
            subscription=given.subscription,
            region=given.region,
        )
    return _(
        "This builds in the region {region}. Nobody has signed in yet: you are asked to, once "
        "it has started, and it builds in the subscription of that account if there is only "
        "one.",
        region=given.region,
    )


def _cost(costs: Costs | None, recipe: str | Path) -> str:
    remove = command_line("destroy", recipe, "--target", "azure")
    if costs and costs.prices:
        return _(
            "{summary} {most_of_it} It costs that until `{remove}` takes it down.",
            summary=costs.summary,
            most_of_it=costs.most_of_it,
            remove=remove,
        )
    told = costs.summary if costs else _("Its prices are still being read.")
    return _(
        "{told} What is built costs money until `{remove}` takes it down.", told=told, remove=remove
    )
