"""What a person asks for: each becomes work for the backend, where it may be asked for now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amlwizard.tui.wizard import Wizard

CHECK_AFTER = 1.5
"""Seconds after the last answer at which the cloud is asked about it."""


class Asking(Wizard):
    """Nothing here waits: what comes of it is reported by messages."""

    def on_mount(self) -> None:
        self._check = self.set_interval(CHECK_AFTER, self.check_against_the_cloud, pause=True)

    def answer(self, changes: Mapping[str, Any]) -> None:
        super().answer(changes)
        if self.account:
            self._check.reset()
            self._check.resume()

    def sign_in(self) -> None:
        """Sign in now, and see what the account sees."""
        given = self.session.sign_in
        if given is None:
            self.notify("Correct what is wrong with tenant, subscription or login first.")
        else:
            self.work.sign_in(self.session.draft.target, given)

    def make_plan(self, ask: bool = False) -> None:
        """A plan of the recipe as it is: against the cloud where somebody has signed in, or where a
        person `ask`s for it; but not while a run changes what is there."""
        recipe = self.session.recipe
        if recipe:
            read = (ask or self.account is not None) and not self.running
            self.work.plan(self.session.draft.target, recipe, read)

    def check_against_the_cloud(self) -> None:
        """Ask the cloud what it would refuse, where somebody has signed in."""
        self._check.pause()
        recipe = self.session.reading.recipe
        if recipe and self.account:
            self.work.preflight(self.session.draft.target, recipe)

    def start(self) -> None:
        """Bring the recipe about, and show how it goes. What is there is kept."""
        recipe, draft = self.session.recipe, self.session.draft
        if recipe is None or self.running:
            return
        for kind in ("plan", "preflight", "verify"):
            self.work.stop(kind)
        self.running, self.ran, self.verified = True, None, None
        self.work.run(draft.target, recipe, draft.saved or recipe.names.prefix)
        self.go("progress")

    def verify(self) -> None:
        """Judge the promises of the recipe now; not while a run changes what they are about."""
        recipe = self.session.reading.recipe
        if self.running:
            text = "A run changes the platform now. It verifies what it has made, at its end."
            self.notify(text, title="Not now", severity="warning")
        elif recipe is None:
            self.notify("The recipe has errors: correct them first. Review lists them.")
        else:
            self.verifying = ""
            self.work.verify(self.session.draft.target, recipe)
