"""F1: the field that has the focus, or the keys of the page. And what the command palette offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.content import Content
from textual.screen import ModalScreen

from amlwizard.fields import sections
from amlwizard.tui.explain import HelpScreen, long
from amlwizard.tui.form import FormPage
from amlwizard.tui.page import Page
from amlwizard.tui.pages import BY_ID
from amlwizard.tui.theme import DARK, LIGHT

if TYPE_CHECKING:
    from amlwizard.tui.app import WizardApp


def explain(app: WizardApp) -> None:
    screen = app.screen
    row = screen.focused_row if isinstance(screen, FormPage) else None
    if isinstance(screen, ModalScreen):
        return
    if row:
        text = Content("\n").join(long(row.spec, row.findings))
        app.push_screen(HelpScreen(text, row.spec.title))
    else:
        about = screen.about() if isinstance(screen, Page) else ""
        text = Content(f"{about}\n\n" if about else "") + keys(app)
        app.push_screen(HelpScreen(text, BY_ID[app.session.draft.page].title if about else "Keys"))


def keys(app: WizardApp) -> Content:
    """The keys that do something here, and everywhere: first those that stand below the page."""
    shown: dict[str, str] = {}
    bindings = app.screen.active_bindings.items()
    for key, active in sorted(bindings, key=lambda item: not item[1].binding.show):
        binding = active.binding
        if binding.description and active.enabled:
            shown.setdefault(binding.description, app.get_key_display(binding) or key)
    lines = [Content.assemble((f"{key:>6}  ", "bold $accent"), text) for text, key in shown.items()]
    return Content("\n").join(lines)


def commands(app: WizardApp) -> Iterator[SystemCommand]:
    """Everything that can be done from anywhere."""
    for page in app.pages:
        if app.may_go(page.id):
            about = str(sections()[page.sections[0]].__doc__).strip() if page.sections else ""
            yield SystemCommand(f"Go to {page.title}", about, lambda id=page.id: app.go(id))
    yield SystemCommand("Save the recipe", "Write it to a file that replays", app.action_save)
    if not app.running:
        yield SystemCommand("Sign in", "Sign in now, and see what the account sees", app.sign_in)
    other = LIGHT if app.theme == DARK.name else DARK
    shade = "Light" if other is LIGHT else "Dark"
    yield SystemCommand(f"{shade} colours", "For a terminal of that shade", lambda: app.wear(other))
    yield SystemCommand("Help", "The field that has the focus, or the keys", app.action_explain)
    yield SystemCommand("Quit", "The answers are kept", app.action_leave)
