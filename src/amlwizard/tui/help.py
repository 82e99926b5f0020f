"""The help of F1, on the focused field or the keys of the page; and the commands of the palette."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import App, SystemCommand
from textual.content import Content
from textual.screen import ModalScreen

from amlwizard.fields import sections
from amlwizard.tui.dialogs.help import HelpScreen
from amlwizard.tui.pages.page import Page
from amlwizard.tui.port import Wizard
from amlwizard.tui.theme import DARK, LIGHT


def explain(app: App[int], wizard: Wizard) -> None:
    """Open the help on the focused field, else on the page and its keys; not over a dialog."""
    screen = app.screen
    if isinstance(screen, ModalScreen):
        return
    found = screen.field_help() if isinstance(screen, Page) else None
    if found:
        title, text = found
    else:
        about = screen.about() if isinstance(screen, Page) else ""
        text = Content(f"{about}\n\n" if about else "") + keys(app)
        title = _title(wizard) if about else "Keys"
    app.push_screen(HelpScreen(text, title))


def _title(wizard: Wizard) -> str:
    """The title of the current page."""
    return next(page.title for page in wizard.pages if page.id == wizard.session.draft.page)


def keys(app: App[int]) -> Content:
    """The active keys, those of the footer first."""
    shown: dict[str, str] = {}
    bindings = app.screen.active_bindings.items()
    for key, active in sorted(bindings, key=lambda item: not item[1].binding.show):
        binding = active.binding
        if binding.description and active.enabled:
            shown.setdefault(binding.description, app.get_key_display(binding) or key)
    lines = [Content.assemble((f"{key:>6}  ", "bold $accent"), text) for text, key in shown.items()]
    return Content("\n").join(lines)


def commands(app: App[int], wizard: Wizard) -> Iterator[SystemCommand]:
    """The commands of the palette, available on every page."""
    for page in wizard.pages:
        if wizard.may_go(page.id):
            about = str(sections()[page.sections[0]].__doc__).strip() if page.sections else ""
            yield SystemCommand(f"Go to {page.title}", about, lambda id=page.id: wizard.go(id))
    yield SystemCommand("Save the recipe", "Write it to a file that replays", wizard.action_save)
    if not wizard.running:
        yield SystemCommand("Sign in", "Sign in now, and see what the account sees", wizard.sign_in)
    other = LIGHT if app.theme == DARK.name else DARK
    shade = "Light" if other is LIGHT else "Dark"
    yield SystemCommand(
        f"{shade} colours", "For a terminal of that shade", lambda: wizard.wear(other)
    )
    yield SystemCommand("Help", "The field that has the focus, or the keys", wizard.action_explain)
    yield SystemCommand("Quit", "The answers are kept", wizard.action_leave)
