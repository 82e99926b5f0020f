"""The question before anything is built where that costs money: where it is built, and what it costs."""

from __future__ import annotations

from pathlib import Path

from amlwizard.accounts import Account
from amlwizard.command_line import RECIPE, command_line
from amlwizard.costs import Costs
from amlwizard.recipe import SignIn
from amlwizard.tui.dialogs.questions import Choose, Way

START = Way("start", "Start", "Builds the platform in your subscription.")
SIGN_IN = Way(
    "sign-in", "Sign in first", "Signs in, checks the names, and compares with what is there."
)
STAY = Way("stay", "Not now", "Goes back to Review; nothing is built.")


class StartQuestion(Choose):
    """`saved` is the file of the recipe, if there is one. Its answer is ``start``, ``sign-in`` or ``stay``."""

    def __init__(
        self, given: SignIn, account: Account | None, costs: Costs | None, saved: str
    ) -> None:
        ways = (START, STAY) if account else (START, SIGN_IN, STAY)
        text = "\n\n".join((_where(given, account), _cost(costs, Path(saved) if saved else RECIPE)))
        super().__init__("Build on Azure", text, ways, at=STAY.id)


def _where(given: SignIn, account: Account | None) -> str:
    if account:
        return (
            f"This builds in the subscription {account.subscription_name} ({account.subscription}), "
            f"in the region {given.region}."
        )
    if given.subscription:
        return (
            f"This builds in the subscription {given.subscription}, in the region {given.region}. "
            "Nobody has signed in yet: you are asked to, once it has started."
        )
    return (
        f"This builds in the region {given.region}. Nobody has signed in yet: you are asked to, once it "
        "has started, and it builds in the subscription of that account if there is only one."
    )


def _cost(costs: Costs | None, recipe: str | Path) -> str:
    remove = command_line("destroy", recipe, "--target", "azure")
    if costs and costs.prices:
        return f"{costs.summary} {costs.most_of_it} It costs that until `{remove}` takes it down."
    told = costs.summary if costs else "Its prices are still being read."
    return f"{told} What is built costs money until `{remove}` takes it down."
