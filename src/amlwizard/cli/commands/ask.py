"""The ask command: a recipe by questions, its plan, and, if confirmed, the run with plain
progress."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.text import Text

from amlwizard import console, durations
from amlwizard.accounts import Account
from amlwizard.app.application import Application, fan_out
from amlwizard.app.outputs import as_input_errors, usable
from amlwizard.app.port import TargetName
from amlwizard.cli.commands.wizard import SESSIONS
from amlwizard.cli.options import AskOptions
from amlwizard.cli.run_output import Watch, while_read
from amlwizard.cli.signals import ABOUT_READING, cancelling
from amlwizard.cli.targets import choice_of
from amlwizard.command_line import command_line, replaying
from amlwizard.console.output import columns, indented
from amlwizard.draft import Draft, DraftStore, from_file, new
from amlwizard.errors import Finding, InvalidInputError, OperationCancelledError, SignInError
from amlwizard.language import _
from amlwizard.next_steps import next_steps
from amlwizard.paths import state_folder
from amlwizard.prompts.askers import Asker, asker_for
from amlwizard.prompts.interview import Interview, at_fault
from amlwizard.recipe import Recipe
from amlwizard.session import Session
from amlwizard.time_format import span

NEW = _("a new session")
OUTPUT = "-o FILE"
AGAIN, CHANGE, LEAVE = _("ask it again"), _("change the recipe"), _("leave")
NUMBER_WIDTH = 3
TARGETS: tuple[TargetName, ...] = ("sandbox", "azure")


def ask(given: AskOptions) -> int:
    """Saves answers as they are given, so that an interrupted session can be continued. Raises
    InvalidInputError, before any question, if the file of -o is not to be written."""
    if given.output:
        usable(Path(given.output), OUTPUT, given.force or _is_read(given, Path(given.output)))
    asker = asker_for(given.plain)
    store = DraftStore(state_folder() / SESSIONS)
    session = Session(store, _draft(given, store, asker))
    try:
        with Application(replace(choice_of(given), attended=True)) as application:
            return Ask(given, session, asker, application).through()
    except (KeyboardInterrupt, OperationCancelledError):
        session.keep()
        if session.draft.changed:
            ask, wizard = command_line("ask"), command_line()
            said = _(
                "Your answers are kept. `{ask}` and `{wizard}` offer to continue.",
                ask=ask,
                wizard=wizard,
            )
            Printer(given.plain).say(f"\n{said}")
        return OperationCancelledError.exit_code


def _draft(given: AskOptions, store: DraftStore, asker: Asker) -> Draft:
    if given.recipe:
        return from_file(Path(given.recipe))
    kept = store.unfinished()[:5]
    if not kept:
        return new()
    labels = [_label(draft) for draft in kept]
    picked = asker.choose(_("Continue"), [*labels, NEW], labels[0])
    return new() if picked == NEW else kept[labels.index(picked)]


def _is_read(given: AskOptions, output: Path) -> bool:
    """Whether the file to write is the one that the answers come from."""
    return bool(given.recipe) and output.resolve() == Path(given.recipe or "").resolve()


def _label(draft: Draft) -> str:
    from datetime import datetime

    when = datetime.fromtimestamp(draft.changed).strftime("%d %b %H:%M:%S")
    prefix = draft.value("names.prefix")
    if not prefix:
        return _("without a prefix, left {when}", when=when)
    return _("{prefix}, left {when}", prefix=prefix, when=when)


class Printer:
    """Prints on standard output, wrapped at words."""

    def __init__(self, plain: bool) -> None:
        self.console = console.output(sys.stdout, plain)

    def say(self, text: str) -> None:
        body = text.lstrip(" ")
        self.console.print(indented(body, len(text) - len(body)))

    def command(self, text: str) -> None:
        """On a line of its own, so that it can be copied."""
        self.console.print(f"  {text}", soft_wrap=True, markup=False)

    def show(self, findings: Sequence[Finding]) -> None:
        console.show_findings(findings, self.console)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        table = columns(NUMBER_WIDTH, None, None)
        for number, *others in rows:
            table.add_row(f"{number:>{NUMBER_WIDTH}}", *map(Text, others))
        self.console.print(table)


class Ask:
    """From questions to a saved recipe and a run."""

    def __init__(
        self, given: AskOptions, session: Session, asker: Asker, application: Application
    ) -> None:
        self.given, self.session, self.asker, self.application = (
            given,
            session,
            asker,
            application,
        )
        self.screen = Printer(given.plain)
        self.interview = Interview(session, asker, self.screen)
        self.login = console.login_prompt()
        self.account: Account | None = None

    def through(self) -> int:
        if self.asker.hint:
            self.screen.say(self.asker.hint)
        target: TargetName = self.given.target or self._target()
        self.session.set_target(target)
        with self.application.using(target) as opened:
            self.login = console.login_prompt(opened.approved_by)
            return self._built_on(target)

    def _built_on(self, target: TargetName) -> int:
        sections: Sequence[str] = ()
        while True:
            self.interview.walk(sections)
            recipe = self.session.recipe
            assert recipe, "nothing but warnings stands after the walk"
            path = self._saved(recipe)
            self._plan(recipe)
            if not self._agreed(target, recipe):
                self.screen.say(_("Nothing was built. To build it later:"))
                self.screen.command(replaying(path, target))
                self.session.finish()
                return 0
            refused = self._refused(recipe, str(path))
            if not refused:
                return self._run(recipe, path)
            sections = at_fault(refused)

    def _target(self) -> TargetName:
        picked = self.asker.choose(_("Build on"), TARGETS, self.session.draft.target)
        return "azure" if picked == "azure" else "sandbox"

    def _saved(self, recipe: Recipe) -> Path:
        """Save the recipe and return its path. The file named by -o is overwritten; another
        existing file only if the user agrees. Folders are never made."""
        option = OUTPUT if self.given.output else ""
        while True:
            path = Path(self.given.output or self._named(recipe))
            mine = self.given.output or str(path) == self.session.draft.saved
            over = _("{path} exists. Write over it?", path=path)
            if path.is_file() and not mine and not self.asker.confirm(over, False):
                continue
            try:
                with as_input_errors(usable(path, option), option):
                    self.session.save(path)
                break
            except InvalidInputError as error:
                if self.given.output:
                    raise
                console.show_error(error, self.screen.console)
        self.session.keep()
        self.screen.say(_("The recipe is in {path}.", path=path))
        return path

    def _named(self, recipe: Recipe) -> str:
        usual = self.session.draft.saved or f"{recipe.names.prefix}.yaml"
        return self.asker.text(_("Save the recipe as"), usual) or usual

    def _plan(self, recipe: Recipe) -> None:
        plan = self.application.outline(recipe)
        self.screen.say("")
        console.show_plan(plan, self.screen.console, commands=False)
        whole = durations.of_plan(plan, self.application.expected(recipe))
        told = _("The run will take about {time}.", time=span(whole))
        self.screen.say(f"\n{told}")
        console.show_costs(self.application.costs(recipe), self.screen.console)

    def _agreed(self, target: TargetName, recipe: Recipe) -> bool:
        if target == "azure":
            account = self._sign_in(recipe)
            where = _(
                "This builds in the subscription {name} ({id}), in the region {region}.",
                name=account.subscription_name,
                id=account.subscription,
                region=recipe.sign_in.region,
            )
            self.screen.say(f"\n{where}")
        return self.asker.confirm(_("Start now on {target}?", target=target), False)

    def _refused(self, recipe: Recipe, name: str) -> Sequence[Finding]:
        """The errors that preflight finds, if the user wants to change the recipe; empty if there
        are none."""
        self._sign_in(recipe)
        while True:
            with cancelling(ABOUT_READING) as control:
                found = self.application.preflight(recipe, self.login, control.cancelled, name)
            self.screen.show(found)
            errors = [finding for finding in found if finding.severity == "error"]
            if not errors:
                return ()
            picked = self.asker.choose(_("Azure would refuse this"), (AGAIN, CHANGE, LEAVE), CHANGE)
            if picked == LEAVE:
                raise KeyboardInterrupt
            if picked == CHANGE:
                return errors

    def _sign_in(self, recipe: Recipe) -> Account:
        while True:
            try:
                with cancelling(ABOUT_READING) as control:
                    account = self.application.sign_in(
                        recipe.sign_in, self.login, control.cancelled
                    )
                break
            except SignInError as error:
                console.show_error(error)
                if not self.asker.confirm(_("Ask for a new code?"), True):
                    raise
        if account != self.account:
            self.screen.say(
                _(
                    "Using the subscription {subscription} as {account}.",
                    subscription=account.subscription_name,
                    account=account.name,
                )
            )
        self.account = account
        return account

    def _run(self, recipe: Recipe, path: Path) -> int:
        watch = Watch()
        with cancelling() as control:
            lines = console.Lines(sys.stdout, expected=self.application.expected(recipe))
            told = while_read(fan_out([lines, self.login]), control)
            shown = fan_out([watch, told])
            ran = self.application.run(recipe, str(path), shown, control)
        self.session.ran(ran.run)
        self.session.keep()
        if ran.exit_code == 0:
            self.session.finish()
        places = {_("Recipe"): str(path), _("Journal"): str(ran.journal)}
        access = self.application.places.access[self.session.draft.target].of(recipe.sign_in)
        console.report(
            watch.view, places, self.screen.console, next_steps(watch.view, path, access)
        )
        return ran.exit_code
