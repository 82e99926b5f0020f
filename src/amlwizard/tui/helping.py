"""F1: the field that has the focus, or the keys of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.screen import ModalScreen

from amlwizard.tui.explain import HelpScreen, long
from amlwizard.tui.form import FormPage

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
        app.push_screen(HelpScreen(keys(app), "Keys"))


def keys(app: WizardApp) -> Content:
    """The keys that do something here, and everywhere."""
    shown: dict[str, str] = {}
    for key, active in app.screen.active_bindings.items():
        binding = active.binding
        if binding.description and active.enabled:
            shown.setdefault(binding.description, app.get_key_display(binding) or key)
    lines = [Content.assemble((f"{key:>6}  ", "bold $accent"), text) for text, key in shown.items()]
    return Content("\n").join(lines)
