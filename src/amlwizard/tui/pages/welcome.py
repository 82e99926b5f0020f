"""The start: a new recipe, one from a file, or an unfinished session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.widgets import Label, OptionList, Static
from textual.widgets.option_list import Option

from amlwizard import draft as drafts
from amlwizard.app.port import TargetName
from amlwizard.draft import Draft
from amlwizard.plain_text import plain
from amlwizard.recipe.bundled import BUNDLED, path_of
from amlwizard.tui.dialogs.questions import AskPath
from amlwizard.tui.pages.page import Page
from amlwizard.tui.widgets.choices import Choices

PROMISE = (
    "From nothing to a scored request on a network-secured Azure Machine Learning platform: a "
    "VNET, Databricks in it that trains, MLflow that tracks, a model that is registered, deployed "
    "on Kubernetes, and asked."
)
TARGETS = {
    "sandbox": "A cloud of our own on this machine: it refuses what Azure refuses, and costs nothing.",
    "azure": "Your subscription. Nothing is built before you say so on the Review page.",
}
RECIPES = "recipes"
MOST_DRAFTS, MOST_RECIPES = 5, 8


class WelcomePage(Page):
    def compose_page(self) -> ComposeResult:
        with Vertical(id="welcome"):
            yield Static(Content.styled("amlwizard", "bold $primary"), id="name")
            yield Static(PROMISE, id="promise")
            with Grid(id="target"):
                yield Label("Build in")
                yield Choices(tuple(TARGETS), self.wizard.session.draft.target)
                yield Static(self._note(), id="target-note")
            yield OptionList(id="ways", compact=True)

    def on_mount(self) -> None:
        self._list()
        self.query_one("#ways").focus()

    def on_screen_resume(self) -> None:
        self._list()
        self._show_target()

    # -- ways to begin

    def _list(self) -> None:
        ways = self.query_one("#ways", OptionList)
        at = ways.highlighted
        ways.clear_options()
        ways.add_options(self._ways())
        ways.highlighted = min(at or 0, ways.option_count - 1)

    def _ways(self) -> Iterator[Option | None]:
        now, here = self.wizard.now(), self.wizard.session.draft
        if here.changed:
            yield _way("go-on", "Go on with this session", _where(here, now))
        yield _way("new", "New recipe", "every question, its usual answer given")
        kept = [draft for draft in self.wizard.session.store.unfinished() if draft.id != here.id]
        for draft in kept[:MOST_DRAFTS]:
            yield _way(f"draft:{draft.id}", f"Continue {_name(draft)}", _where(draft, now))
        own = sorted(Path(RECIPES).glob("*.yaml"))[:MOST_RECIPES]
        for path in own:
            yield _way(f"recipe:{path}", f"From {plain(str(path))}", "")
        for name, about in BUNDLED.items() if not own else ():
            yield _way(f"bundled:{name}", f"From {name}", about)
        yield _way("file", "From another recipe file…", "")

    @on(OptionList.OptionSelected)
    def _begin(self, event: OptionList.OptionSelected) -> None:
        kind, _, what = str(event.option.id).partition(":")
        target = cast(TargetName, self.query_one(Choices).value)
        if kind == "go-on":
            self.wizard.step(+1)
        elif kind == "new":
            self._take(drafts.new(), target)
        elif kind == "draft":
            found = {draft.id: draft for draft in self.wizard.session.store.unfinished()}
            if what in found:
                self._resume(found[what])
        elif kind == "recipe":
            self._open(Path(what))
        elif kind == "bundled":
            self._open(path_of(what), bundled=True)
        else:
            ask = AskPath("From a recipe file", "Which file?", f"{RECIPES}/")
            self.app.push_screen(ask, lambda path: self._open(path) if path else None)

    def _open(self, path: Path, bundled: bool = False) -> None:
        draft = self.wizard.draft_from(path)
        if draft:
            if bundled:
                draft.detach()  # the packaged file is never overwritten
            self._take(draft, cast(TargetName, self.query_one(Choices).value))

    def _take(self, draft: Draft, target: TargetName) -> None:
        draft.target = target
        self.wizard.take(draft, "sign-in")

    def _resume(self, draft: Draft) -> None:
        self.wizard.take(draft, draft.page if draft.page != "welcome" else "sign-in")

    @on(Choices.Changed)
    def _target(self, event: Choices.Changed) -> None:
        self.wizard.aim(cast(TargetName, event.value))
        self._show_target()

    def _show_target(self) -> None:
        target = self.wizard.session.draft.target
        self.query_one(Choices).value = target
        self.query_one("#target-note", Static).update(self._note())

    def _note(self) -> Content:
        """What the target is, or what it lacks."""
        target = self.wizard.session.draft.target
        if lacking := self.wizard.lacking(target):
            return Content.assemble(("Not installed. ", "$text-warning"), lacking)
        return Content(TARGETS[target])


def _way(id: str, what: str, note: str) -> Option:
    return Option(Content.assemble(f" {what}", (f"  {note}" if note else "", "$text-muted")), id=id)


def _name(draft: Draft) -> str:
    return str(draft.value("names.prefix") or "an unnamed recipe")


def _where(draft: Draft, now: float) -> str:
    ran = ", a run was started" if draft.run else ""
    return f"{draft.target}, at {draft.page}{ran}, {ago(now - draft.changed)}"


def ago(seconds: float) -> str:
    """An age in words; less than a minute is ``just now``."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // size)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
