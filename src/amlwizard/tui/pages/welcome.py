"""The start: an unfinished session, a new recipe, one from a file, or a past run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.widgets import Label, OptionList, Static
from textual.widgets.option_list import Option

from amlwizard import draft as drafts
from amlwizard.app.port import RUN_ENDS, RecordedRun, TargetName
from amlwizard.draft import Draft
from amlwizard.errors import InvalidInputError
from amlwizard.language import _, _n, sentences
from amlwizard.plain_text import plain
from amlwizard.recipe.bundled import BUNDLED, path_of
from amlwizard.tui.dialogs.questions import AskPath, Choose, DialogOption
from amlwizard.tui.pages.page import Page
from amlwizard.tui.widgets.choices import Choices

PROMISE = _(
    "Builds a network-secured Azure Machine Learning platform and proves that it works: "
    "Databricks in a VNET trains a model, MLflow tracks it, and an endpoint on Kubernetes "
    "answers a scoring request."
)
TARGETS = {
    "sandbox": _("A simulated Azure on this machine: the same rules and errors, at no cost."),
    "azure": _("Your subscription. Nothing is built until you start the run on the Review page."),
}
RECIPES = "recipes"
MOST_DRAFTS, MOST_RECIPES = 5, 8


class WelcomePage(Page):
    """What can be continued comes first, and is lit first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("d", "delete", _("Delete"))]

    def compose_page(self) -> ComposeResult:
        with Vertical(id="welcome"):
            yield Static(Content.styled("amlwizard", "bold $primary"), id="name")
            yield Static(PROMISE, id="promise")
            with Grid(id="target"):
                yield Label(_("Build in"))
                yield Choices(tuple(TARGETS), self.wizard.session.draft.target)
                yield Static(self._note(), id="target-note")
            yield OptionList(id="ways", compact=True)

    def on_mount(self) -> None:
        self.watch(self.app, "past_runs", self._list, init=False)
        self._list()
        self.query_one("#ways").focus()

    def on_screen_resume(self) -> None:
        self.wizard.list_runs()
        self._list()
        self._show_target()

    # -- ways to begin

    def _list(self) -> None:
        found = list(self._ways())
        ways = self.query_one("#ways", OptionList)
        lit = ways.highlighted_option.id if ways.highlighted_option else None
        ways.set_options(found)
        ids = [option.id for option in ways.options]
        ways.highlighted = ids.index(lit) if lit in ids else 0

    def _ways(self) -> Iterator[Option | None]:
        now, here = self.wizard.now(), self.wizard.session.draft
        if here.changed:
            yield _way("go-on", _("Continue this session"), _where(here, self._title_of(here), now))
        kept = self._kept()
        for draft in kept[:MOST_DRAFTS]:
            yield _way(
                f"draft:{draft.id}",
                _("Continue {name}", name=_name(draft)),
                _where(draft, self._title_of(draft), now),
            )
        yield _way("new", _("New recipe"), _("all questions, defaults filled in"))
        own = sorted(Path(RECIPES).glob("*.yaml"))[:MOST_RECIPES]
        for path in own:
            yield _way(f"recipe:{path}", _("From {name}", name=plain(str(path))), "")
        for name, about in BUNDLED.items() if not own else ():
            yield _way(f"bundled:{name}", _("From {name}", name=name), about)
        yield _way("file", _("From another recipe file…"), "")
        continued = {draft.run for draft in (here, *kept)}
        for run in self.wizard.past_runs:
            if run.run not in continued:
                yield _way(
                    f"run:{run.run}", _("Run of {recipe}", recipe=run.recipe), _ended(run, now)
                )

    def _kept(self) -> list[Draft]:
        """The other sessions that can be continued."""
        here = self.wizard.session
        return [draft for draft in here.store.unfinished() if draft.id != here.draft.id]

    def _draft(self, id: str) -> Draft | None:
        return next((draft for draft in self._kept() if draft.id == id), None)

    def _run(self, id: str) -> RecordedRun | None:
        return next((run for run in self.wizard.past_runs if run.run == id), None)

    @on(OptionList.OptionSelected)
    def _begin(self, event: OptionList.OptionSelected) -> None:
        kind, __, what = str(event.option.id).partition(":")
        target = cast(TargetName, self.query_one(Choices).value)
        if kind == "go-on":
            self.wizard.step(+1)
        elif kind == "new":
            self._take(drafts.new(), target)
        elif kind == "draft" and (draft := self._draft(what)):
            self._resume(draft)
        elif kind == "run" and (run := self._run(what)):
            self.wizard.open_run(run)
        elif kind == "recipe":
            self._open(Path(what))
        elif kind == "bundled":
            self._open(path_of(what), bundled=True)
        elif kind == "file":
            start = f"{RECIPES}/" if Path(RECIPES).is_dir() else ""
            ask = AskPath(_("From a recipe file"), _("Which file?"), start, unusable)
            self.app.push_screen(ask, lambda path: self._open(path) if path else None)

    def _open(self, path: Path, bundled: bool = False) -> None:
        draft = self.wizard.draft_from(path)
        if draft:
            if bundled:
                draft.detach()  # the packaged file is never overwritten
            self._take(draft, cast(TargetName, self.query_one(Choices).value))

    def _take(self, draft: Draft, target: TargetName) -> None:
        draft.target = target
        self.wizard.open_draft(draft, "sign-in")

    def _resume(self, draft: Draft) -> None:
        if draft.holder:
            text = _("It is open in another amlwizard, process {pid}.", pid=draft.holder.pid)
            self.notify(text, title=_("This is a copy"), severity="warning")
            draft = draft.copy()
        self.wizard.open_draft(draft, draft.page if draft.page != "welcome" else "sign-in")

    def _title_of(self, draft: Draft) -> str:
        """The title of the page where a session stopped."""
        return next(page.title for page in self.wizard.pages if page.id == draft.page)

    # -- deleting

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "delete":
            return self._lit()[0] in ("draft", "run")
        return super().check_action(action, parameters)

    @on(OptionList.OptionHighlighted)
    def _looked(self) -> None:
        self.refresh_bindings()

    def _lit(self) -> tuple[str, str]:
        """The kind and the id of what is lit."""
        lit = self.query_one("#ways", OptionList).highlighted_option
        kind, __, what = str(lit.id if lit else "").partition(":")
        return kind, what

    def action_delete(self) -> None:
        kind, what = self._lit()
        now = self.wizard.now()
        if kind == "draft" and (draft := self._draft(what)):
            text = _(
                "The answers of {name} are deleted: {where}.",
                name=_name(draft),
                where=_where(draft, self._title_of(draft), now),
            )
            self._ask_to_delete(text, lambda: self._forget(draft))
        elif kind == "run" and (run := self._run(what)):
            text = _(
                "The record of this run of {recipe} is deleted: {ended}. What it has built stays.",
                recipe=run.recipe,
                ended=_ended(run, now),
            )
            self._ask_to_delete(text, lambda: self.wizard.forget_run(run))

    def _ask_to_delete(self, text: str, delete: Callable[[], None]) -> None:
        def decided(way: str | None) -> None:
            if way == "delete":
                delete()

        ways = (
            DialogOption("delete", _("Delete"), _("Deletes it for good.")),
            DialogOption("keep", _("Keep"), _("Goes back; nothing is deleted.")),
        )
        self.app.push_screen(Choose(_("Delete"), text, ways, at="keep"), decided)

    def _forget(self, draft: Draft) -> None:
        self.wizard.session.store.forget(draft)
        self._list()

    # -- target

    @on(Choices.Changed)
    def _target(self, event: Choices.Changed) -> None:
        self.wizard.set_target(cast(TargetName, event.value))
        self._show_target()

    def _show_target(self) -> None:
        target = self.wizard.session.draft.target
        self.query_one(Choices).value = target
        self.query_one("#target-note", Static).update(self._note())

    def _note(self) -> Content:
        """What the target is, or what it lacks."""
        target = self.wizard.session.draft.target
        if lacking := self.wizard.lacking(target):
            what = _("Not installed.")
            return Content(sentences(what, lacking)).stylize("$text-warning", 0, len(what))
        return Content(TARGETS[target])


def unusable(path: Path) -> str:
    """What is wrong with a recipe file that cannot be opened, with the line; empty if it can."""
    try:
        drafts.from_file(path)
    except InvalidInputError as error:
        found = (
            _("Line {line}: {what}", line=f.line, what=f.what) if f.line else f.what
            for f in error.findings
        )
        return "\n".join(part for part in (error.what, error.why, *found, error.fix) if part)
    return ""


def _way(id: str, what: str, note: str) -> Option:
    return Option(Content.assemble(f" {what}", (f"  {note}" if note else "", "$text-muted")), id=id)


def _name(draft: Draft) -> str:
    return str(draft.value("names.prefix") or _("an unnamed recipe"))


def _where(draft: Draft, page: str, now: float) -> str:
    """The target of a session, how far it is, and when it was changed."""
    ran = _("a run was started") if draft.run else ""
    held = _("open in process {pid}", pid=draft.holder.pid) if draft.holder else ""
    facts = (draft.target, _("at {page}", page=page), ran, held, _when(draft.changed, now))
    return _(", ").join(filter(None, facts))


def _ended(run: RecordedRun, now: float) -> str:
    said = _("{end} on {target}", end=RUN_ENDS[run.end], target=run.target)
    held = f" ({run.holder})" if run.holder else ""
    return _(", ").join((f"{said}{held}", _when(run.began, now)))


def _when(at: float, now: float) -> str:
    """An age, and the time itself, which tells apart what is as old."""
    then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now).date()
    clock = f"{then:%H:%M:%S}" if then.date() == today else then.strftime(_("%d %b %H:%M"))
    return f"{ago(now - at)} ({clock})"


def ago(seconds: float) -> str:
    """An age in words; less than a minute is ``just now``."""
    if days := int(seconds // 86400):
        return _n("{n} day ago", "{n} days ago", days)
    if hours := int(seconds // 3600):
        return _n("{n} hour ago", "{n} hours ago", hours)
    if minutes := int(seconds // 60):
        return _n("{n} minute ago", "{n} minutes ago", minutes)
    return _("just now")
