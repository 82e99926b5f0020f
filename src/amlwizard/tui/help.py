"""The help of F1, on the focused field, the page or the dialog; and the commands of the palette."""

from __future__ import annotations

import re
from collections.abc import Iterator

from textual.app import App, SystemCommand
from textual.binding import ActiveBinding
from textual.content import Content

from amlwizard.language import _
from amlwizard.tui.dialogs.dialog import Dialog
from amlwizard.tui.dialogs.help import HelpScreen
from amlwizard.tui.dialogs.palette import Palette
from amlwizard.tui.pages.page import Page
from amlwizard.tui.port import Wizard
from amlwizard.tui.theme import DARK, LIGHT

NUMBERS = _(
    "Every page has a number, which the head shows: Alt and the number goes there, from 1 "
    "to 9; Ctrl+G lists all pages."
)
COLOURS = {
    LIGHT.name: (_("Light colours"), _("For a terminal with a light background")),
    DARK.name: (_("Dark colours"), _("For a terminal with a dark background")),
}
"""The command that puts on a theme, and what it is for."""
SENTENCE_END = re.compile(r"\. |。")


def explain(app: App[int], wizard: Wizard) -> None:
    """Open the help on the dialog that is open, or on the focused field and then on the page."""
    screen = app.screen
    if isinstance(screen, Dialog | Palette):
        app.push_screen(HelpScreen(screen.explained()))
    elif isinstance(screen, Page):
        field = screen.field_help()
        page = of_page(app, wizard)
        app.push_screen(HelpScreen(*([field, page] if field else [page])))


def of_page(app: App[int], wizard: Wizard) -> tuple[str, Content]:
    """The title of the current page, what it is for, and its keys."""
    page = next(page for page in wizard.pages if page.id == wizard.session.draft.page)
    return page.title, Content(f"{page.about}\n\n") + keys(app) + Content(f"\n\n{NUMBERS}")


def keys(app: App[int]) -> Content:
    """The active keys that amlwizard has given a meaning, those of the footer first."""
    shown: dict[str, str] = {}
    bindings = app.screen.active_bindings.items()
    for key, active in sorted(bindings, key=lambda item: not item[1].binding.show):
        binding = active.binding
        if binding.description and active.enabled and _is_ours(active):
            shown.setdefault(binding.description, app.get_key_display(binding) or key)
    lines = [Content.assemble((f"{key:>8}  ", "bold $accent"), text) for text, key in shown.items()]
    return Content("\n").join(lines)


def _is_ours(active: ActiveBinding) -> bool:
    """Whether a class of amlwizard declares the key, not only one of Textual's that it extends."""
    ours = (c for c in type(active.node).__mro__ if c.__module__.startswith("amlwizard."))
    given = (one for c in ours for one in c.__dict__.get("BINDINGS", ()))
    return any(one.action == active.binding.action for one in given)


def commands(app: App[int], wizard: Wizard) -> Iterator[SystemCommand]:
    """The commands of the palette, available on every page."""
    for page in wizard.pages:
        if wizard.may_go(page.id):
            about = SENTENCE_END.split(page.about)[0]
            yield SystemCommand(
                _("Go to {title}", title=page.title), about, lambda id=page.id: wizard.go(id)
            )
    yield SystemCommand(
        _("Save the recipe"), _("Write the answers to a recipe file"), wizard.action_save
    )
    if not wizard.running:
        yield SystemCommand(
            _("Sign in"), _("Sign in now, and list the subscriptions"), wizard.sign_in
        )
    other = LIGHT if app.theme == DARK.name else DARK
    yield SystemCommand(*COLOURS[other.name], lambda: wizard.use_theme(other))
    yield SystemCommand(
        _("Help"), _("The focused field, the page and its keys"), wizard.action_explain
    )
    yield SystemCommand(_("Quit"), _("Your answers are kept"), wizard.action_leave)
